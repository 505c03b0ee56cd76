"""Which tokens of two prompts correspond, and how both positions are named."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from circuitboard.methods.alignment import Pair, align
from circuitboard.spec.address import Address

TOKENS = st.lists(st.integers(0, 3), min_size=1, max_size=7)


def columns(found: list[Pair]) -> list[tuple[int | None, int | None]]:
    return [(pair.mine, pair.theirs) for pair in found]


def test_prompts_of_equal_length_correspond_one_to_one() -> None:
    # a shifted text has more tokens in common, and is still compared position by position
    found = align([1, 2, 3, 4], [2, 3, 4, 5])
    assert columns(found) == [(i, i) for i in range(4)]
    assert not any(pair.same for pair in found)
    assert [pair.at for pair in found] == ["0", "1", "2", "3"]


def test_a_longer_name_ends_where_the_short_one_does() -> None:
    found = align([1, 2, 3, 4, 5], [1, 2, 8, 9, 4, 5])
    assert columns(found) == [(0, 0), (1, 1), (None, 2), (2, 3), (3, 4), (4, 5)]
    assert [pair.at for pair in found] == ["0", "1", "", "-3", "-2", "-1"]
    assert [pair.same for pair in found] == [True, True, False, False, True, True]


def test_what_stands_between_two_changes_corresponds_but_has_no_common_name() -> None:
    found = align([1, 9, 5, 6, 2], [1, 8, 8, 5, 6, 7, 7, 2])
    assert (2, 3) in columns(found)
    assert (3, 4) in columns(found)
    middle = next(pair for pair in found if pair.mine == 2)
    assert (middle.same, middle.at) == (True, "")


def test_one_prompt_inside_the_other() -> None:
    assert columns(align([1, 2], [1, 2, 2])) == [(0, 0), (1, 1), (None, 2)]
    assert columns(align([7], [1, 2, 3])) == [(None, 0), (None, 1), (0, 2)]
    assert align([1, 2, 3], [3])[-1] == Pair(2, 0, True, "-1")


@given(TOKENS, TOKENS)
def test_every_token_stands_once_and_in_order(mine: list[int], theirs: list[int]) -> None:
    found = align(mine, theirs)
    assert [p.mine for p in found if p.mine is not None] == list(range(len(mine)))
    assert [p.theirs for p in found if p.theirs is not None] == list(range(len(theirs)))
    for pair in found:
        known = pair.mine is not None and pair.theirs is not None
        assert pair.same == (known and mine[pair.mine] == theirs[pair.theirs])  # type: ignore[index]


@given(TOKENS, TOKENS)
def test_an_address_names_the_same_pair_in_both_prompts(mine: list[int], theirs: list[int]) -> None:
    for pair in align(mine, theirs):
        if not pair.at:
            continue
        position = Address.parse(f"L0.mlp@{pair.at}").position
        assert position is not None
        assert list(position.indices(len(mine))) == [pair.mine]
        assert list(position.indices(len(theirs))) == [pair.theirs]


@given(TOKENS, TOKENS)
def test_between_the_common_ends_as_many_tokens_correspond_as_can(
    mine: list[int], theirs: list[int]
) -> None:
    if len(mine) == len(theirs):
        return
    same = sum(pair.same for pair in align(mine, theirs))
    first = 0
    while first < min(len(mine), len(theirs)) and mine[first] == theirs[first]:
        first += 1
    last = 0
    room = min(len(mine), len(theirs)) - first
    while last < room and mine[-1 - last] == theirs[-1 - last]:
        last += 1
    a, b = mine[first : len(mine) - last], theirs[first : len(theirs) - last]
    assert same == first + last + brute(a, b)


def brute(a: list[int], b: list[int]) -> int:
    """Length of a longest common subsequence, by trying all of them."""
    for size in range(min(len(a), len(b)), 0, -1):
        theirs = set(itertools.combinations(b, size))
        if any(chosen in theirs for chosen in itertools.combinations(a, size)):
            return size
    return 0


def test_long_prompts_that_have_nothing_in_common_are_quick() -> None:
    found = align(list(range(2000)), list(range(5000, 6500)))
    assert len(found) == 2000
    assert found[-1].at == "-1"
