"""Trains ``names`` from nothing, on CPU, so that a killed run can go on where it was."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from circuitboard.recipes import state
from circuitboard.recipes.state import STATE, Progress, Resumable

from . import corpus, scores
from . import lexicon as lex

SNAPSHOTS = "snapshots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The sizes and rates of a run; the defaults are those of the shipped model.

    ``lines`` are the last parts of the rate: from a step, a rate that falls straight to nothing
    at another step, unless the next line starts before.
    """

    n_layers: int = 4
    n_heads: int = 4
    d_model: int = 128
    n_ctx: int = corpus.N_CTX
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: int = 200
    cosine_steps: int = 6500
    middle_from: int = 1200
    late_from: int = 4000
    closing_from: int = 5000
    answers_from: int = 6250
    lines: tuple[tuple[int, float, int], ...] = (
        (5000, 8e-4, 7000),
        (6250, 5e-4, 7500),
        (7500, 4e-4, 8500),
    )
    prompt_weight: float = 0.1
    dense_from: int = 300
    dense_to: int = 3000
    dense_every: int = 100
    sparse_every: int = 400
    state_every: int = 250
    check_n: int = 256


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then along a cosine, then along the straight ``lines`` of the recipe."""
    for start, rate, end in reversed(recipe.lines):
        if step >= start:
            return rate * max(0, end - step) / (end - start)
    warm = min(1.0, (step + 1) / recipe.warm_up)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, step / recipe.cosine_steps)))
    return recipe.learning_rate * warm * cosine


@dataclass(frozen=True, slots=True)
class _Rows:
    """Examples laid one behind the other into rows of one length: all are [b, p].

    ``place`` counts from each example's beginning; ``owner`` tells the examples of a row apart, 0
    is padding; ``due`` is the token after each one, with its ``weight`` in the loss.
    """

    tokens: Tensor
    place: Tensor
    owner: Tensor
    due: Tensor
    weight: Tensor

    @property
    def sees(self) -> Tensor:
        """Whether a position (third index) is seen from another (second): [b, 1, p, p]."""
        own = self.owner[:, :, None] == self.owner[:, None, :]
        return (own & own.new_ones(own.shape[1:]).tril())[:, None]


def _packed(
    examples: list[corpus.Example], ids: dict[str, int], *, width: int, prompt_weight: float
) -> _Rows:
    """The longest examples first, each into the first row that has room for it."""
    rows: list[list[list[float]]] = []
    for example in sorted(examples, key=lambda e: -len(e.words)):
        words = [ids[word] for word in example.words] + [scores.EOS_ID] * example.ends
        asked = len(corpus.split(example.prompt))
        row = next((r for r in rows if len(r) + len(words) <= width), None)
        if row is None:
            row = []
            rows.append(row)
        owner = row[-1][2] + 1 if row else 1
        for i, (word, due) in enumerate(zip([scores.BOS_ID, *words], words, strict=False)):
            row.append([word, i, owner, due, prompt_weight if i < asked else 1.0])
    for row in rows:
        row.extend([[scores.EOS_ID, 0, 0, scores.EOS_ID, 0.0]] * (width - len(row)))
    columns = torch.tensor(rows, dtype=torch.float64).unbind(-1)
    tokens, place, owner, due = (column.long() for column in columns[:4])
    return _Rows(tokens, place, owner, due, columns[4].float())


def _learn(
    model: torch.nn.Module,
    examples: list[corpus.Example],
    ids: dict[str, int],
    *,
    width: int,
    prompt_weight: float,
) -> float:
    """Adds the gradients of the weighted mean loss per token; returns that loss in nats.

    ``prompt_weight`` is that of the words of the prompts, which nobody can foresee; answers
    weigh 1. Examples that share a row of ``width`` tokens do not see each other.
    """
    rows = _packed(examples, ids, width=width, prompt_weight=prompt_weight)
    given = {"attention_mask": rows.sees, "position_ids": rows.place, "use_cache": False}
    logits = model(rows.tokens, **given).logits
    each = F.cross_entropy(logits.flatten(0, 1), rows.due.flatten(), reduction="none")
    loss = (each * rows.weight.flatten()).sum() / rows.weight.sum()
    loss.backward()
    return loss.item()


class _Run(Resumable):
    """A model, its optimiser and its history: what a state file holds.

    The rows of a step depend on the seed and the step alone and the model has no dropout, so no
    random state needs to be kept.
    """

    def __init__(self, out: Path, recipe: Recipe, steps: int, seed: int) -> None:
        from circuitboard.models.tiny import new_gpt2

        self.out, self.recipe, self.steps, self.seed = out, recipe, steps, seed
        self.ids = scores.word_ids()
        vocab = len(self.ids) + scores.FIRST_WORD
        self.model = new_gpt2(
            vocab, recipe.n_ctx, recipe.d_model, recipe.n_layers, recipe.n_heads, seed
        )
        for block in self.model.transformer.h:
            # The same function in one operation; the saved configuration says "gelu_new".
            block.mlp.act = torch.nn.GELU(approximate="tanh")
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            betas=(0.9, 0.98),
            fused=True,
        )
        self.step = 0
        self.history: list[dict[str, Any]] = []

    def identity(self) -> dict[str, Any]:
        """What a state file must agree on before a run goes on from it."""
        whole = {
            "recipe": asdict(self.recipe),
            "steps": self.steps,
            "seed": self.seed,
            "words": "\n".join(lex.vocabulary()),
        }
        return json.loads(json.dumps(whole))

    def is_check_due(self) -> bool:
        """Whether scores and a snapshot are taken after this step."""
        r = self.recipe
        dense = r.dense_from <= self.step <= r.dense_to
        every = r.dense_every if dense else r.sparse_every
        return self.step % every == 0 or self.step == self.steps

    def check(self, loss: float) -> dict[str, dict[str, float]]:
        """Scores the model now and keeps its weights (float16) under ``snapshots``."""
        found = scores.all_scores(self.model, self.recipe.check_n, 0)
        self.model.train()
        halves = {k: v.half() for k, v in self.model.state_dict().items()}
        state.write(self.out / SNAPSHOTS / f"step-{self.step:05d}.safetensors", halves, {})
        self.history.append({"step": self.step, "loss": loss, "checks": found})
        return found

    def phase(self) -> str:
        """The mixture of rows that is due now."""
        recipe = self.recipe
        starts = {
            "answers": recipe.answers_from,
            "closing": recipe.closing_from,
            "late": recipe.late_from,
            "middle": recipe.middle_from,
        }
        return next((name for name, start in starts.items() if self.step >= start), "early")

    def advance(self) -> float:
        """One optimiser step; returns the loss before it."""
        rows = corpus.training_batch(self.seed, self.step, self.recipe.batch, self.phase())
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step)
        self.optimiser.zero_grad()
        weight = self.recipe.prompt_weight if self.phase() == "answers" else 1.0
        loss = _learn(self.model, rows, self.ids, width=self.recipe.n_ctx, prompt_weight=weight)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        return loss


def train(
    out: Path,
    *,
    steps: int = 8500,
    seed: int = 0,
    resume: bool = True,
    progress: Callable[[Progress], None] | None = None,
    recipe: Recipe | None = None,
) -> dict[str, Any]:
    """Trains the model into ``out`` and returns the final scores on held-out examples.

    ``out`` becomes a Hugging Face folder (weights, configuration, tokenizer) with
    ``history.json``, the snapshots of the run and the state that a later call resumes from.
    The result depends on ``steps``, ``seed`` and ``recipe``, not on interruptions.
    ``progress`` is called after each step.

    Raises:
        ValueError: ``resume`` is true and ``out`` holds the state of a run with other settings.
    """
    run = _Run(out, recipe or Recipe(), steps, seed)
    (out / SNAPSHOTS).mkdir(parents=True, exist_ok=True)
    if resume and (out / STATE).exists():
        run.restore()
    if run.step == 0:
        run.history.clear()
        run.check(math.log(len(run.ids)))
    while run.step < steps:
        loss = run.advance()
        checks = run.check(loss) if run.is_check_due() else None
        if run.step % run.recipe.state_every == 0 or run.step == steps:
            run.save()
        if progress is not None:
            progress(Progress(step=run.step, steps=steps, loss=loss, checks=checks))
    _finish(run)
    return run.history[-1]["checks"]


def _finish(run: _Run) -> None:
    """Writes the model, its tokenizer and its history."""
    from circuitboard.models.tiny import save_model, word_tokenizer

    run.model.eval()
    save_model(run.model, run.out)
    tokenizer = word_tokenizer(
        lex.vocabulary(), pattern=corpus.WORD_PATTERN, n_ctx=run.recipe.n_ctx
    )
    tokenizer.save_pretrained(run.out)
    (run.out / "history.json").write_text(json.dumps(run.history, indent=1) + "\n")
