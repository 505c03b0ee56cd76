"""Evaluating circuits: against runs, by hand, and on models whose circuit is known."""

from __future__ import annotations

import numpy as np
import pytest

import circuitboard as cb
import tiny
from circuitboard.circuits.completeness import Sieve
from circuitboard.circuits.evaluate import FRACTIONS, areas
from circuitboard.circuits.evaluation import Stability
from circuitboard.circuits.recovery import every_edge
from circuitboard.circuits.trials import Trials, mask_of, space_of
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Scores
from circuitboard.spec.errors import CancelledError, CircuitError

CLEAN = tuple(tiny.prompt(7, seed) for seed in (1, 2, 3, 4))
CORRUPT = tuple(tiny.prompt(7, seed) for seed in (5, 6, 7, 8))
FEW = {"others": (), "fractions": (), "random": 0, "subsets": 0, "greedy": 0, "minimality": "none"}


def task(metric: str = "logit difference", rows: slice = slice(None)) -> cb.Task:
    pairs = [
        cb.Pair(clean, corrupt, (3 + n,), (13 + n,))
        for n, (clean, corrupt) in enumerate(zip(CLEAN, CORRUPT, strict=True))
    ]
    return cb.Task("tiny", tuple(pairs[rows]), metric)


def metric(model: Model, prompts: tuple[str, ...], items: list | None = None) -> np.ndarray:
    """The logit difference of each prompt, by a run."""
    targets, foils = ([n + k for n in range(len(prompts))] for k in (3, 13))
    result = cb.run(model, list(prompts), items)
    last = result.logits[:, -1].astype(np.float64)
    rows = range(len(prompts))
    return last[rows, targets] - last[rows, foils]


def scored(model: Model, seed: int = 0) -> cb.Circuit:
    """All edges with scores drawn at random."""
    space = space_of(model, cb.Circuit.of([]))
    drawn = np.random.default_rng(seed).normal(size=space.exists.shape)
    scores: Scores = space.scores(np.where(space.exists, drawn, np.nan))
    pairs = dict(zip(scores.edges, scores.values.tolist(), strict=True))
    circuit = cb.Circuit.of(pairs, model=model.facts.name, method="drawn")
    return cb.Circuit(circuit.model, "tiny", "drawn", circuit.kept, "qkv", scores)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
def test_faithfulness_is_the_share_of_the_metric_that_is_left(name: str) -> None:
    model = tiny.model(name)
    edge = "L0.mlp->L2.mlp"
    circuit = cb.Circuit.of([one for one in every_edge(model) if one != edge])
    found = cb.evaluate(model, circuit, task(), **FEW).faithfulness[0]
    full, empty = metric(model, CLEAN).mean(), metric(model, CORRUPT).mean()
    mine = metric(model, CLEAN, [cb.Patch(edge, cb.Source(CORRUPT))]).mean()
    assert found.full == pytest.approx(full, abs=1e-5)
    assert found.empty == pytest.approx(empty, abs=1e-5)
    assert found.circuit == pytest.approx(mine, abs=1e-5)
    assert found.value == pytest.approx((mine - empty) / (full - empty), abs=1e-4)
    assert found.pairs == 4


def test_a_circuit_of_nodes_is_all_other_nodes_patched() -> None:
    for name in ("gpt2", "llama"):
        model = tiny.model(name)
        nodes = ["L0H1", "L0.mlp", "L1H2", "L2H3", "L2.mlp"]
        rest = [part for part in [*model.heads, *model.mlps] if part not in nodes]
        items = [cb.Patch(part, cb.Source(CORRUPT)) for part in rest]
        circuit = cb.circuit_of_nodes(model, nodes)
        found = cb.evaluate(model, circuit, task(), **FEW).faithfulness[0]
        assert found.circuit == pytest.approx(metric(model, CLEAN, items).mean(), abs=1e-5)
        senders = {edge.partition("->")[0] for edge in circuit.edges}
        assert senders == {"embed", *nodes}


def test_areas_by_hand() -> None:
    cpr, cmd = areas([(0.0, 0.0), (0.5, 1.0), (1.0, 1.5)])
    assert cpr == pytest.approx(0.5 * 0.5 + 0.5 * 1.25)
    assert cmd == pytest.approx(0.5 * 0.5 + 0.5 * 0.25)


def test_the_curve_is_the_faithfulness_of_each_size() -> None:
    model = tiny.model("gpt2")
    whole = scored(model)
    found = cb.evaluate(model, whole.top(50), task(), **{**FEW, "fractions": FRACTIONS}, draws=0)
    assert found.curve is not None
    assert [point.fraction for point in found.curve.points] == list(FRACTIONS)
    total = len(every_edge(model))
    for point in found.curve.points:
        assert point.edges == round(point.fraction * total)
    for point in found.curve.points[-3:]:
        alone = cb.evaluate(model, whole.fraction(point.fraction), task(), **FEW, draws=0)
        assert point.value == pytest.approx(alone.value, abs=1e-5)
    assert found.curve.points[-1].value == pytest.approx(1, abs=1e-5)
    pairs = [(point.fraction, point.value) for point in found.curve.points]
    assert (found.curve.cpr, found.curve.cmd) == areas(pairs)
    assert (found.edges, found.total) == (50, total)


def test_intervals_are_percentiles_over_draws_of_pairs() -> None:
    model = tiny.model("gpt2")
    circuit = scored(model).fraction(0.5)
    space = space_of(model, circuit)
    trials = Trials(model, task(), space)
    values = trials.of([mask_of(space, circuit.edges)])[0]
    chance, wanted = np.random.default_rng(7), []
    for _ in range(300):
        rows = chance.integers(4, size=4)
        part = [side[rows].mean() for side in (values, trials.full, trials.empty)]
        wanted.append((part[0] - part[2]) / (part[1] - part[2]))
    low, high = trials.interval(values, 300, 7)
    assert (low, high) == pytest.approx(np.percentile(wanted, (2.5, 97.5)), rel=1e-6)
    same = cb.Task("same", task().pairs[:1] * 3)
    one = cb.evaluate(model, circuit, same, **FEW).faithfulness[0]
    assert one.low == pytest.approx(one.value, abs=1e-5) == one.high


@pytest.mark.parametrize("name", ["induction", "lookup", "suppression"])
def test_a_known_circuit_is_faithful_complete_and_minimal(name: str) -> None:
    known = cb.known_circuit(name)
    circuit = cb.Circuit.of(known.edges)
    found = cb.evaluate(
        known.model, circuit, known.task, known=known.edges, others=("mean",), seed=3
    )
    assert found.value == pytest.approx(1, abs=1e-3)
    assert found.live == found.edges == len(known.edges)
    whole = next(one for one in found.completeness if one.kind == "all edges")
    assert abs(whole.model) < 1e-3
    assert max(one.gap for one in found.completeness) < 1e-3
    assert {"all edges", "random", "greedy"} == {one.kind for one in found.completeness}
    assert {row.part for row in found.minimality} == set(known.nodes)
    assert found.minimality[0].change > 1e-3  # every node is missed
    assert found.chance is not None
    assert found.chance.draws == 20
    assert found.chance.mean < 0.5
    assert found.truth is not None
    assert (found.truth.edges, found.truth.nodes) == (1, 1)
    assert (found.truth.precision, found.truth.recall) == (1, 1)


def test_edges_left_out_one_by_one() -> None:
    known = cb.known_circuit("induction")
    idle = "embed->L0H3.q" if "embed->L0H3.q" not in known.edges else "embed->L0H2.q"
    circuit = cb.Circuit.of([*known.edges, idle])
    found = cb.evaluate(known.model, circuit, known.task, **{**FEW, "minimality": "edges"})
    assert {row.part for row in found.minimality} == set(circuit.edges)
    assert found.minimality[0].part == idle
    assert abs(found.minimality[0].change) < 1e-4
    whole = found.value
    last = found.minimality[-1]
    rest = cb.Circuit.of([edge for edge in circuit.edges if edge != last.part])
    less = cb.evaluate(known.model, rest, known.task, **FEW).value
    assert last.change == pytest.approx(whole - less, abs=1e-5)


def test_the_greedy_search_takes_the_worst_node_that_it_saw() -> None:
    model = tiny.model("gpt2")
    circuit = scored(model).fraction(0.3)
    space = space_of(model, circuit)
    sieve = Sieve(Trials(model, task(), space), mask_of(space, circuit.edges), 0)
    first, second = sieve.greedy(2)
    assert set(first.nodes) < set(second.nodes)
    assert len(second.nodes) == 2
    drawn = np.random.default_rng(0).choice(len(sieve.nodes), 10, replace=False)
    seen = sieve.left_out("greedy", [[sieve.nodes[i]] for i in drawn])
    assert first.gap == pytest.approx(max(one.gap for one in seen))
    whole, mine = sieve.without(["L0H1"])
    row = space.senders.index("L0H1")
    assert not whole[row].any()
    assert not mine[row].any()
    assert whole.sum() == space.exists.sum() - space.exists[row].sum()


def test_other_prompts_other_values_and_merged_edges() -> None:
    model = tiny.model("gpt2")
    train, test = task(rows=slice(0, 2)), task(rows=slice(2, 4))
    circuit = scored(model).fraction(0.6)
    options = {**FEW, "others": ("mean", "positional mean", "zero")}
    found = cb.evaluate(model, circuit, train, **options, held_out=test)
    assert [one.how for one in found.faithfulness] == [
        "resample", "mean", "positional mean", "zero",
    ]  # fmt: skip
    assert found.held_out is not None
    apart = cb.evaluate(model, circuit, test, **FEW)
    assert found.held_out == apart.faithfulness[0]
    merged = cb.Circuit.of(["embed->L0H1", "L0H1->logits"])
    apart = cb.Circuit.of([*(f"embed->L0H1.{name}" for name in "qkv"), "L0H1->logits"])
    values = [cb.evaluate(model, one, train, **FEW).value for one in (merged, apart)]
    assert values[0] == pytest.approx(values[1], abs=1e-6)


def test_positions_of_their_own() -> None:
    model = tiny.model("gpt2")
    found = cb.discover(model, task(), "eap", positions=True)
    circuit = found.top(400)
    space = space_of(model, circuit)
    mask = mask_of(space, circuit.edges)
    np.testing.assert_array_equal(mask, circuit.mask())
    assert cb.evaluate(model, found.fraction(1.0), task(), **FEW).value == pytest.approx(
        1, abs=1e-5
    )
    evaluation = cb.evaluate(model, circuit, task(), **FEW)
    assert evaluation.edges == 400


def test_kl_divergence_and_loss() -> None:
    model = tiny.model("gpt2")
    whole = scored(model)
    for kind in ("KL divergence", "loss", "probability"):
        found = cb.evaluate(model, whole.fraction(1.0), task(kind), **FEW).faithfulness[0]
        assert found.value == pytest.approx(1, abs=1e-4)
        if kind == "KL divergence":
            assert found.full == pytest.approx(0, abs=1e-5)


def test_json_in_and_out_and_what_is_printed() -> None:
    known = cb.known_circuit("gates")
    circuit = cb.discover(known.model, known.task, "edge-patching", size=len(known.edges))
    found = cb.evaluate(known.model, circuit, known.task, known=known.edges, held_out=known.task)
    assert cb.Evaluation.from_json(found.to_json()) == found
    text = repr(found)
    for word in ("faithfulness, resample", "CPR, CMD", "random circuits", "completeness",
                 "minimality", "AUROC", "held out"):  # fmt: skip
        assert word in text


def test_stability_by_hand() -> None:
    first, second = ["embed->L0.mlp", "L0.mlp->logits"], ["embed->L0.mlp", "embed->logits"]
    given = iter([first, first, second])
    found = cb.stability(lambda _task: cb.Circuit.of(next(given)), task(), 3)
    assert found.jaccard == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)
    assert (found.low, found.high) == pytest.approx((1 / 3, 1))
    assert dict(found.shares)["embed->L0.mlp"] == 1
    assert dict(found.shares)["embed->logits"] == pytest.approx(1 / 3)
    assert Stability.from_json(found.to_json()) == found
    seen: list[cb.Task] = []

    def discover(drawn: cb.Task) -> cb.Circuit:
        seen.append(drawn)
        return cb.Circuit.of(first)

    assert cb.stability(discover, task(), 2, seed=1).jaccard == 1
    assert seen[0].pairs != seen[1].pairs
    assert all(len(drawn) == 4 and set(drawn.pairs) <= set(task().pairs) for drawn in seen)


def test_progress_and_cancelling() -> None:
    model, steps = tiny.model("gpt2"), []
    watch = cb.Watch(progress=lambda done, total: steps.append((done, total)))
    cb.evaluate(model, scored(model).top(30), task(), **FEW, watch=watch)
    assert steps[-1][0] == steps[-1][1] == len(steps)

    def stop() -> None:
        raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        cb.evaluate(model, scored(model).top(30), task(), watch=cb.Watch(check=stop))


def test_what_cannot_be_evaluated_says_so() -> None:
    model = tiny.model("gpt2")
    with pytest.raises(CircuitError, match="the model is"):
        cb.evaluate(model, cb.Circuit.of(["embed->logits"], model="other"), task())
    for edge in ("L7H0->logits", "embed->logits@2"):
        with pytest.raises(CircuitError, match="no edge"):
            cb.evaluate(model, cb.Circuit.of([edge]), task())
    same = cb.Task("same", (cb.Pair(CLEAN[0], CLEAN[0], (3,), (4,)),))
    with pytest.raises(CircuitError, match="nothing for a circuit to carry"):
        cb.evaluate(model, cb.Circuit.of(["embed->logits"]), same)
    with pytest.raises(CircuitError, match="cannot be compared"):
        cb.stability(lambda _task: cb.Circuit.of([]), task(), 1)
