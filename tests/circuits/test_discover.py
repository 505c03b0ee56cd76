"""Scores of edges: estimates that must coincide do, exact ones are the engine's, all are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import circuitboard as cb
import tiny
from circuitboard.circuits.discover import METHODS
from circuitboard.engine.paths import path_patch
from circuitboard.methods.edge_attribution import edge_attribution
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CancelledError, CircuitError, TargetError, TaskError
from circuitboard.spec.task import Pair, Task

CLEAN = [tiny.prompt(7, 1), tiny.prompt(7, 2), tiny.prompt(7, 3)]
CORRUPT = [tiny.prompt(7, 11), tiny.prompt(7, 12), tiny.prompt(7, 13)]
SETS, OTHERS = [("t7",), ("t8", "t9"), ("t1", "t2")], [("t11", "t12"), ("t30",), ("t3",)]
TASK = Task.from_rows(zip(CLEAN, CORRUPT, SETS, OTHERS, strict=True), name="random")
NAMES = ("gpt2", "llama", "neox", "attn_only")


def found(m: Model, method: str, task: Task = TASK, **options: Any) -> np.ndarray:
    """The matrix of a method's scores."""
    scores = cb.discover(m, task, method, **options).scores
    assert scores is not None
    return scores.matrix


def close(one: np.ndarray, other: np.ndarray, room: float = 1e-4) -> None:
    np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
    bound = room * max(1e-3, float(np.nanmax(np.abs(other))))
    np.testing.assert_allclose(one, other, atol=bound)


@pytest.mark.parametrize("name", [*NAMES, "gemma2"])
@pytest.mark.parametrize("method", ["eap", "eap-ig", "eap-ig-activations", "clean-corrupted"])
def test_estimates_are_those_of_edge_attribution(name: str, method: str) -> None:
    m = tiny.model(name)
    inner: Any = "eap-ig-inputs" if method == "eap-ig" else method
    plain = edge_attribution(m, CLEAN, CORRUPT, target=SETS, foil=OTHERS, method=inner)
    circuit = cb.discover(m, TASK, method, size=1.0)
    assert circuit.edges == plain.edges
    np.testing.assert_array_equal([one.score for one in circuit.kept], plain.scores)
    assert circuit.granularity == "qkv"
    assert circuit.method == method


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_exact_scores_are_path_patching(name: str, direction: Any) -> None:
    m = tiny.model(name)
    circuit = cb.discover(m, TASK, "edge-patching", direction=direction)
    for receiver in ("L1H2.k", "L0H1.q", "L1H0.v", "L1.mlp", "logits"):
        if (receiver == "L1H2.k" and name == "attn_only") or not m.has_part("mlp"):
            continue
        wanted = path_patch(
            m, CLEAN, CORRUPT, receiver=receiver, target=SETS, foil=OTHERS, direction=direction
        )
        for edge, value in wanted.items():
            assert circuit.score(edge) == pytest.approx(value, abs=1e-4)


def test_gradients_are_exact_where_the_metric_is_linear() -> None:
    """No norm, no MLP: what the logits and the last layer's values read goes in linearly."""
    m = tiny.model("attn_only")
    exact = cb.discover(m, TASK, "edge-patching", size=1.0)
    linear = [e for e in exact.edges if e.endswith(("->logits", "->L1H0.v", "->L1H1.v"))]
    assert len(linear) == 5 + 6
    assert max(abs(exact.score(edge)) for edge in linear) > 1e-3
    for method in ("eap", "eap-ig", "eap-ig-activations", "eap-ig-senders"):
        estimate = cb.discover(m, TASK, method, size=1.0)
        into_logits = [e for e in linear if e.endswith("logits")] if method != "eap" else linear
        for edge in into_logits:
            assert estimate.score(edge) == pytest.approx(exact.score(edge), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_one_step_of_integration_is_one_gradient(name: str) -> None:
    m = tiny.model(name)
    plain = found(m, "eap")
    close(found(m, "eap-ig", steps=1), plain)
    close(found(m, "eap-ig-senders", steps=1), plain)
    other_end = found(m, "eap", direction="denoising")
    close(found(m, "clean-corrupted"), (plain - other_end) / 2)


@pytest.mark.parametrize("name", NAMES)
def test_integrated_edges_out_of_the_embedding_add_up_to_the_whole_effect(name: str) -> None:
    """Completeness: along the inputs, the embedding's edges carry all of the difference."""
    m = tiny.model(name)
    row = np.nansum(found(m, "eap-ig", steps=120)[0].astype(np.float64))
    asked: dict[str, Any] = {"target": SETS, "foil": OTHERS}
    ends = [cb.run(m, side, **asked).metric for side in (CLEAN, CORRUPT)]
    assert row == pytest.approx(ends[1] - ends[0], rel=0.05, abs=0.05)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_a_nodes_score_is_the_sum_of_its_edges(name: str, direction: Any) -> None:
    m = tiny.model(name)
    sums = np.nansum(found(m, "eap", direction=direction).astype(np.float64), 1)
    scores = found(m, "node-attribution", direction=direction)
    into_logits = scores[:, -1]
    close(into_logits[1:], np.abs(sums)[1:].astype(np.float32), 1e-3)
    assert into_logits[0] == np.nanmax(scores)
    edge = cb.discover(m, TASK, "node-attribution", direction=direction, size=1.0)
    ends = sums[[1, 1 + m.facts.n_heads + int(m.has_part("mlp"))]]
    assert edge.score("L0H0->L1H0.q") == pytest.approx(np.abs(ends).min(), rel=1e-3)


def test_a_circuit_of_some_nodes_has_all_edges_among_them() -> None:
    m = tiny.model("gpt2")
    circuit = cb.discover(m, TASK, "node-attribution", nodes=3)
    inner = [node for node in circuit.nodes if node not in ("embed", "logits")]
    assert len(inner) == 3
    among = cb.discover(m, TASK, "node-attribution", size=1.0)
    sizes = {node: among.score(f"{node}->logits") for node in [*m.heads, *m.mlps]}
    assert set(inner) == set(sorted(sizes, key=lambda node: -sizes[node])[:3])
    wanted = [e for e in among.edges if {*Circuit.of([e]).nodes} <= set(circuit.nodes)]
    assert circuit.edges == tuple(wanted)


@pytest.mark.parametrize("method", ["eap", "eap-ig", "eap-ig-activations"])
@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_positions_add_up_to_the_whole(name: str, method: str) -> None:
    m = tiny.model(name)
    apart = found(m, method, positions=True)
    assert apart.shape[2] == 8
    whole = found(m, method)
    close(np.where(np.isnan(whole), np.nan, np.nansum(apart.astype(np.float64), 2)), whole, 1e-3)
    edge = cb.discover(m, TASK, method, positions=True, size=1)
    assert "@" in edge.edges[0]


def test_exact_scores_of_positions() -> None:
    m = tiny.model("attn_only")
    circuit = cb.discover(m, TASK, "edge-patching", positions=True, size=1.0)
    assert len(circuit) == 8 * cb.discover(m, TASK, "edge-patching", size=1.0).total
    some = ["L0H1->L1H0.q@-1", "embed->L0H1.v@3", "L1H1->logits@7"]
    effects = cb.sweep(m, CLEAN, [cb.Patch(e, CORRUPT) for e in some], target=SETS, foil=OTHERS)
    named = ["L0H1->L1H0.q@7", "embed->L0H1.v@3", "L1H1->logits@7"]
    for edge, value in zip(named, effects, strict=True):
        assert circuit.score(edge) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
def test_merged_edges_sum_the_inputs_of_a_head(name: str) -> None:
    m = tiny.model(name)
    apart, merged = (cb.discover(m, TASK, "eap", size=1.0, granularity=g) for g in ("qkv", "node"))
    assert merged.granularity == "node"
    group = m.facts.n_heads // m.facts.n_kv_heads
    for head in range(m.facts.n_heads):
        first = head - head % group
        ways = [f"L0H2->L1H{head}.q", *(f"L0H2->L1H{first}.{x}" for x in "kv")]
        total = sum(apart.score(way) for way in ways)
        assert merged.score(f"L0H2->L1H{head}") == pytest.approx(total, rel=1e-3, abs=1e-5)
    assert merged.score("L0H2->logits") == pytest.approx(apart.score("L0H2->logits"))
    exact = cb.discover(m, TASK, "edge-patching", size=1.0, granularity="node")
    items = [cb.Patch(f"L0H2->L1H{head}", CORRUPT) for head in range(2)]
    effects = cb.sweep(m, CLEAN, items, target=SETS, foil=OTHERS)
    for head, effect in enumerate(effects):
        assert exact.score(f"L0H2->L1H{head}") == pytest.approx(effect, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_how_it_found_what_it_found(method: str) -> None:
    m = tiny.model("attn_only")
    done: list[tuple[int, int]] = []
    watch = cb.Watch(progress=lambda *given: done.append(given))
    quick = {"steps": 5} if method == "learned-mask" else {}
    circuit = cb.discover(m, TASK, method, watch=watch, seed=4, **quick)
    assert Circuit.from_json(circuit.to_json()) == circuit
    assert (circuit.model, circuit.task) == (m.facts.name, "random")
    made = circuit.made
    assert (made.pairs, made.metric, made.task) == (3, "logit difference", TASK.digest)
    assert made.settings["granularity"] == "qkv"
    assert made.settings["seed"] == 4
    assert {"circuitboard", "torch", "transformers", "transformer-lens"} == set(made.versions)
    assert made.seconds > 0
    assert done[-1][0] == done[-1][1] > 0
    assert [n for n, _ in done] == sorted(n for n, _ in done)
    assert circuit.total == len(cb.discover(m, TASK, "eap", size=1.0))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_stopped(method: str) -> None:
    def stop() -> None:
        raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        cb.discover(tiny.model("attn_only"), TASK, method, watch=cb.Watch(check=stop))


@pytest.mark.parametrize("method", ["eap-ig", "acdc", "learned-mask", "edge-patching"])
def test_long_methods_can_be_stopped_on_their_way(method: str) -> None:
    begun: list[int] = []

    def stop() -> None:
        if begun:
            raise CancelledError("Stopped.")

    watch = cb.Watch(progress=lambda done, _total: begun.append(done), check=stop)
    with pytest.raises(CancelledError):
        cb.discover(tiny.model("gpt2"), TASK, method, watch=watch)
    assert begun


def test_sizes() -> None:
    m = tiny.model("gpt2")
    whole = cb.discover(m, TASK, "eap", size=1.0)
    assert len(whole) == whole.total
    assert len(cb.discover(m, TASK, "eap")) == round(0.1 * whole.total)
    assert cb.discover(m, TASK, "eap", size=7).edges == whole.top(7).edges
    assert len(cb.discover(m, TASK, "eap", size=1)) == 1
    assert len(cb.discover(m, TASK, "eap", size=0.5)) == round(0.5 * whole.total)


def test_what_cannot_be_done_is_said() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(CircuitError, match="'guess' is not a method"):
        cb.discover(m, TASK, "guess")
    with pytest.raises(CircuitError, match="eap takes no steps"):
        cb.discover(m, TASK, "eap", steps=3)
    with pytest.raises(CircuitError, match=r"option of eap is wrong.*granularity"):
        cb.discover(m, TASK, "eap", granularity="neuron")  # type: ignore[arg-type]
    with pytest.raises(CircuitError, match="0 steps"):
        cb.discover(m, TASK, "eap-ig", steps=0)
    with pytest.raises(CircuitError, match="scores no positions"):
        cb.discover(m, TASK, "node-attribution", positions=True)
    with pytest.raises(TaskError, match="8 and 6 tokens"):
        cb.discover(m, Task("t", (Pair(CLEAN[0], tiny.prompt(5), ("t1",), ("t2",)),)))
    short = Pair(tiny.prompt(5, 1), tiny.prompt(5, 2), ("t1",), ("t2",))
    mixed = Task("mixed", (*TASK.pairs, short))
    assert len(cb.discover(m, mixed)) > 0
    with pytest.raises(CircuitError, match="6 to 8 tokens"):
        cb.discover(m, mixed, positions=True)
    with pytest.raises(TargetError, match="KL divergence"):
        cb.discover(m, TASK.with_metric("KL divergence"), "eap")
    assert np.nanmax(np.abs(found(m, "eap-ig", TASK.with_metric("KL divergence")))) > 0


def test_an_audit_measures_the_largest_scores() -> None:
    m = tiny.model("gpt2")
    circuit = cb.discover(m, TASK, "eap", size=12)
    checked = cb.audit(m, TASK, circuit, 5)
    names = [row.address for row in checked.rows]
    ranked = sorted(circuit.kept, key=lambda one: -abs(one.score))
    assert names == [one.edge for one in ranked[:5]]
    exact = cb.sweep(m, CLEAN, [cb.Patch(e, CORRUPT) for e in names], target=SETS, foil=OTHERS)
    np.testing.assert_allclose([row.exact for row in checked.rows], exact, atol=1e-5)
    assert [row.estimate for row in checked.rows] == [one.score for one in ranked[:5]]
    backwards = cb.discover(m, TASK, "edge-patching", size=6, direction="denoising")
    assert cb.audit(m, TASK, backwards, 6).pearson == pytest.approx(1.0)
    with pytest.raises(CircuitError, match="no edges"):
        cb.audit(m, TASK, circuit.top(0))
    with pytest.raises(CircuitError, match="of other"):
        cb.audit(m, TASK, Circuit.of(["embed->logits"], model="other"))


def test_the_bundled_model_reads_its_receivers_as_its_card_says() -> None:
    """The heads that the model card calls suppressors and matchers are in the found circuit."""
    m = cb.load("names")
    circuit = cb.discover(m, cb.tasks.ioi(m, n=20), size=48).connected()
    assert {"L1H0", "L1H1", "L2H1", "L2H2"} <= set(circuit.nodes)
    assert "L2H1->logits" in circuit
