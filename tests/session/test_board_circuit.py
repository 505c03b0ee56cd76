"""A circuit on a board: measured as Python measures it, pruned by hand, compared, written down."""

from __future__ import annotations

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


def test_the_code_opens_it_again() -> None:
    board = board_of()
    board.circuit = circuit = found(board)
    board.prune_edges([circuit.edges[3], circuit.edges[5]])
    board.compare(circuit.top(4))
    lines = [line for line in board.code().splitlines() if "ircuit" in line or "prune" in line]
    again = board_of()
    exec("\n".join(lines[1:]), {"board": again, "cb": cb})
    assert again.circuit is not None
    assert again.circuit.kept == board.circuit.kept
    assert again.opened is not None
    assert again.opened.other is not None
    assert again.opened.other.edges == circuit.top(4).edges


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
    lines = [line for line in board.code().splitlines() if "ircuit" in line or "prune" in line]
    again = board_of("llama")
    exec("\n".join(lines[1:]), {"board": again, "cb": cb})
    assert again.circuit is not None
    assert again.circuit.neurons == circuit.neurons
    assert again.circuit.kept == board.circuit.kept
    assert again.circuit_faithfulness().circuit == pytest.approx(
        board.circuit_faithfulness().circuit, abs=1e-5
    )
    with pytest.raises(CircuitError, match="neurons as nodes of their own"):
        board.compare(found(board))
