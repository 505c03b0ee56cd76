"""Addresses print as they were parsed, and bad ones say what would have been right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuitboard.spec.address import GLOBAL_PARTS, HEAD_PARTS, LAYER_PARTS, Address, Position
from circuitboard.spec.errors import AddressError

numbers = st.integers(0, 199)
ends = st.one_of(st.none(), st.integers(-20, 20))
positions = st.one_of(
    st.none(),
    st.integers(-20, 20).map(Position),
    st.builds(lambda a, b: Position(a, b, single=False), ends, ends),
)
addresses = st.one_of(
    st.builds(Address, st.sampled_from(GLOBAL_PARTS), position=positions),
    st.builds(Address, st.sampled_from(LAYER_PARTS), numbers, position=positions),
    st.builds(Address, st.sampled_from(HEAD_PARTS), numbers, head=numbers, position=positions),
    st.builds(Address, st.just("neuron"), numbers, neuron=numbers, position=positions),
)


@given(addresses)
def test_print_then_parse_is_the_identity(address: Address) -> None:
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["embed", "L3.resid_post@-1", "L3.ln1.scale", "L3H7.pattern@3:7", "L3.mlp.n512@:-1", "L0H0"],
)
def test_parse_then_print_is_the_identity(text: str) -> None:
    assert str(Address.parse(text)) == text


def test_hooks_are_transformer_lens_names() -> None:
    assert Address.parse("L3H7.pattern").hook == "blocks.3.attn.hook_pattern"
    assert Address.parse("L0.mlp.n5").hook == "blocks.0.mlp.hook_post"
    assert Address.parse("embed").hook == "hook_embed"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("L3H7.foo", ".pattern"),
        ("L3.foo", "resid_pre"),
        ("head 3", "L2H1"),
        ("L3H7@x", "@3:7"),
        ("", "L2H1"),
    ],
)
def test_a_bad_address_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(AddressError) as caught:
        Address.parse(text)
    assert says in caught.value.hint


@given(st.integers(1, 30), ends, ends)
def test_positions_count_as_python_does(length: int, start: int | None, stop: int | None) -> None:
    meant = list(range(length))[start:stop]
    assert list(Position(start, stop, single=False).indices(length)) == meant


def test_a_position_beyond_the_prompt_is_none() -> None:
    assert list(Position(5).indices(5)) == []
    assert list(Position(-1).indices(5)) == [4]
