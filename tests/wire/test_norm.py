"""The norm view over the wire: its arrays are what plain runs give, whatever is on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_mlp import ASKED, filled, latest, metric
from test_screen import PROMPT, Ear

import circuitboard as cb
from circuitboard.methods import norms
from circuitboard.models.norms import gain
from circuitboard.spec.address import Address


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma3", "neox"])
@pytest.mark.parametrize("place", ["L1.ln1.scale", "L1.ln2.scale", "ln_final.scale"])
def test_a_norm_now_and_at_baseline(name: str, place: str) -> None:
    ear = Ear(name)
    view = {"kind": "norm", "address": place}
    ear.say("hello", views=[view])
    ear.say("act", 2, verb="scale", at=["L0H1"], factor=3.0)
    names = ("live_now", "live_base", "frozen_now", "frozen_base")
    arrays = filled(ear, "norm", 2, *names)
    info = latest(ear, "norm", 2)[0]["info"]
    m, done = ear.board.model, [cb.Scale("L0H1", 3.0)]
    assert info["address"] == place
    np.testing.assert_allclose(arrays["gain"], gain(m, Address.parse(place)).numpy(), rtol=1e-6)
    for end, items in (("now", done), ("base", [])):
        result = cb.run(m, PROMPT, items, **ASKED)
        np.testing.assert_allclose(arrays[f"scale_{end}"], result[place][0], rtol=1e-4)
        out = result[place.removesuffix(".scale")][0]
        np.testing.assert_allclose(arrays[f"after_{end}"], np.linalg.norm(out, axis=-1), rtol=1e-4)
        begun = metric(m, items)
        hold: list[Any] = [cb.Freeze(place, result if items else None)]
        for i in (0, len(info["parts"]) // 2, len(info["parts"]) - 1):
            zero = cb.Zero(info["parts"][i])
            live = metric(m, [*items, zero]) - begun
            frozen = metric(m, [*items, *hold, zero]) - begun
            assert arrays[f"live_{end}"][i] == pytest.approx(live, abs=2e-5)
            assert arrays[f"frozen_{end}"][i] == pytest.approx(frozen, abs=2e-5)
        share = arrays[f"share_{end}"]
        assert share.shape == (8, len(ear.board.tokens))
        assert (share.sum(0) <= 1 + 1e-5).all()
        relative = arrays[f"relative_{end}"]
        np.testing.assert_allclose(relative**2 / m.facts.d_model, share, rtol=1e-4)


def test_directions_at_a_position() -> None:
    ear = Ear("gpt2")
    view = {"kind": "norm-directions", "address": "L1.ln2.scale", "position": 3}
    ear.say("hello", views=[view])
    found, arrays = ear.view("norm-directions", 1)
    m = ear.board.model
    norm = Address.parse("L1.ln2.scale")
    assert found["info"]["position"] == 3
    assert found["info"]["parts"] == norms.upstream(m, norm)
    assert arrays["ratio_now"].shape == (len(found["info"]["parts"]),)
    rows = m.unembed_rows([7, 11])
    direction = (rows[0] - rows[1]).numpy()
    direction = direction - direction.mean()
    longer = np.linalg.norm(direction * gain(m, norm).numpy()) / np.linalg.norm(direction)
    assert found["info"]["target"] == pytest.approx(float(longer), rel=1e-5)


def test_without_a_metric_and_with_a_frozen_scale() -> None:
    ear = Ear("llama")
    ear.say("hello", views=[{"kind": "norm", "address": "L1.ln1.scale"}])
    ear.say("act", 2, verb="freeze", at=["L1.ln1.scale"])
    ear.say("act", 3, verb="ablate", at=["L0.mlp"])
    arrays = filled(ear, "norm", 3, "live_now", "frozen_now")
    np.testing.assert_allclose(arrays["scale_now"], arrays["scale_base"], rtol=1e-5)
    np.testing.assert_allclose(arrays["live_now"], arrays["frozen_now"], atol=2e-5)
    ear.board.ask(PROMPT, "", "")
    found, arrays = ear.view("norm", 4)
    assert not found["info"]["metric"]
    assert np.isnan(arrays["live_now"]).all()


def test_an_address_that_is_no_norm_is_a_problem() -> None:
    ear = Ear("gpt2")
    ear.say("hello", views=[{"kind": "norm", "address": "L1H0"}])
    ear.say("act", 2, verb="ablate", at=["L0H0"])
    assert ear.view("norm", 2)[0]["problem"]["kind"] == "address"
