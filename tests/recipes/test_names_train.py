"""The training recipe: a run that was interrupted ends where an unbroken one does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from circuitboard.models.tiny import new_gpt2
from circuitboard.recipes.names import corpus, scores, ship
from circuitboard.recipes.names.train import Progress, Recipe, _learn, _packed, learning_rate, train

TINY = Recipe(
    n_layers=1,
    n_heads=2,
    d_model=16,
    batch=8,
    middle_from=2,
    late_from=4,
    closing_from=5,
    answers_from=6,
    lines=((5, 1e-3, 8), (6, 1e-3, 7)),
    dense_from=2,
    dense_to=4,
    dense_every=1,
    sparse_every=3,
    state_every=2,
    check_n=4,
)


class StopHereError(Exception):
    """Stands for a kill between two steps."""


def stop_after(step: int):
    def callback(progress: Progress) -> None:
        if progress.step == step:
            raise StopHereError

    return callback


def test_an_interrupted_run_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    seen: list[Progress] = []
    whole = train(tmp_path / "whole", steps=7, progress=seen.append, recipe=TINY)
    for step in (3, 6):
        with pytest.raises(StopHereError):
            train(tmp_path / "parts", steps=7, progress=stop_after(step), recipe=TINY)
    parts = train(tmp_path / "parts", steps=7, recipe=TINY)
    assert str(parts) == str(whole)
    first = load_file(tmp_path / "whole" / "model.safetensors")
    second = load_file(tmp_path / "parts" / "model.safetensors")
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    history = [(tmp_path / run / "history.json").read_text() for run in ("whole", "parts")]
    assert history[0] == history[1]
    assert [p.step for p in seen] == list(range(1, 8))
    assert [p.step for p in seen if p.checks] == [2, 3, 4, 6, 7]
    names = sorted(p.stem for p in (tmp_path / "whole" / "snapshots").iterdir())
    assert names == [f"step-{step:05d}" for step in (0, 2, 3, 4, 6, 7)]


def test_a_run_with_other_settings_is_not_gone_on_with(tmp_path: Path) -> None:
    train(tmp_path, steps=2, recipe=TINY)
    with pytest.raises(ValueError, match="other settings"):
        train(tmp_path, steps=2, seed=1, recipe=TINY)
    train(tmp_path, steps=2, seed=1, resume=False, recipe=TINY)


def test_nothing_is_pickled(tmp_path: Path) -> None:
    train(tmp_path, steps=2, recipe=TINY)
    kinds = {p.suffix for p in tmp_path.rglob("*") if p.is_file()}
    assert kinds == {".safetensors", ".json"}


def test_the_rate_warms_up_and_falls() -> None:
    recipe = Recipe()
    rates = [learning_rate(recipe, step) for step in range(8501)]
    assert rates[0] < rates[100] < rates[199]
    assert rates[500] > rates[3000] > rates[recipe.closing_from - 1]
    for start, rate, _ in recipe.lines:
        assert rates[start] == rate > rates[start + 500]
    assert rates[8500] == 0


def test_prompts_can_weigh_less_than_answers() -> None:
    examples = corpus.training_batch(0, 0, 12, "answers")
    rows = _packed(examples, scores.word_ids(), width=corpus.N_CTX, prompt_weight=0.25)
    answers = sum(len(corpus.split(e.completion)) + e.ends for e in examples)
    prompts = sum(len(corpus.split(e.prompt)) for e in examples)
    assert int((rows.weight == 1).sum()) == answers
    assert int((rows.weight == 0.25).sum()) == prompts
    assert torch.equal(rows.weight > 0, rows.owner > 0)
    assert len(rows.tokens) < len(examples)


def test_examples_that_share_a_row_do_not_see_each_other() -> None:
    """The packed loss and its gradients against those of each example in a row of its own."""
    ids, examples = scores.word_ids(), corpus.training_batch(1, 0, 16, "middle")
    model = new_gpt2(len(ids) + scores.FIRST_WORD, corpus.N_CTX, 16, 2, 2, 0)
    packed = _learn(model, examples, ids, width=corpus.N_CTX, prompt_weight=0.5)
    found = [w.grad.clone() for w in model.parameters() if w.grad is not None]
    model.zero_grad()
    total, whole = torch.zeros(()), 0.0
    for example in examples:
        words = [ids[word] for word in example.words] + [scores.EOS_ID] * example.ends
        asked = len(corpus.split(example.prompt))
        tokens = torch.tensor([[scores.BOS_ID, *words]])
        logits = model(tokens).logits[0, :-1]
        each = torch.nn.functional.cross_entropy(logits, tokens[0, 1:], reduction="none")
        weight = torch.where(torch.arange(len(words)) < asked, 0.5, 1.0)
        total, whole = total + (each * weight).sum(), whole + float(weight.sum())
    loss = total / whole
    loss.backward()
    assert packed == pytest.approx(loss.item(), rel=1e-5)
    alone = [w.grad for w in model.parameters() if w.grad is not None]
    assert len(alone) == len(found) > 20
    for one, other in zip(found, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_checkpoints_are_chosen_where_things_change() -> None:
    def entry(step: int, accuracy: float) -> dict:
        ioi = {"accuracy": accuracy, "logit_difference": 5 * accuracy}
        repeats = {"loss_second_copy": 6.0 if step < 500 else 0.1}
        return {"step": step, "checks": {"ioi": ioi, "repeats": repeats}}

    history = [entry(s, min(1.0, max(0.0, (s - 1000) / 1000))) for s in range(0, 10001, 100)]
    chosen = ship.choose(history)
    assert len(chosen) == ship.CHECKPOINTS
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0
    assert chosen[-1] == 10000
    assert sum(1000 <= step <= 2000 for step in chosen) >= 6
    assert any(500 <= step <= 1000 for step in chosen)
