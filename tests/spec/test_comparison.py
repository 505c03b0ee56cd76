"""Two circuits side by side, counted by hand: by address, and by a map of parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from circuitboard.spec.circuit import Circuit, Scores
from circuitboard.spec.comparison import Comparison, Overlap, RoleLink
from circuitboard.spec.errors import CircuitError

SMALL = Circuit.of(
    [
        "embed->L0H1.v", "L0H1->L1H0.k", "embed->L1H0.q", "L1H0->logits", "L1H0->L1.mlp",
        "L1.mlp->logits",
    ],
    model="small", task="t", method="eap",
)  # fmt: skip
LARGE = Circuit.of(
    [
        "embed->L1H3.v", "L1H3->L4H7.k", "L1H3->L4H7.q", "L4H7->logits", "L4H7->L5H0.v",
        "L5H0->logits", "embed->logits",
    ],
    model="large", task="t", method="eap",
)  # fmt: skip
MAP = {"L0H1": "L1H3", "L1H0": "L4H7", "L1.mlp": "L2.mlp"}


def scored(model: str, layers: int, heads: int, kept: list[str], shared: int = 1) -> Circuit:
    """A circuit that knows its model's shape."""
    senders = ["embed", *(f"L{i}H{j}" for i in range(layers) for j in range(heads))]
    matrix = np.ones((len(senders), 1))
    scores = Scores.of(senders, ["logits"], matrix, shared)
    return Circuit(model, "t", "eap", Circuit.of(kept).kept, scores=scores)


def test_a_map_of_a_part_that_a_model_lacks_is_refused() -> None:
    first = scored("a", 2, 2, ["embed->logits", "L1H0->logits"])
    other = scored("b", 3, 4, ["L2H3->logits"])
    assert first.compare(other, {"L1H0": "L2H3"}).both == (("L1H0->logits", "L2H3->logits"),)
    for wrong, name in (({"L9H9": "L2H3"}, "L9H9"), ({"L1H0": "L3H0"}, "L3H0")):
        with pytest.raises(CircuitError, match=f"{name} is no part of"):
            first.compare(other, wrong)


def test_a_map_of_parts_by_hand() -> None:
    found = SMALL.compare(LARGE, MAP)
    assert found.by == "parts"
    assert [(one.mine, one.theirs) for one in found.matches] == [("L0H1", "L1H3"), ("L1H0", "L4H7")]
    assert found.both == (
        ("embed->L0H1.v", "embed->L1H3.v"),
        ("L0H1->L1H0.k", "L1H3->L4H7.k"),
        ("L1H0->logits", "L4H7->logits"),
    )
    assert found.only_first == ("embed->L1H0.q", "L1H0->L1.mlp", "L1.mlp->logits")
    assert found.only_other == ("L1H3->L4H7.q", "L4H7->L5H0.v", "embed->logits", "L5H0->logits")
    assert found.edges == Overlap(3, 3, 4)
    assert found.edges.jaccard == 3 / 10
    # L1.mlp has a partner that the other circuit lacks; L5H0 has none.
    assert found.parts == Overlap(2, 1, 1)
    assert found.parts.jaccard == 1 / 2
    # Among embed, the two heads and the logits: one edge of the first alone, two of the other.
    assert found.wired == Overlap(3, 1, 2)
    assert found.shared == {mine for mine, _ in found.both}
    assert found.shift is None  # nobody said how many layers there are


def test_the_other_way_round_is_the_same_turned() -> None:
    back = {theirs: mine for mine, theirs in MAP.items()}
    one, two = SMALL.compare(LARGE, MAP), LARGE.compare(SMALL, back)
    assert {(b, a) for a, b in one.both} == set(two.both)
    assert (one.only_first, one.only_other) == (two.only_other, two.only_first)
    assert one.parts == Overlap(two.parts.both, two.parts.other, two.parts.first)


def test_by_address_within_a_model_and_across_checkpoints() -> None:
    a = scored("step 100", 2, 2, ["embed->logits", "L0H0->logits", "L1H1->logits"])
    b = scored("step 200", 2, 2, ["embed->logits", "L1H0->logits", "L1H1->logits"])
    found = a.compare(b)
    assert (found.by, found.edges, found.parts) == ("address", Overlap(2, 1, 1), Overlap(1, 1, 1))
    assert found.shared == {"embed->logits", "L1H1->logits"}
    assert (found.only_first, found.only_other) == (("L0H0->logits",), ("L1H0->logits",))
    assert found.shift == 0
    assert found.edges.jaccard == a.jaccard(b) == 1 / 2
    assert (a & b).edges == ("embed->logits", "L1H1->logits")
    same = a.compare(a)
    assert (same.edges.jaccard, same.parts.jaccard, same.wired.jaccard) == (1, 1, 1)


def test_models_of_other_shapes_need_a_map() -> None:
    a = scored("a", 2, 2, ["L1H1->logits"])
    for other in (scored("b", 3, 2, ["L1H1->logits"]), scored("b", 2, 4, []), SMALL):
        with pytest.raises(CircuitError, match=r"of a, the other of .*compare explanations"):
            a.compare(other)
        with pytest.raises(CircuitError, match="of another shape"):
            a.jaccard(other)
    with pytest.raises(CircuitError, match="of another shape"):
        scored("a", 2, 2, [], shared=2).compare(scored("b", 2, 2, []))
    assert SMALL.compare(LARGE, "address").edges == Overlap(0, 6, 7)
    found = a.compare(scored("b", 5, 2, ["L4H0->logits"]), {"L1H1": "L4H0"})
    assert found.matches[0].depths == (1, 1)
    assert found.shift == 0
    halfway = a.compare(scored("b", 5, 2, ["L2H0->logits"]), {"L1H1": "L2H0"})
    assert halfway.shift == 0.5


def test_a_map_that_is_none_is_refused() -> None:
    with pytest.raises(CircuitError, match="different kinds"):
        SMALL.compare(LARGE, {"L0H1": "L1.mlp"})
    with pytest.raises(CircuitError, match="Several parts are matched with L1H3"):
        SMALL.compare(LARGE, {"L0H1": "L1H3", "L1H0": "L1H3"})
    with pytest.raises(CircuitError, match="no part of a circuit"):
        SMALL.compare(LARGE, {"L0H1.q": "L1H3.q"})
    with pytest.raises(CircuitError, match="not an address"):
        SMALL.compare(LARGE, {"head one": "L1H3"})
    with pytest.raises(CircuitError, match="by 'role'"):
        SMALL.compare(LARGE, "role")  # type: ignore[arg-type]


def test_granularities_meet_at_the_coarser_one() -> None:
    merged = Circuit.of(["embed->L1H3", "L1H3->L4H7", "L4H7->logits"], model="large")
    found = SMALL.compare(merged, MAP)
    assert found.both == (
        ("embed->L0H1", "embed->L1H3"),
        ("L0H1->L1H0", "L1H3->L4H7"),
        ("L1H0->logits", "L4H7->logits"),
    )
    assert found.only_first == ("embed->L1H0", "L1H0->L1.mlp", "L1.mlp->logits")
    assert found.shared == {"embed->L0H1.v", "L0H1->L1H0.k", "L1H0->logits"}
    with pytest.raises(CircuitError, match="granularity"):
        SMALL.compare(Circuit.of(["embed->L1H3"], model="small"))


def test_shared_keys_count_for_the_heads_that_write() -> None:
    """Heads 2 and 3 share a key named L1H2.k; only head 3 writes anything."""
    grouped = scored("a", 2, 4, ["embed->L1H2.k", "L1H3->logits"], shared=2)
    plain = scored("b", 3, 4, ["embed->L2H0.k", "L2H0->logits"])
    found = grouped.compare(plain, {"L1H3": "L2H0"})
    assert found.both == (("embed->L1H3.k", "embed->L2H0.k"), ("L1H3->logits", "L2H0->logits"))
    assert found.edges.jaccard == 1
    assert found.shared == {"embed->L1H2.k", "L1H3->logits"}


def test_positions_play_no_part_in_a_map() -> None:
    at = Circuit.of(["embed->L0H1.v@2", "embed->L0H1.v@3", "L0H1->logits@5"], model="a")
    other = Circuit.of(["embed->L1H3.v", "L1H3->logits"], model="b")
    found = at.compare(other, {"L0H1": "L1H3"})
    assert found.edges == Overlap(2, 0, 0)
    assert found.shared == set(at.edges)


def test_empty_circuits_and_json(tmp_path: Path) -> None:
    empty = Circuit.of([], model="a")
    assert empty.compare(empty).edges.jaccard == 1
    found = SMALL.compare(LARGE, MAP)
    assert Comparison.from_json(found.to_json()) == found
    found.save(tmp_path / "c.json")
    assert Comparison.open(tmp_path / "c.json") == found
    assert "L0H1 ~ L1H3" in str(found)
    links = (RoleLink("a", "b", "q", 2, 1), RoleLink("a", "c", "", 0, 4), RoleLink("b", "c", "", 1))
    assert Comparison(empty, empty, "parts", links=links).linked == Overlap(1, 1, 1)
