"""Specs are frozen, hashable, printable, and survive JSON."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from circuitboard.spec import tensors
from circuitboard.spec.errors import AddressError, InterventionError
from circuitboard.spec.intervention import Freeze, InterventionSet, Scale, Set, Zero

ats = st.sampled_from(["L9H9", "L0.mlp.n3@-1", "embed", "L1H0.pattern@2:5", "L2.ln1.scale"])
numbers = st.floats(-10, 10, width=32)
items = st.one_of(
    st.builds(Zero, ats), st.builds(Freeze, ats), st.builds(Scale, ats, numbers),
    st.builds(Set, ats, numbers),
)  # fmt: skip


@given(st.lists(items, max_size=5))
def test_json_round_trip(stack: list[Zero | Freeze | Scale | Set]) -> None:
    wanted = InterventionSet.of(stack)
    assert InterventionSet.from_json(wanted.to_json()) == wanted
    assert hash(InterventionSet.from_json(wanted.to_json())) == hash(wanted)


@given(items)
def test_what_prints_is_python(item: Zero | Freeze | Scale | Set) -> None:
    if isinstance(item, Zero | Freeze):
        assert eval(repr(item)) == item


def test_a_tensor_is_kept_once_and_named_by_its_content() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    first, second = Set("L0H0.z", values), Set("L0H0.z", torch.tensor(values))
    assert first == second
    assert isinstance(first.value, str)
    np.testing.assert_array_equal(tensors.lookup(first.value), values)
    assert Set("L0H0.z", values.reshape(3, 2)).value != first.value


def test_bad_values_are_refused_in_words() -> None:
    with pytest.raises(InterventionError, match="NaN"):
        Set("L0H0.z", [float("nan")])
    with pytest.raises(InterventionError, match="not an array"):
        Set("L0H0.z", object())
    with pytest.raises(InterventionError, match="No tensor"):
        tensors.lookup("sha256:0")
    with pytest.raises(AddressError):
        Zero("nowhere")


def test_specs_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Zero("L0H0").at = "L1H1"  # type: ignore[misc]
