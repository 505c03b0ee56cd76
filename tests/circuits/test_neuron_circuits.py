"""Circuits with neurons as nodes of their own: choosing, scoring, evaluating, explaining."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

import circuitboard as cb
import tiny
from circuitboard.circuits.discover import METHODS
from circuitboard.circuits.known.known import KnownCircuit, known_circuit
from circuitboard.circuits.methods.job import contrast_of
from circuitboard.circuits.methods.left_out import left_out
from circuitboard.circuits.methods.neurons_apart import STEPS, neurons_apart
from circuitboard.circuits.methods.space import Space
from circuitboard.circuits.recovery import recovery
from circuitboard.engine.sweep import Watch
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import AddressError, CircuitError, ModelError
from circuitboard.spec.task import Task

CLEAN = [tiny.prompt(7, 1), tiny.prompt(7, 2), tiny.prompt(7, 3)]
CORRUPT = [tiny.prompt(7, 11), tiny.prompt(7, 12), tiny.prompt(7, 13)]
SETS, OTHERS = [("t7",), ("t8", "t9"), ("t1", "t2")], [("t11", "t12"), ("t30",), ("t3",)]
TASK = Task.from_rows(zip(CLEAN, CORRUPT, SETS, OTHERS, strict=True), name="random")
NAMES = ("gpt2", "llama", "neox", "opt", "native")
ESTIMATES = ("eap", "eap-ig", "eap-ig-activations", "eap-ig-senders", "clean-corrupted")


def whole_of(edge: str) -> str:
    """The edge as a circuit without neurons has it."""
    return "->".join(end.partition(".n")[0] for end in edge.split("->"))


# --- which neurons --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_neurons_are_chosen_by_their_attribution_along_the_inputs(name: str) -> None:
    """Against plain autograd of TransformerLens: the mean gradient along z_source .. z."""
    m = tiny.model(name)
    tokens, theirs = (
        torch.tensor([m.tokenize(prompt) for prompt in side]) for side in (CLEAN, CORRUPT)
    )
    points = [f"blocks.{layer}.mlp.hook_post" for layer in range(m.facts.n_layers)]
    start = "blocks.0.hook_resid_pre"

    def values(ids: torch.Tensor) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            return dict(m.bridge.run_with_cache(ids)[1].items())

    mine, other = values(tokens), values(theirs)
    slopes = {point: torch.zeros(mine[point].shape) for point in points}
    for k in range(1, STEPS + 1):
        kept: dict[str, torch.Tensor] = {}

        def swap(tensor: torch.Tensor, hook: Any, k: int = k) -> torch.Tensor:
            return other[start] + k / STEPS * (mine[start] - other[start])

        def keep(point: str, tensor: torch.Tensor, hook: Any, kept: Any = kept) -> torch.Tensor:
            kept[point] = tensor
            tensor.retain_grad()
            return tensor

        hooks = [(start, swap), *((point, partial(keep, point)) for point in points)]
        logits = m.bridge.run_with_hooks(tokens, fwd_hooks=hooks, return_type="logits")[:, -1]
        judged = [
            logits[row, [m.answer(a) for a in SETS[row]]].mean()
            - logits[row, [m.answer(a) for a in OTHERS[row]]].mean()
            for row in range(len(CLEAN))
        ]
        torch.stack(judged).sum().backward()
        for point in points:
            slopes[point] += kept[point].grad / STEPS
    m.bridge.zero_grad()
    wanted = []
    for layer, point in enumerate(points):
        effect = ((other[point] - mine[point]) * slopes[point]).sum(1).abs().sum(0)
        best = sorted(effect.argsort(descending=True)[:4].tolist())
        wanted += [f"L{layer}.mlp.n{n}" for n in best]
    assert list(neurons_apart(contrast_of(m, TASK), 4, Watch())) == wanted
    assert cb.discover(m, TASK, "eap", neurons=4).neurons == tuple(wanted)


def test_as_many_neurons_as_there_are_and_no_more() -> None:
    m = tiny.model("native")
    circuit = cb.discover(m, TASK, "eap", neurons=1000, size=1.0)
    assert len(circuit.neurons) == m.facts.n_layers * m.facts.d_mlp
    assert not cb.discover(m, TASK, "eap", neurons=0).neurons


# --- scores ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ESTIMATES)
def test_scores_of_an_mlps_nodes_add_up_to_the_mlps(name: str, method: str) -> None:
    """Both ways of an edge are linear in what is cut apart, and so is every estimate."""
    m = tiny.model(name)
    plain = cb.discover(m, TASK, method, size=1.0)
    apart = cb.discover(m, TASK, method, size=1.0, neurons=3)
    assert len(apart.neurons) == 3 * m.facts.n_layers
    sums = dict.fromkeys(plain.edges, 0.0)
    for one in apart.kept:
        sums[whole_of(one.edge)] += one.score
    wanted = np.array([one.score for one in plain.kept])
    bound = 1e-4 * float(np.abs(wanted).max())
    np.testing.assert_allclose([sums[edge] for edge in plain.edges], wanted, atol=bound)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_nodes_score_is_the_sum_of_its_edges(name: str) -> None:
    m = tiny.model(name)
    matrix = cb.discover(m, TASK, "eap", neurons=3).scores.matrix.astype(np.float64)  # type: ignore[union-attr]
    scores = cb.discover(m, TASK, "node-attribution", neurons=3).scores
    assert scores is not None
    sums = np.abs(np.nansum(matrix, 1))
    into_logits = scores.matrix[:, -1].astype(np.float64)
    np.testing.assert_allclose(into_logits[1:], sums[1:], atol=1e-3 * sums.max())
    circuit = cb.discover(m, TASK, "node-attribution", neurons=3, nodes=4)
    inner = [node for node in circuit.nodes if node not in ("embed", "logits")]
    assert len(inner) == 4


@pytest.mark.parametrize("name", ["gpt2", "neox"])
@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_exact_scores_are_path_patching(name: str, direction: Any) -> None:
    """Edges without neurons at their ends are those of the model; a neuron's is what is left."""
    m = tiny.model(name)
    plain = cb.discover(m, TASK, "edge-patching", size=1.0, direction=direction)
    apart = cb.discover(
        m, TASK, "edge-patching", size=1.0, direction=direction, neurons=["L1.mlp.n5"]
    )
    whole = [edge for edge in plain.edges if "L1.mlp" not in edge]
    for edge in whole[::7]:
        assert apart.score(edge) == pytest.approx(plain.score(edge), abs=1e-4)
    # the logits read through a norm: all nodes of an MLP together are not the sum of their effects
    space = Space.of(m, "qkv", 0, ["L1.mlp.n5"])
    contrast = contrast_of(m, TASK, direction)
    both = left_out(space, contrast, [["L1.mlp->logits", "L1.mlp.n5->logits"]]).mean(1)
    assert both[0] == pytest.approx(plain.score("L1.mlp->logits"), abs=1e-4)
    assert apart.score("L1.mlp.n5->logits") != pytest.approx(0, abs=1e-4)


def test_an_estimate_tends_to_the_exact_score() -> None:
    """Close prompts: the first order is all there is."""
    m = tiny.model("gpt2")
    near = [prompt.rpartition(" ")[0] + " t40" for prompt in CLEAN]
    task = Task.from_rows(zip(CLEAN, near, SETS, OTHERS, strict=True), name="near")
    given: dict[str, Any] = {"neurons": 3, "size": 1.0}
    exact = cb.discover(m, task, "edge-patching", **given)
    estimate = cb.discover(m, task, "eap-ig", steps=20, **{**given, "neurons": exact.neurons})
    ends = [e for e in exact.edges if ".n" in e and e.endswith("->logits")]
    one, two = ([c.score(edge) for edge in ends] for c in (exact, estimate))
    assert float(np.corrcoef(one, two)[0, 1]) > 0.95


def test_positions_add_up_to_the_whole() -> None:
    m = tiny.model("llama")
    given: dict[str, Any] = {"neurons": ("L0.mlp.n3", "L1.mlp.n9")}
    apart = cb.discover(m, TASK, "eap", positions=True, **given)
    whole = cb.discover(m, TASK, "eap", **given)
    assert apart.scores is not None
    assert whole.scores is not None
    sums = np.nansum(apart.scores.matrix.astype(np.float64), 2)
    wanted = np.nan_to_num(whole.scores.matrix)
    np.testing.assert_allclose(sums, wanted, atol=1e-3 * np.abs(wanted).max())


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_neurons_and_its_circuit_is_written_and_read(method: str) -> None:
    m = tiny.model("native")
    quick: dict[str, Any] = {"steps": 5} if method == "learned-mask" else {}
    circuit = cb.discover(m, TASK, method, neurons=2, **quick)
    assert len(circuit.neurons) == 2 * m.facts.n_layers
    assert circuit.made.settings["neurons"] == 2
    again = Circuit.from_json(circuit.to_json())
    assert again == circuit
    assert again.neurons == circuit.neurons
    assert circuit.total == len(cb.discover(m, TASK, "eap", neurons=circuit.neurons, size=1.0))
    assert again.top(9).neurons == circuit.neurons


@pytest.mark.parametrize("granularity", ["qkv", "node"])
def test_an_audit_measures_edges_of_neurons(granularity: Any) -> None:
    m = tiny.model("qwen2")
    found = cb.discover(m, TASK, "edge-patching", neurons=2, granularity=granularity, size=30)
    checked = cb.audit(m, TASK, found, 30)
    for row in checked.rows:
        assert row.exact == pytest.approx(row.estimate, abs=1e-5)


# --- evaluating -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_split_mlp_kept_whole_scores_as_the_mlp(name: str) -> None:
    m = tiny.model(name)
    plain = cb.discover(m, TASK, "eap", size=60)
    apart = cb.discover(m, TASK, "eap", neurons=3, size=1.0)
    kept = set(plain.edges)
    edges = [edge for edge in apart.edges if whole_of(edge) in kept]
    assert len(edges) > len(plain)
    split = Circuit.of(edges, neurons=apart.neurons)
    for share in (False, True):
        one, two = (cb.circuit_metric(m, c, TASK, share=share) for c in (plain, split))
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_an_evaluation_counts_neurons_as_nodes() -> None:
    m = tiny.model("native")
    circuit = cb.discover(m, TASK, "eap-ig", neurons=3, size=40)
    found = cb.evaluate(m, circuit, TASK, random=4, subsets=3, greedy=1, draws=20)
    assert found.total == circuit.total
    assert found.edges == 40
    assert found.curve is not None
    assert found.curve.points[-1].value == pytest.approx(1, abs=1e-4)
    missed = {one.part for one in found.minimality}
    assert missed == {edge.partition("->")[0] for edge in circuit.edges} - {"embed"}
    assert missed & set(circuit.neurons)
    assert found.chance is not None


def test_a_circuit_of_nodes_may_have_neurons() -> None:
    m = tiny.model("native")
    every = [*m.heads, *m.mlps, "L1.mlp.n4"]
    circuit = cb.circuit_of_nodes(m, every)
    assert circuit.neurons == ("L1.mlp.n4",)
    assert cb.circuit_metric(m, circuit, TASK, share=True).mean() == pytest.approx(1, abs=1e-4)
    less = cb.circuit_of_nodes(m, every[:-1])
    assert less.neurons == ()
    rest = cb.circuit_of_nodes(m, [*m.heads, "L0.mlp", "L1.mlp.n4"])
    assert not any(edge.startswith("L1.mlp->") for edge in rest.edges)


def test_circuits_with_other_rests_are_not_compared() -> None:
    one = Circuit.of(["embed->L1.mlp.n4", "L1.mlp.n4->logits"])
    other = Circuit.of(["embed->L1.mlp", "L1.mlp->logits"])
    assert one.neurons == ("L1.mlp.n4",)
    assert one.nodes == ("embed", "L1.mlp.n4", "logits")
    with pytest.raises(CircuitError, match="neurons as nodes of their own"):
        one.jaccard(other)
    told = Circuit.of(other.edges, neurons=one.neurons)
    assert (one | told).nodes == ("embed", "L1.mlp", "L1.mlp.n4", "logits")


def test_edges_of_neurons_have_their_place_in_the_order() -> None:
    edges = ["L1.mlp.n12->logits", "embed->L1.mlp.n3", "L1.mlp->logits", "embed->L1.mlp"]
    circuit = Circuit.of([*edges, "embed->L1.mlp.n12", "embed->L1H1.q"])
    assert circuit.edges == (
        "embed->L1H1.q",
        "embed->L1.mlp",
        "embed->L1.mlp.n3",
        "embed->L1.mlp.n12",
        "L1.mlp->logits",
        "L1.mlp.n12->logits",
    )
    alive = circuit.connected().edges
    assert "embed->L1.mlp.n12" in alive
    assert "embed->L1.mlp.n3" not in alive


# --- what cannot be done --------------------------------------------------------------------------


def test_what_cannot_be_done_is_said() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(CircuitError, match="-1 neurons"):
        cb.discover(m, TASK, neurons=-1)
    with pytest.raises(CircuitError, match="no MLPs"):
        cb.discover(tiny.model("attn_only"), TASK, neurons=3)
    with pytest.raises(ModelError, match="a norm follows its MLPs"):
        cb.discover(tiny.model("gemma2"), TASK, neurons=3)
    with pytest.raises(AddressError, match="no L9"):
        cb.discover(m, TASK, neurons=["L9.mlp.n1"])
    with pytest.raises(CircuitError, match="An option of eap is wrong"):
        cb.discover(m, TASK, "eap", neurons=2.5)  # type: ignore[arg-type]
    with pytest.raises(AddressError, match=r"The path .* of one neuron"):
        cb.Patch("L0.mlp.n3->L1H0.q", cb.Source(CORRUPT[0]))
    circuit = Circuit.of(["embed->L0.mlp.n3", "L0.mlp.n3->logits"])
    with pytest.raises(CircuitError, match="no node here"):
        cb.patched_parts(m, circuit, TASK, ["L0.mlp.n4"])


# --- explaining -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known() -> KnownCircuit:
    return known_circuit("neurons")


@pytest.fixture(scope="module")
def told(known: KnownCircuit) -> cb.Explanation:
    circuit = cb.discover(known.model, known.task, neurons=len(known.neurons), size=40)
    return cb.explain(known.model, circuit.connected(), known.task)


def test_each_sentence_has_code_that_gives_its_number_again(
    known: KnownCircuit, told: cb.Explanation
) -> None:
    space = {"cb": cb, "model": known.model, "task": told.task, "circuit": told.circuit}
    assert any(".mlp.n" in claim.text for claim in told.account)
    for claim in told.account:
        value = float(np.nanmean(np.asarray(eval(claim.code, dict(space)))))
        assert value == pytest.approx(claim.number.value, abs=2e-3), claim.text


def test_a_neuron_says_what_it_writes_and_when(known: KnownCircuit, told: cb.Explanation) -> None:
    """The cell of green and square: its name, the form it stands at, and its activation."""
    part = told.part("L0.mlp.n6")
    assert part.kind == "neuron"
    assert part.neuron is not None
    assert part.neuron.promotes[0].token.strip() == "Ben"
    assert part.neuron.promotes[0].value == pytest.approx(10.0)
    first = part.neuron.fires[0]
    assert first.value == pytest.approx(1.0, abs=0.01)
    there = [text.strip() for text in (*first.before, first.token)]
    assert {"green", "square"} <= set(there)  # both words, from then on
    assert known.task.clean[first.prompt].startswith("green square")
    green = [prompt.startswith("green square") for prompt in known.task.clean]
    assert part.neuron.clean.value == pytest.approx(np.mean(green), abs=0.01)
    assert part.alone.value < -0.3
    # patching the neuron is patching it
    items = [cb.Patch("L0.mlp.n6", cb.Source(known.task.corrupt))]
    asked = {"target": known.task.targets, "foil": known.task.foils}
    effect = cb.sweep(known.model, known.task.clean, [items], **asked)[0]
    assert part.alone.value == pytest.approx(effect, abs=1e-4)


def test_what_parts_write_is_cut_apart_and_adds_up() -> None:
    m = tiny.model("llama")
    neurons = ["L1.mlp.n5", "L1.mlp.n9", "L2.mlp.n0"]
    whole, apart = cb.writing_on(m, TASK), cb.writing_on(m, TASK, neurons=neurons)
    assert set(apart) == {*whole, *neurons}
    for place, values in whole.items():
        mine = sum(apart[name] for name in apart if name.partition(".n")[0] == place)
        np.testing.assert_allclose(mine, values, atol=1e-4)


def test_the_page_and_the_data_of_an_explanation(told: cb.Explanation) -> None:
    again = cb.Explanation.from_json(told.to_json())
    assert again == told
    assert again.circuit.neurons == told.circuit.neurons


# --- recovery -------------------------------------------------------------------------------------


def test_the_known_neurons_are_found(known: KnownCircuit) -> None:
    for method in ("eap-ig", "node-attribution"):
        circuit = cb.discover(known.model, known.task, method, neurons=len(known.neurons))
        found = recovery(known.model, circuit, known.edges)
        assert found["nodes"] >= 0.95, method
        if method == "eap-ig":
            assert found["edges"] >= 0.95
    chosen = neurons_apart(contrast_of(known.model, known.task), 9, Watch())
    assert set(known.nodes) - {"L0H0", "L0H1"} == {n for n in chosen if n.startswith("L0")}


def test_truth_of_neurons_for_circuits_that_tell_none_apart(known: KnownCircuit) -> None:
    """A circuit of whole MLPs is held against the truth about these."""
    circuit = cb.discover(known.model, known.task, "eap-ig")
    assert recovery(known.model, circuit, known.edges)["edges"] >= 0.95
    true = Circuit.of(known.edges, neurons=known.neurons)
    assert recovery(known.model, true, known.edges) == {"edges": 1.0, "nodes": 1.0}
    other = known_circuit("gates")
    circuit = cb.discover(other.model, other.task, "eap-ig", neurons=3)
    assert recovery(other.model, circuit, other.edges)["edges"] >= 0.95
