"""Edge attribution patching, against autograd, exact edges, and small changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import circuitboard as cb
import tiny
from circuitboard.engine.paths import edges_of, path_patch
from circuitboard.methods.edge_attribution import EdgeAttribution, edge_attribution
from circuitboard.spec.address import Edge
from circuitboard.spec.errors import AddressError, InterventionError, TargetError

NAMES = ("gpt2", "llama", "neox", "attn_only")
CLEAN, CORRUPT = tiny.prompt(7, 1), tiny.prompt(7, 2)
ENDS: dict[str, Any] = {"target": "t7", "foil": "t11"}


def rows(m, prompt: str) -> Tensor:
    return torch.tensor([m.tokenize(prompt)])


@pytest.mark.parametrize("name", NAMES)
def test_the_edges_are_those_that_the_engine_patches(name: str) -> None:
    m = tiny.model(name)
    found = edge_attribution(m, CLEAN, CORRUPT, **ENDS)
    f = m.facts
    kept = [f"{h}.q" for h in m.heads] + [*m.mlps, "logits"]
    kept += [
        f"L{layer}H{head}.{x}"
        for layer in range(f.n_layers)
        for head in range(0, f.n_heads, f.n_heads // f.n_kv_heads)
        for x in "kv"
    ]
    wanted = {edge for receiver in kept for edge in edges_of(m, receiver=receiver)}
    assert set(found.edges) == wanted
    assert len(found.edges) == len(wanted) == len(found.scores)
    assert np.isnan(found.matrix).sum() == found.matrix.size - len(wanted)


def patched_by(m, sender: str, amount: float) -> Tensor:
    """``amount`` times what a sender writes otherwise in the corrupted run, [1, p, d]."""
    place = "L0.resid_pre" if sender == "embed" else sender
    here, there = (cb.run(m, p)[place] for p in (CLEAN, CORRUPT))
    return torch.tensor(amount * (there - here))


def through_one_edge(m, edge: Edge, moved: Tensor) -> float:
    """The metric when one receiver reads the clean stream and ``moved`` on top, by plain hooks."""
    tokens, receiver = rows(m, CLEAN), edge.receiver
    block, taken = receiver.layer, {}
    with torch.no_grad():
        _, clean = m.bridge.run_with_cache(tokens)
    if receiver.part == "logits":
        point = f"blocks.{m.facts.n_layers - 1}.hook_resid_post"
        hooks = [(point, lambda t, hook: t + moved)]
    else:
        middle = receiver.part == "mlp" and not m.facts.parallel
        enter = f"blocks.{block}.hook_attn_out" if middle else f"blocks.{block}.hook_resid_pre"
        grab = lambda t, hook: taken.update(value=t.clone())  # noqa: E731
        shift = lambda t, hook: t + moved  # noqa: E731
        with torch.no_grad():
            m.bridge.run_with_hooks(tokens, fwd_hooks=[(enter, shift), (receiver.hook, grab)])
        assert clean[receiver.hook].shape == taken["value"].shape

        def put(t: Tensor, hook: object) -> Tensor:
            if receiver.head is None:
                return taken["value"]
            out, share = t.clone(), m.facts.n_heads // t.shape[2]
            out[:, :, receiver.head // share] = taken["value"][:, :, receiver.head // share]
            return out

        hooks = [(receiver.hook, put)]
    with torch.no_grad():
        logits = m.bridge.run_with_hooks(tokens, fwd_hooks=hooks)
    return float(logits[0, -1, 7] - logits[0, -1, 11])


@pytest.mark.parametrize("name", [*NAMES, "gemma2", "opt"])
def test_scores_are_derivatives_along_every_kind_of_edge(name: str) -> None:
    """The sender moved a little way, on one edge alone, both ways: the slope is the score."""
    m = tiny.model(name)
    found = edge_attribution(m, CLEAN, CORRUPT, **ENDS)
    kinds: dict[tuple[str, str], str] = {}
    for edge, _ in found.top(len(found.edges)):
        where = Edge.parse(edge)
        if name != "gemma2" or where.sender.part != "head":  # their norm is not linear
            kinds.setdefault((where.sender.part, where.receiver.part), edge)
    assert len(kinds) >= (8 if name == "attn_only" else 10)
    for edge in kinds.values():
        where, small = Edge.parse(edge), 2e-3  # small enough to stay clear of kinks (OPT's ReLU)
        ends = [
            through_one_edge(m, where, patched_by(m, where.sender.place, sign * small))
            for sign in (1, -1)
        ]
        slope = (ends[0] - ends[1]) / (2 * small)
        assert slope == pytest.approx(found.estimate(edge), rel=3e-2, abs=3e-3), edge


@pytest.mark.parametrize("name", NAMES)
def test_edges_into_a_receiver_add_up_to_the_change_of_its_input(name: str) -> None:
    """All senders before a query together are the stream that its norm reads (but for biases)."""
    m = tiny.model(name)
    found, layer = edge_attribution(m, CLEAN, CORRUPT, **ENDS), m.facts.n_layers - 1
    tokens = rows(m, CLEAN)
    stream = torch.tensor(cb.run(m, CLEAN)[f"L{layer}.resid_pre"])
    moved = torch.tensor(cb.run(m, CORRUPT)[f"L{layer}.resid_pre"]) - stream
    query = f"blocks.{layer}.attn.hook_q"
    nothing = torch.zeros(1, stream.shape[1], m.facts.n_heads, m.facts.d_head, requires_grad=True)
    logits = m.bridge.run_with_hooks(tokens, fwd_hooks=[(query, lambda t, hook: t + nothing)])
    (slope,) = torch.autograd.grad(logits[0, -1, 7] - logits[0, -1, 11], nothing)
    for head in range(m.facts.n_heads):
        start = stream.clone().requires_grad_()
        kept: list[Tensor] = []
        hooks = [(f"blocks.{layer}.hook_resid_pre", lambda t, hook, s=start: s * 1),
                 (query, lambda t, hook, kept=kept: kept.append(t))]  # fmt: skip
        m.bridge.run_with_hooks(tokens, fwd_hooks=hooks)
        (pulled,) = torch.autograd.grad((kept[0] * slope)[:, :, head].sum(), start)
        column = found.receivers.index(f"L{layer}H{head}.q")
        total = float(np.nansum(found.matrix[:, column]))
        assert total == pytest.approx(float((pulled * moved).sum()), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_where_the_metric_is_linear_the_scores_are_exact(direction: str) -> None:
    """Attention alone without norms: into the logits, and into the last values."""
    m = tiny.model("attn_only")
    for method in ("eap", "eap-ig-activations", "eap-ig-senders"):
        found = edge_attribution(m, CLEAN, CORRUPT, method=method, direction=direction, **ENDS)
        for receiver in ("logits", "L1H0.v", "L1H1.v"):
            exact = path_patch(m, CLEAN, CORRUPT, receiver=receiver, direction=direction, **ENDS)
            assert max(map(abs, exact.values())) > 1e-3
            for edge, value in exact.items():
                if method == "eap" or receiver == "logits":
                    assert found.estimate(edge) == pytest.approx(value, abs=2e-5)
    audit = edge_attribution(m, CLEAN, CORRUPT, **ENDS).audit(8)
    assert audit.pearson > 0.5


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_the_audit_is_path_patching(name: str) -> None:
    m = tiny.model(name)
    found = cb.attribute(m, CLEAN, CORRUPT, method="eap", **ENDS)
    assert isinstance(found, EdgeAttribution)
    edge = found.top(1)[0][0]
    exact = path_patch(m, CLEAN, CORRUPT, receiver=Edge.parse(edge).receiver.place, **ENDS)
    assert found.exact(edge) == pytest.approx(exact[edge], abs=1e-5)
    rows = found.audit(5).rows
    assert rows[0].exact == pytest.approx(exact[edge], abs=1e-5)
    assert [row.address for row in rows] == [address for address, _ in found.top(5)]


def test_heads_that_share_keys_share_an_edge() -> None:
    m = tiny.model("llama")
    found = edge_attribution(m, CLEAN, CORRUPT, **ENDS)
    assert "L0H0->L1H3.k" not in found.edges
    assert found.estimate("L0H0->L1H3.k") == found.estimate("L0H0->L1H2.k")
    ways = path_patch(m, CLEAN, CORRUPT, sender="L0H0", **ENDS)
    assert ways["L0H0->L1H3.k"] == pytest.approx(ways["L0H0->L1H2.k"], abs=1e-6)
    assert found.exact("L0H0->L1H3.k") == pytest.approx(ways["L0H0->L1H3.k"], abs=1e-5)
    with pytest.raises(AddressError):
        found.estimate("L0H0->mlps->L1H3.k")


def gradients_at(m, moved: Tensor | None, tokens: Tensor, point: str) -> Tensor:
    """The gradient at a hook point, with the stream entering block 0 replaced."""
    hooks, kept = [], []
    if moved is not None:
        hooks.append(("blocks.0.hook_resid_pre", lambda t, hook: moved))
    nothing = torch.zeros(1, tokens.shape[1], m.facts.d_model, requires_grad=True)
    hooks.append((point, lambda t, hook: t + nothing))
    logits = m.bridge.run_with_hooks(tokens, fwd_hooks=hooks)
    kept.append(torch.autograd.grad(logits[0, -1, 7] - logits[0, -1, 11], nothing)[0])
    return kept[0]


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_integrated_variants_average_the_gradient(name: str) -> None:
    """On edges into the logits, where the input is the stream itself."""
    m, steps = tiny.model(name), 3
    layer = m.facts.n_layers - 1
    point = f"blocks.{layer}.hook_resid_post"
    clean, corrupt = rows(m, CLEAN), rows(m, CORRUPT)
    z, other = (torch.tensor(cb.run(m, p)["L0.resid_pre"]) for p in (CLEAN, CORRUPT))
    inputs = [
        gradients_at(m, other + k / steps * (z - other), clean, point) for k in range(1, steps + 1)
    ]
    ends = [gradients_at(m, None, tokens, point) for tokens in (clean, corrupt)]
    wanted = {"eap": ends[:1], "clean-corrupted": ends, "eap-ig-inputs": inputs}
    seen = []
    for method, slopes in wanted.items():
        found = edge_attribution(m, CLEAN, CORRUPT, method=method, steps=steps, **ENDS)
        slope = torch.stack(slopes).mean(0)
        for sender in ("embed", "L0H1", "L1.mlp", f"L{layer}H3"):
            score = float((patched_by(m, sender, 1.0) * slope).sum())
            assert found.estimate(f"{sender}->logits") == pytest.approx(score, rel=2e-3, abs=1e-4)
        seen.append(found.estimate("embed->logits"))
    assert len({round(score, 4) for score in seen}) == 3


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_integrated_senders_follow_their_own_way(name: str) -> None:
    """The last MLP's way to the logits alone: its path integral is the exact effect."""
    m = tiny.model(name)
    edge = f"L{m.facts.n_layers - 1}.mlp->logits"
    found = edge_attribution(m, CLEAN, CORRUPT, method="eap-ig-senders", steps=40, **ENDS)
    plain = edge_attribution(m, CLEAN, CORRUPT, **ENDS)
    exact = found.exact(edge)
    assert found.estimate(edge) == pytest.approx(exact, rel=0.1, abs=0.05)
    assert abs(found.estimate(edge) - exact) < abs(plain.estimate(edge) - exact)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "attn_only"])
def test_integrated_activations_score_every_edge_by_every_run(name: str) -> None:
    """Edges into the logits, written out: each layer's outputs moved in turn, by plain hooks."""
    m, steps = tiny.model(name), 2
    f = m.facts
    point = f"blocks.{f.n_layers - 1}.hook_resid_post"
    tokens = rows(m, CLEAN)
    moving = ["blocks.0.hook_resid_pre"]
    for layer in range(f.n_layers):
        moving.append(f"blocks.{layer}.attn.hook_z")
        moving += [f"blocks.{layer}.hook_mlp_out"] if m.has_part("mlp") else []
    with torch.no_grad():
        mine, theirs = (m.bridge.run_with_cache(rows(m, p))[1] for p in (CLEAN, CORRUPT))
    slopes = []
    for place in moving:
        for k in range(1, steps + 1):
            value = theirs[place] + k / steps * (mine[place] - theirs[place])
            nothing = torch.zeros(1, tokens.shape[1], f.d_model, requires_grad=True)
            hooks = [(place, lambda t, hook, v=value: v.reshape(t.shape)),
                     (point, lambda t, hook, n=nothing: t + n)]  # fmt: skip
            logits = m.bridge.run_with_hooks(tokens, fwd_hooks=hooks)
            slopes += torch.autograd.grad(logits[0, -1, 7] - logits[0, -1, 11], nothing)
    found = edge_attribution(m, CLEAN, CORRUPT, method="eap-ig-activations", steps=steps, **ENDS)
    own = edge_attribution(m, CLEAN, CORRUPT, method="eap-ig-senders", steps=steps, **ENDS)
    for sender in ("embed", "L0H1", f"L{f.n_layers - 1}H1"):
        moved = patched_by(m, sender, 1.0)
        edge = f"{sender}->logits"
        every = float((moved * torch.stack(slopes).mean(0)).sum())
        assert found.estimate(edge) == pytest.approx(every, rel=2e-3, abs=1e-4)
        place = moving[0] if sender == "embed" else f"blocks.{sender[1]}.attn.hook_z"
        first = moving.index(place) * steps
        some = float((moved * torch.stack(slopes[first : first + steps]).mean(0)).sum())
        assert own.estimate(edge) == pytest.approx(some, rel=2e-3, abs=1e-4)


def test_wrong_questions_are_refused() -> None:
    m = tiny.model("gpt2")
    with pytest.raises(InterventionError, match="steps"):
        edge_attribution(m, CLEAN, CORRUPT, method="eap-ig-inputs", steps=0, **ENDS)
    with pytest.raises(InterventionError, match="tokens"):
        edge_attribution(m, CLEAN, tiny.prompt(5), **ENDS)
    with pytest.raises(TargetError, match="minimum"):
        edge_attribution(m, CLEAN, CORRUPT, "KL divergence")
    found = edge_attribution(m, CLEAN, CORRUPT, "KL divergence", method="eap-ig-inputs")
    assert np.abs(found.scores).max() > 1e-4
