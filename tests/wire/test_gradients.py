"""The views of gradients over the wire: estimates are what Python gives, audits what runs give."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from test_mlp import ASKED
from test_screen import PROMPT, Ear

import circuitboard as cb
import tiny
from circuitboard.methods.audit import correlations

OTHER = tiny.prompt(9, 2)
PARTS = {"kind": "part-gradients", "what": "resid_pre", "contrast": True, "direction": "noising"}


def ear_of(name: str = "gpt2") -> Ear:
    """A board with a contrast prompt."""
    ear = Ear(name)
    ear.board.contrast = OTHER
    ear.board.wait()
    return ear


def shown(ear: Ear, **view: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Shows a view, and gives its newest data once nothing is at work."""
    ear.say("show", 2, views=[view])
    return newest(ear, **view)


def newest(ear: Ear, **view: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The newest data of a view once nothing is at work."""

    def fits(content: dict[str, Any]) -> bool:
        if content["t"] != "view" or content["revision"] != ear.board.revision:
            return False
        return view.items() <= content["view"].items()

    ear.until(fits)
    end = time.monotonic() + 30
    while ear.board.jobs() and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.15)
    found, buffers = [(c, b) for c, b in list(ear.heard) if fits(c)][-1]
    assert found["problem"] is None
    arrays = {
        a["name"]: np.frombuffer(buffers[a["buffer"]], a["dtype"]).reshape(a["shape"])
        for a in found["arrays"]
    }
    return found["info"], arrays


def audit(ear: Ear, **given: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The same for an audit, all of it measured."""
    info, arrays = shown(ear, kind="gradient-audit", **given)
    assert not np.isnan(arrays["exact"]).any()
    assert len(arrays["exact"]) == len(info["addresses"]) > 0
    return info, arrays


@pytest.mark.parametrize("name", ["gpt2", "llama", "attn_only"])
@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_parts_and_what_patching_them_gives(name: str, direction: str) -> None:
    ear = ear_of(name)
    m, done = ear.board.model, [cb.Scale("L0H1", 0.25)]
    pair = (PROMPT, OTHER) if direction == "noising" else (OTHER, PROMPT)
    for what in ("resid_pre", "attn", "mlp", "head"):
        if what != "head" and not m.has_part(what):
            continue
        view = {**PARTS, "what": what, "direction": direction}
        shown(ear, **view)
        if not ear.board.interventions:
            ear.say("act", 3, verb="scale", at=["L0H1"], factor=0.25)
            ear.board.wait()
        info, arrays = newest(ear, **view)
        plain = cb.attribution_patching(m, PROMPT, OTHER, over=what, direction=direction, **ASKED)
        np.testing.assert_allclose(arrays["scores_base"], plain.scores, rtol=1e-3, atol=2e-4)
        assert info["start_base"] == pytest.approx(cb.run(m, pair[0], **ASKED).metric, abs=1e-4)
        begun = cb.run(m, pair[0], done, **ASKED).metric
        assert info["start_now"] == pytest.approx(begun, abs=1e-4)
        given = {"section": "parts", "what": what, "contrast": True, "direction": direction}
        info, numbers = audit(ear, **given, top=6)
        order = np.argsort(-np.abs(arrays["scores_now"]), axis=None, kind="stable")[:6]
        top = arrays["scores_now"].ravel()[order]
        np.testing.assert_allclose(numbers["estimate"], top[top != 0], rtol=1e-5)
        for address, exact in zip(info["addresses"], numbers["exact"], strict=True):
            patched = cb.run(m, pair[0], [*done, cb.Patch(address, pair[1])], **ASKED).metric
            assert exact == pytest.approx(patched - begun, abs=5e-5), address
        wanted = correlations(numbers["estimate"], numbers["exact"])
        np.testing.assert_allclose(numbers["correlation"], wanted, atol=1e-6)


def test_parts_to_zero_are_the_maps_numbers_and_are_measured_on_demand() -> None:
    ear = ear_of()
    m = ear.board.model
    asked = {"kind": "part-gradients", "what": "head"}
    ear.say("show", 2, views=[asked, {"kind": "map", "measure": "gradient"}])
    _, arrays = newest(ear, **asked)
    _, drawn = newest(ear, kind="map")
    np.testing.assert_allclose(arrays["scores_now"], drawn["heads_now"], rtol=1e-5)
    plain = cb.gradient_times_activation(m, PROMPT, **ASKED)
    np.testing.assert_allclose(arrays["scores_now"], -plain.scores, rtol=1e-3, atol=1e-4)
    last = min(range(12), key=lambda i: abs(float(arrays["scores_now"].ravel()[i])))
    head = f"L{last // 4}H{last % 4}"
    info, numbers = audit(ear, section="parts", what="head", top=2, also=(head,))
    assert info["top"] == 2
    assert info["addresses"][2:] == [head]
    effect = cb.sweep(m, PROMPT, [cb.Zero(head)], **ASKED)[0]
    assert numbers["exact"][2] == pytest.approx(float(effect), abs=5e-5)
    assert abs(numbers["correlation"][0]) == pytest.approx(1.0, abs=1e-5)  # of two rows


def test_the_map_patches_from_the_contrast_prompt() -> None:
    ear = ear_of("llama")
    view = {"kind": "map", "measure": "gradient_contrast"}
    _, drawn = shown(ear, **view)
    m = ear.board.model
    plain = cb.attribution_patching(m, PROMPT, OTHER, direction="noising", **ASKED)
    np.testing.assert_allclose(drawn["heads_now"], plain.scores, rtol=1e-3, atol=2e-4)
    whole = cb.attribution_patching(m, PROMPT, OTHER, over="mlp", direction="noising", **ASKED)
    np.testing.assert_allclose(drawn["mlp_now"], whole.scores.sum(1), rtol=1e-3, atol=2e-4)
    ear.board.contrast = tiny.prompt(5, 2)
    ear.board.wait()
    _, drawn = newest(ear, **view)
    assert np.isnan(drawn["heads_now"]).all()


def test_tokens_and_what_changing_one_gives() -> None:
    ear = ear_of()
    m = ear.board.model
    for what in ("norm", "dot"):
        info, arrays = shown(ear, kind="token-gradients", what=what)
        assert info["gap"] is None
        plain = getattr(cb.token_saliency(m, PROMPT, **ASKED), what)
        np.testing.assert_allclose(arrays["values_base"], plain, rtol=1e-3, atol=1e-4)
    info, numbers = audit(ear, section="tokens", what="dot", top=3)
    zero = cb.sweep(m, PROMPT, [cb.Zero(a) for a in info["addresses"]], **ASKED)
    np.testing.assert_allclose(numbers["exact"], -zero, atol=5e-5)
    for given in (
        {"contrast": False},
        {"contrast": True, "direction": "denoising", "at": "L1.attn"},
        {"contrast": True, "direction": "noising", "steps": 4},
    ):
        info, arrays = shown(ear, kind="token-gradients", what="integrated", **given)
        way = {key: given[key] for key in ("at", "direction", "steps") if key in given}
        other = OTHER if given["contrast"] else None
        plain = cb.integrated_gradients(m, PROMPT, other, **way, **ASKED)
        np.testing.assert_allclose(arrays["values_now"], plain.scores, rtol=2e-3, atol=2e-4)
        assert info["gap"] == pytest.approx(plain.gap, abs=2e-4)
        moved = info["end"] - info["start"]
        assert info["total"] - moved == pytest.approx(info["gap"], abs=1e-6)
        _, numbers = audit(
            ear, section="tokens", what="integrated", **{"steps": 32, **given}, top=2
        )
        exact = [row.exact for row in plain.audit(2).rows]
        np.testing.assert_allclose(numbers["exact"], exact, atol=5e-5)


@pytest.mark.parametrize("method", ["eap", "eap-ig-inputs", "eap-ig-activations", "eap-ig-senders"])
def test_edges_and_what_path_patching_gives(method: str) -> None:
    ear = ear_of()
    m = ear.board.model
    given = {"what": method, "direction": "noising", "steps": 2}
    info, arrays = shown(ear, kind="edge-gradients", **given, top=7)
    plain = cb.edge_attribution(m, PROMPT, OTHER, method=method, steps=2, **ASKED)
    top = plain.top(7)
    assert info["addresses"] == [address for address, _ in top]
    np.testing.assert_allclose(arrays["scores"], [score for _, score in top], rtol=1e-5)
    assert info["count"] == len(plain.edges)
    assert 0 < info["share"] < 1
    info, numbers = audit(ear, section="edges", **given, contrast=True, top=3)
    exact = [row.exact for row in plain.audit(3).rows]
    np.testing.assert_allclose(numbers["exact"], exact, atol=5e-5)


def test_a_pattern_and_its_gradient() -> None:
    ear = ear_of("llama")
    view = {"kind": "pattern-gradient", "layer": 1, "head": 3}
    shown(ear, **view)
    ear.say("act", 3, verb="ablate", at=["L0H0"])
    ear.board.wait()
    _, arrays = newest(ear, **view)
    m = ear.board.model
    plain = cb.gradient_of_pattern(m, PROMPT, "L1H3", **ASKED)[0]
    np.testing.assert_allclose(arrays["gradient_base"], plain, rtol=1e-3, atol=1e-5)
    product = plain * cb.run(m, PROMPT)["L1H3.pattern"][0]
    np.testing.assert_allclose(arrays["product_base"], product, rtol=1e-3, atol=1e-5)
    assert np.abs(arrays["gradient_now"] - plain).max() > 1e-4


@pytest.mark.parametrize("way", [None, "noising", "denoising"])
def test_cells_of_a_pattern_and_what_setting_them_gives(way: str | None) -> None:
    ear = ear_of()
    m, done = ear.board.model, [cb.Scale("L0H1", 0.25)]
    ear.board.scale("L0H1", 0.25)
    ear.board.wait()
    given = {} if way is None else {"contrast": True, "direction": way}
    _, arrays = shown(ear, kind="pattern-gradient", layer=1, head=2, **given)
    onto, source = (OTHER, PROMPT) if way == "denoising" else (PROMPT, OTHER)
    other = () if way is None else (OTHER,)
    more = {} if way is None else {"direction": way}
    plain = cb.pattern_attribution(m, PROMPT, "L1H2", *other, **more, **ASKED)
    np.testing.assert_allclose(arrays["product_base"], plain.scores, rtol=1e-3, atol=1e-5)
    here = cb.run(m, onto, done, **ASKED)
    pattern = here["L1H2.pattern"][0]
    theirs = np.zeros_like(pattern) if way is None else cb.run(m, source)["L1H2.pattern"][0]
    rare = "L1H2.pattern[2,1]"
    asked = {"section": "pattern", "what": "product", "at": "L1H2", **given}
    info, numbers = audit(ear, **asked, top=3, also=(rare,))
    assert rare in info["addresses"]
    assert info["top"] == 3
    sign = -1 if way is None else 1
    for cell, estimate, exact in zip(
        info["addresses"], numbers["estimate"], numbers["exact"], strict=True
    ):
        p, s = (int(n) for n in cell.partition("[")[2][:-1].split(","))
        assert estimate == pytest.approx(float(arrays["product_now"][p, s]), rel=1e-4, abs=1e-7)
        whole = pattern.copy()
        whole[p, s] = theirs[p, s]
        changed = cb.run(m, onto, [*done, cb.Set("L1H2.pattern", whole[None])], **ASKED).metric
        assert exact == pytest.approx(sign * (changed - here.metric), abs=5e-5), cell
    wanted = correlations(numbers["estimate"][:3], numbers["exact"][:3])
    np.testing.assert_allclose(numbers["correlation"], wanted, atol=1e-6)


def test_what_cannot_be_compared_is_a_problem_with_a_hint() -> None:
    ear = Ear("gpt2")
    for contrast, says in (("", "no contrast"), (tiny.prompt(5, 2), "tokens")):
        ear.board.contrast = contrast
        ear.board.wait()
        for kind in ("part-gradients", "edge-gradients"):
            more = {"contrast": True} if kind == "part-gradients" else {}
            ear.say("show", 2, views=[{"kind": kind, **more}])
            found, _ = ear.view(kind, ear.board.revision)
            assert says in found["problem"]["message"]
            assert found["problem"]["hint"]
    ear.say("show", 3, views=[{"kind": "gradient-audit", "section": "tokens", "what": "norm"}])
    found, _ = ear.view("gradient-audit", ear.board.revision)
    assert "estimates nothing" in found["problem"]["message"]


def test_a_sweep_stops_when_it_is_cancelled() -> None:
    ear = ear_of()
    given = {"kind": "edge-gradients", "what": "eap-ig-activations", "steps": 128}
    ear.say("show", 2, views=[given])
    jobs = ear.until(lambda c: c["t"] == "progress" and bool(c["jobs"]))["jobs"]
    assert jobs[0]["total"] == 128 * 7
    ear.say("cancel", 4, job=jobs[0]["id"])
    assert not ear.board.jobs()
