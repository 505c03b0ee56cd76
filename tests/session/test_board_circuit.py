"""A circuit on a board: measured as Python measures it, pruned by hand, compared, written down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import circuitboard as cb
import tiny
from circuitboard.circuits.running import without_part
from circuitboard.spec.errors import CircuitError, InterventionError, TargetError, TaskError

PROMPT, CONTRAST = tiny.prompt(7, 1), tiny.prompt(7, 11)
NAMES = ("gpt2", "llama", "neox", "attn_only")


def board_of(name: str = "gpt2", contrast: str = CONTRAST) -> cb.Board:
    return cb.Board(tiny.model(name), PROMPT, "t7", "t11", contrast=contrast)


def found(board: cb.Board, size: int = 30) -> cb.Circuit:
    return cb.discover(board.model, board.circuit_task(), "eap", size=size)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_measured_as_by_hand(name: str) -> None:
    board = board_of(name)
    board.circuit = circuit = found(board)
    assert board.circuit == circuit
    board.scale("L0H1", 0.25)  # on the board alone: the circuit is of the untouched model
    task = board.circuit_task()
    alone = board.circuit_faithfulness()
    exact = cb.circuit_metric(board.model, circuit, task)
    assert alone.circuit == pytest.approx(float(exact.mean()), abs=1e-5)
    assert alone.value == pytest.approx(
        float(cb.circuit_metric(board.model, circuit, task, share=True).mean()), abs=1e-4
    )
    assert alone.full == pytest.approx(board.baseline.metric, abs=1e-4)
    assert board.contrast_metric is not None
    assert alone.empty == pytest.approx(board.contrast_metric, abs=1e-4)
    edge = circuit.edges[len(circuit) // 2]
    board.prune_edges(edge)
    less = cb.Circuit.of([one for one in circuit.edges if one != edge], model=circuit.model)
    exact = cb.circuit_metric(board.model, less, task)
    assert board.circuit_faithfulness().circuit == pytest.approx(float(exact.mean()), abs=1e-5)
    board.restore_edges(edge)
    assert board.circuit == circuit


def test_the_metric_is_that_of_a_masked_run() -> None:
    board = board_of()
    board.circuit = found(board)
    mask = board.circuit.mask()
    logits = cb.run_masked(board.model, [PROMPT], [CONTRAST], mask)[0]
    difference = float(logits[7] - logits[11])
    assert board.circuit_faithfulness().circuit == pytest.approx(difference, abs=1e-5)


def test_size_parts_and_all_back() -> None:
    board = board_of()
    board.circuit = circuit = found(board)
    board.cut_circuit(50)
    assert board.circuit == circuit.top(50)
    part = next(node for node in board.circuit.nodes if "H" in node)
    board.prune_edges(part)
    assert board.circuit == without_part(circuit.top(50), part)
    with pytest.raises(CircuitError, match="no edges of L9H9"):
        board.prune_edges("L9H9")
    with pytest.raises(CircuitError, match="no edge L0H0->L0H0"):
        board.prune_edges("L0H0->L0H0")
    board.cut_circuit(None)
    assert board.circuit == without_part(circuit, part)
    board.restore_edges()
    assert board.circuit == circuit
    board.circuit = None
    assert board.circuit is None
    for change in (board.restore_edges, board.circuit_faithfulness):
        with pytest.raises(CircuitError, match="No circuit is open"):
            change()


def test_a_task_of_its_own_and_what_cannot_be_measured() -> None:
    board = board_of(contrast="")
    rows = [(tiny.prompt(6, i), tiny.prompt(6, i + 9), ("t7",), ("t11",)) for i in range(3)]
    task = cb.Task.from_rows(rows, name="three")
    circuit = cb.discover(board.model, task, "eap", size=20)
    board.circuit = circuit
    with pytest.raises(InterventionError, match="no contrast prompt"):
        board.circuit_faithfulness()
    board.open_circuit(circuit, task)
    measured = board.circuit_faithfulness()
    exact = cb.circuit_metric(board.model, circuit, task)
    assert measured.circuit == pytest.approx(float(exact.mean()), abs=1e-5)
    assert measured.pairs == 3
    odd = cb.Task.from_rows([(tiny.prompt(6), tiny.prompt(5), ("t7",), ("t11",))], name="odd")
    with pytest.raises(TaskError):
        board.open_circuit(circuit, odd)
    with pytest.raises(CircuitError, match="the model is"):
        board.circuit = cb.Circuit.of(circuit.edges, model="another")
    board.ask(target="", foil="")
    board.circuit = circuit
    with pytest.raises(TargetError):
        board.circuit_task()


def test_edited_weights_are_measured_anew() -> None:
    board = board_of()
    board.circuit = found(board)
    before = board.circuit_faithfulness()
    board.zero_neuron("L1.mlp.n3")
    after = board.circuit_faithfulness()
    exact = cb.circuit_metric(board.model, board.circuit, board.circuit_task())
    assert after.circuit == pytest.approx(float(exact.mean()), abs=1e-5)
    board.undo()
    assert board.circuit_faithfulness() == before
    assert after.full != before.full


def test_a_second_circuit() -> None:
    board = board_of()
    board.circuit = one = found(board)
    other = cb.discover(board.model, board.circuit_task(), "clean-corrupted", size=30)
    with pytest.raises(CircuitError, match="granularity"):
        board.compare(cb.Circuit.of(["L0H0->L1H1"]))
    board.compare(other)
    assert board.opened is not None
    assert board.opened.other == other
    assert board.circuit == one
    board.compare(None)
    assert board.opened.other is None


def test_a_circuit_of_another_model_needs_a_map() -> None:
    board = board_of()
    board.circuit = one = found(board)
    theirs = cb.Circuit.of(["embed->L4H1.v", "L4H1->logits"], model="another")
    with pytest.raises(CircuitError, match="of another shape"):
        board.compare(theirs)
    head = next(n for n in one.nodes if {f"embed->{n}.v", f"{n}->logits"} <= set(one.edges))
    board.compare(theirs, {head: "L4H1"})
    assert board.comparison is not None
    assert board.comparison.both == (
        (f"embed->{head}.v", "embed->L4H1.v"),
        (f"{head}->logits", "L4H1->logits"),
    )
    board.prune_edges(f"{head}->logits")
    assert board.comparison.both == ((f"embed->{head}.v", "embed->L4H1.v"),)
    assert board.comparison.only_other == ("L4H1->logits",)
    assert board.comparison == board.circuit.compare(theirs, {head: "L4H1"})
    with pytest.raises(CircuitError, match="the model is"):
        board.compare(theirs.compare(one, {"L4H1": head}))  # the wrong way round
    with pytest.raises(CircuitError, match="no edge of this model's"):
        board.compare(theirs, "address")


def test_a_circuit_of_a_checkpoint_is_measured_in_this_model() -> None:
    board = board_of()
    board.circuit = found(board)
    other = msgspec.structs.replace(found(board, 20), model="a later checkpoint")
    board.compare(other)
    assert board.opened is not None
    assert not board.opened.foreign
    assert board.comparison is not None
    assert board.comparison.edges.both == 20


def changes(board: cb.Board, circuit: cb.Circuit) -> dict[str, Callable[[], None]]:
    part = next(node for node in circuit.nodes if "H" in node)
    return {
        "open": lambda: board.open_circuit(circuit),
        "cut": lambda: board.cut_circuit(40),
        "prune an edge": lambda: board.prune_edges(circuit.edges[2]),
        "prune a part": lambda: board.prune_edges(part),
        "restore": lambda: board.restore_edges(),
        "compare": lambda: board.compare(circuit.top(4)),
        "close": lambda: setattr(board, "circuit", None),
    }


def test_each_change_of_the_circuit_is_a_step_of_undo() -> None:
    board = board_of()
    board.wait()
    circuit, revision = found(board), board.revision
    states = [board.opened]
    for name, change in changes(board, circuit).items():
        change()
        assert board.opened != states[-1], name
        states.append(board.opened)
    for state in reversed(states[:-1]):
        assert board.can_undo
        board.undo()
        assert board.opened == state
    assert not board.can_undo
    for state in states[1:]:
        board.redo()
        assert board.opened == state
    assert not board.can_redo
    assert board.revision == revision  # the model had nothing to answer


def test_undo_goes_back_through_all_that_was_done_in_order() -> None:
    board = board_of()
    board.circuit = circuit = found(board)
    board.ablate("L1H1")
    board.prune_edges(circuit.edges[0])
    board.ask(prompt=tiny.prompt(7, 5))
    board.prune_edges(circuit.edges[1])
    board.undo()
    assert board.opened is not None
    assert board.opened.pruned == {circuit.edges[0]}
    assert board.prompt == tiny.prompt(7, 5)
    board.undo()
    assert board.prompt == PROMPT
    assert board.opened.pruned == {circuit.edges[0]}
    board.undo()
    assert not board.opened.pruned
    assert len(board.interventions) == 1
    board.undo()
    assert len(board.interventions) == 0
    assert board.circuit == circuit
    board.redo()
    board.redo()
    assert board.opened.pruned == {circuit.edges[0]}
    board.scale("L0H0", 0.5)
    assert not board.can_redo
    board.wait()


def test_a_dragged_slider_is_one_step() -> None:
    board = board_of()
    board.circuit = circuit = found(board)
    for size in (31, 32, 40):
        board.cut_circuit(size, step="a")
    board.cut_circuit(50, step="b")
    board.undo()
    assert board.circuit == circuit.top(40)
    board.undo()
    assert board.circuit == circuit
    board.redo()
    board.ask(prompt=tiny.prompt(7, 5))
    board.cut_circuit(33, step="a")
    board.undo()
    assert board.prompt == tiny.prompt(7, 5)
    assert board.circuit == circuit.top(40)


def again_of(board: cb.Board) -> cb.Board:
    """What the board's code makes, but for the model, which has no name to load it by."""
    lines = [
        line
        for line in board.code().splitlines()
        if not line.startswith(("model = ", "import circuitboard"))
    ]
    space: dict[str, Any] = {"cb": cb, "model": board.model}
    exec("\n".join(lines), space)
    return space["board"]


@pytest.mark.parametrize("positions", [False, True])
def test_the_code_makes_an_equal_circuit(positions: bool) -> None:
    board = board_of()
    task = board.circuit_task()
    circuit = cb.discover(board.model, task, "eap", size=30, positions=positions)
    board.open_circuit(circuit, task)
    board.cut_circuit(40)
    board.prune_edges([circuit.edges[3], circuit.edges[5]])
    board.compare(circuit.top(4))
    again = again_of(board)
    assert again.opened == board.opened
    assert again.circuit is not None
    assert again.circuit.scores == circuit.scores  # so that any size can be cut from it
    again.cut_circuit(60)
    assert again.opened is not None
    assert again.opened.cut == circuit.top(60)


def test_neurons_are_nodes_on_the_board_too() -> None:
    board = board_of("llama")
    circuit = cb.discover(board.model, board.circuit_task(), "eap", neurons=2, size=60)
    board.circuit = circuit
    neuron = next(node for node in circuit.nodes if ".n" in node)
    value = board.circuit_faithfulness().circuit
    exact = cb.circuit_metric(board.model, circuit, board.circuit_task())
    assert value == pytest.approx(float(exact.mean()), abs=1e-5)
    mask = circuit.mask()
    logits = cb.run_masked(board.model, [PROMPT], [CONTRAST], mask, neurons=circuit.neurons)[0]
    assert value == pytest.approx(float(logits[7] - logits[11]), abs=1e-5)
    board.prune_edges(neuron)
    assert board.circuit == without_part(circuit, neuron)
    board.compare(circuit.top(9))
    again = again_of(board)
    assert again.circuit is not None
    assert again.circuit.neurons == circuit.neurons
    assert again.circuit.kept == board.circuit.kept
    assert again.circuit_faithfulness().circuit == pytest.approx(
        board.circuit_faithfulness().circuit, abs=1e-5
    )
    with pytest.raises(CircuitError, match="neurons as nodes of their own"):
        board.compare(found(board))


def test_the_code_of_a_circuit_by_hand_and_of_one_compared_by_parts() -> None:
    board = board_of()
    board.circuit = one = cb.Circuit.of({"embed->L1H0.q": 0.25, "L1H0->logits": -1})
    assert "cb.Circuit.of({'embed->L1H0.q': 0.25, 'L1H0->logits': -1.0}" in board.code()
    other = cb.Circuit.of(["embed->L4H1.q", "L4H1->logits"], model="another")
    board.compare(one.compare(other, {"L1H0": "L4H1"}))
    again = again_of(board)
    assert again.opened == board.opened
    assert again.comparison == board.comparison
