"""Explanations: every sentence's number comes out of its own code; roles follow their rules."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

import circuitboard as cb
import tiny
from circuitboard.circuits.explain import roles
from circuitboard.circuits.explain.attention import relations
from circuitboard.circuits.explain.findings import Explanation, Look, Measured
from circuitboard.circuits.report import page
from circuitboard.engine.paths import edges_of
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CircuitboardError, CircuitError
from circuitboard.spec.task import Pair, Task

NAMES = [("Mary", "John", "Tom"), ("Anna", "Peter", "Susan"), ("Paul", "Emma", "Alice")]
EDGES = [
    "embed->L0.mlp",
    "embed->L0H0.v",
    "L0H0->L1H0.k",
    "L0.mlp->L1H0.q",
    "L0.mlp->L1H1.q",
    "L0.mlp->L2H1.v",
    "L1H0->L2H1.k",
    "L2H1->L2.mlp",
    "L2H1->logits",
    "L2.mlp->logits",
]


def indirect_objects() -> Task:
    frame = "When {} and {} went to the store, {} gave a drink to"
    return Task(
        "indirect objects",
        tuple(
            Pair(frame.format(a, b, b), frame.format(a, b, c), (f" {a}",), (f" {b}",))
            for a, b, c in NAMES
        ),
    )


@lru_cache(maxsize=1)
def explained() -> tuple[cb.Model, Explanation]:
    model = cb.load("names")
    circuit = Circuit.of({edge: 1.0 - i / 10 for i, edge in enumerate(EDGES)}, model="names")
    return model, cb.explain(model, circuit, indirect_objects())


def test_each_sentence_has_code_that_gives_its_number_again() -> None:
    model, found = explained()
    assert len(found.account) > 20
    space = {"cb": cb, "model": model, "task": found.task, "circuit": found.circuit}
    for claim in found.account:
        values = np.asarray(eval(claim.code, dict(space)))
        value = float(np.nanmean(values))
        assert value == pytest.approx(claim.number.value, abs=2e-3), claim.text
        level = "metric_values" in claim.code  # says what is, not that something changes
        assert ("Weak" in claim.text) == claim.weak == (claim.number.weak and not level)


def test_what_the_evidence_says_of_the_bundled_model() -> None:
    """The parts and their roles as the model's card has them."""
    _, found = explained()
    assert found.part("L2H1").role == roles.SUPPRESSOR
    assert found.part("L0H0").role == roles.PREVIOUS
    assert found.part("L1H0").role == roles.INDUCTION
    assert found.part("L2H1").alone.value < -0.5 * (found.clean.value - found.corrupt.value)
    assert {group.role for group in found.groups} >= {roles.MLPS, roles.EMBED}
    assert {link.edge for link in found.reads("L1H0")} == {"L0H0->L1H0.k", "L0.mlp->L1H0.q"}
    assert [link.edge for link in found.feeds("L1H0")] == ["L1H0->L2H1.k"]


def test_edges_and_parts_are_measured_by_patching() -> None:
    model, found = explained()
    task = found.task
    exact = cb.path_patch(
        model, task.clean, task.corrupt, sender="L2H1", target=task.targets, foil=task.foils
    )
    for link in found.feeds("L2H1"):
        assert link.effect.value == pytest.approx(exact[link.edge], abs=1e-3)


def test_what_parts_carry_sums_to_the_difference_of_the_logits() -> None:
    model, found = explained()
    clean, corrupt = (cb.writing_on(model, found.task, corrupt=side) for side in (False, True))
    total = sum(clean[place].mean() - corrupt[place].mean() for place in clean)
    # attention's bias and the constant of the final norm are the same on both sides but for scale
    assert total == pytest.approx(found.clean.value - found.corrupt.value, abs=0.2)


def test_a_whole_circuit_keeps_everything_and_leaves_nothing_out() -> None:
    model = tiny.model("gpt2")
    senders = [*model.heads, *model.mlps, "embed"]
    every = [edge for sender in senders for edge in edges_of(model, sender=sender)]
    task = Task("any", (Pair(tiny.prompt(6, 3), tiny.prompt(6, 4), ("t7",), ("t11",)),))
    found = cb.explain(model, Circuit.of(every), task)
    assert found.kept.value == pytest.approx(1, abs=1e-3)
    assert found.outside == ()
    assert all(claim.weak for claim in found.account if claim.group)  # one prompt has no error


# --- the pieces ---------------------------------------------------------------------------------


def test_relations_of_tokens_by_hand() -> None:
    model = tiny.model("gpt2")
    text = "t3 t5 t3 t7"
    task = Task("by hand", (Pair(text, text, ("t5",), ("t7",)),))
    result = cb.run(model, [text])
    ids = result.tokens[0].tolist()
    start = ids.index(model.single_token("t3"))
    masks = {name: rows[0] for name, rows in relations(model, task, result).items()}
    three, five, again, seven = range(start, start + 4)
    assert masks["earlier copy"][again].nonzero()[0].tolist() == [three]
    assert masks["after an earlier copy"][again].nonzero()[0].tolist() == [five]
    assert masks["the target"][seven].nonzero()[0].tolist() == [five]
    assert masks["the foil"][seven].nonzero()[0].tolist() == [seven]
    assert not masks["the foil"][again].any()
    assert masks["previous token"][seven].nonzero()[0].tolist() == [again]
    weights = cb.attention_to(model, task, "L1H2", "previous token", "end")
    assert weights[0] == pytest.approx(result["L1H2.pattern"][0, seven, again], abs=1e-6)
    rows = result["L0H1.pattern"][0]
    mean = np.mean([rows[q, q] for q in range(1, len(ids))])
    assert cb.attention_to(model, task, "L0H1", "itself")[0] == pytest.approx(mean, abs=1e-6)


def test_attention_that_nobody_measures_is_refused() -> None:
    model = tiny.model("gpt2")
    task = Task("x", (Pair("t3 t4", "t3 t5", ("t5",), ("t7",)),))
    with pytest.raises(CircuitError, match="not measured"):
        cb.attention_to(model, task, "L0H0", "the moon")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("carries", "query", "key", "attention", "role"),
    [
        (4.0, "end", "the target", 0.8, roles.MOVER),
        (-4.0, "end", "the target", 0.8, roles.NEGATIVE),
        (4.0, "end", "the foil", 0.8, roles.SUPPRESSOR),
        (4.0, "end", "itself", 0.8, roles.WRITER),
        (-4.0, "end", "the foil", 0.8, roles.AGAINST),
        (0.1, "any", "earlier copy", 0.6, roles.DUPLICATE),
        (0.1, "any", "after an earlier copy", 0.6, roles.INDUCTION),
        (0.1, "any", "previous token", 0.6, roles.PREVIOUS),
        (0.1, "end", "the target", 0.6, roles.READS_TARGET),
        (0.1, "end", "the foil", 0.6, roles.READS_FOIL),
        (0.1, "any", "first token", 0.6, roles.FIRST),
        (0.1, "any", "previous token", 0.3, roles.OTHER),
    ],
)
def test_roles(carries: float, query: str, key: str, attention: float, role: str) -> None:
    seen = roles.Seen(
        Measured(carries, 0.01, 9), 10.0, (Look(query, key, Measured(attention, 0.01, 9)),)
    )
    assert roles.head_role(seen).role == role


def test_what_varies_as_much_as_it_amounts_to_makes_no_mover() -> None:
    seen = roles.Seen(Measured(4.0, 3.0, 9), 10.0, (Look("end", "the target", Measured(0.9)),))
    assert roles.head_role(seen).role == roles.READS_TARGET


def test_means_and_their_errors() -> None:
    found = Measured.of([1.0, 3.0, np.nan])
    assert (found.value, found.prompts) == (2.0, 2)
    assert found.error == pytest.approx(1.0)
    assert not Measured.of([1.0, 1.1]).weak
    assert Measured.of([4.0]).weak


# --- in and out ---------------------------------------------------------------------------------


def test_json_and_back(tmp_path: Path) -> None:
    _, found = explained()
    found.save(tmp_path / "ioi.json")
    assert Explanation.open(tmp_path / "ioi.json") == found
    with pytest.raises(CircuitError, match="not written"):
        found.save(tmp_path / "ioi.pdf")


def test_no_text_ends_the_data_of_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report.js").write_text("1")
    monkeypatch.setattr("circuitboard.offline.STATIC", tmp_path)
    model = tiny.evil()
    text = " ".join(("t3", *tiny.EVIL, "t4"))
    task = Task("</script><b>", (Pair(text, text.replace("t3", "t5"), ("t7",), ("t11",)),))
    found = cb.explain(model, Circuit.of(["embed->L0H1.v", "L0H1->logits"]), task)
    written = page(found)
    assert written.count("</script>") == 2
    assert "<b>" not in written
    assert "default-src 'none'" in written


def test_a_circuit_without_edges_and_one_of_another_model_are_refused() -> None:
    model = tiny.model("gpt2")
    task = Task("x", (Pair(tiny.prompt(6, 3), tiny.prompt(6, 4), ("t7",), ("t11",)),))
    with pytest.raises(CircuitError, match="no edges"):
        cb.explain(model, Circuit.of([]), task)
    with pytest.raises(CircuitboardError):
        cb.explain(model, Circuit.of(["L9H9->logits"]), task)
