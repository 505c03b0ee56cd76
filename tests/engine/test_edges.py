"""Edges, against path patching written out step by step with plain hooks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import tiny
from circuitboard.engine.engine import Engine
from circuitboard.engine.paths import path_patch
from circuitboard.engine.run import run
from circuitboard.models.model import Model
from circuitboard.spec.address import Address, Edge
from circuitboard.spec.errors import AddressError, InterventionError
from circuitboard.spec.intervention import InterventionSet, Patch, Scale, Zero

CLEAN, OTHER = tiny.prompt(9, 1), tiny.prompt(9, 2)
EDGES = [
    "L0H1->L2H2.q", "L0H1->L2H2.k", "L1H0->L2H2.v", "L0H1->L1H0", "embed->L1H1.k", "L0.mlp->L2H1.q",
    "L0H1->L1.mlp", "L1H1->L1.mlp", "L0.mlp->L1.mlp", "embed->L2.mlp", "L0.attn->L2.mlp",
    "L1H1->logits", "L0.mlp->logits", "embed->logits",
]  # fmt: skip


def step_by_step(m: Model, clean: Tensor, other: Tensor, edge: Edge) -> Tensor:
    """Logits with one direct path patched: every other sender frozen, then the receiver alone."""
    bridge, layers = m.bridge, m.facts.n_layers
    _, a = bridge.run_with_cache(other)
    _, b = bridge.run_with_cache(clean)
    sender, receiver = edge.sender, edge.receiver
    last = layers if receiver.layer is None else receiver.layer
    freeze = []
    for layer in range(layers):
        name = f"blocks.{layer}.attn.hook_z"
        z = b[name].clone()
        if sender.part == "head" and sender.layer == layer:
            z[:, :, sender.head] = a[name][:, :, sender.head]
        if layer < last or receiver.part in ("mlp", "logits"):
            freeze.append((name, lambda t, hook, z=z: z))
            if sender.part == "attn" and sender.layer == layer:
                own = f"blocks.{layer}.hook_attn_out"
                freeze.append((own, lambda t, hook, v=a[own]: v))
        mlp = f"blocks.{layer}.hook_mlp_out"
        if mlp in b and (layer < last or receiver.part == "logits"):
            source = a if sender.part == "mlp" and sender.layer == layer else b
            freeze.append((mlp, lambda t, hook, v=source[mlp]: v))
    if sender.part == "embed":
        start = "blocks.0.hook_resid_pre"
        freeze.append((start, lambda t, hook: a[start]))
    kept: dict[str, Tensor] = {}
    names = (
        [receiver.hook] if receiver.part != "head"
        else [Address(f"head.{x}", receiver.layer, head=receiver.head).hook for x in "qkv"]
    )  # fmt: skip

    def keep(name: str):
        return lambda t, hook: kept.__setitem__(name, t.clone())

    watch = [] if receiver.part == "logits" else [(n, keep(n)) for n in names]
    logits = bridge.run_with_hooks(clean, fwd_hooks=[*freeze, *watch], return_type="logits")
    if receiver.part == "logits":
        return logits

    def put(name: str):
        def hook(t: Tensor, hook: object) -> Tensor:
            out = t.clone()
            if receiver.head is None:
                return kept[name]
            group = m.facts.n_heads // out.shape[2]
            head = receiver.head // group
            out[:, :, head] = kept[name][:, :, head]
            return out

        return hook

    return bridge.run_with_hooks(clean, fwd_hooks=[(n, put(n)) for n in names])


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_edges_equal_path_patching_step_by_step(name: str) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    tokens, lengths = engine.encode(CLEAN)
    other, _ = engine.encode(OTHER)
    tried = 0
    for text in EDGES:
        edge = Edge.parse(text)
        try:
            m.check(edge.sender)
            m.check(edge.receiver)
        except AddressError:
            continue
        if m.facts.parallel and text == "L1H1->L1.mlp":
            continue
        run, _ = engine.run(tokens, lengths, InterventionSet.of(Patch(text, OTHER)))
        got = engine.read(run, [Address("logits")])["logits"]
        with torch.no_grad():
            wanted = step_by_step(m, tokens, other, edge)
        error = float((got - wanted).abs().max()) / float(wanted.abs().max())
        assert error < 1e-4, f"{text}: {error}"
        tried += 1
    assert tried >= 4


def test_a_path_patch_of_every_edge_out_of_a_node_equals_a_node_patch() -> None:
    m = tiny.model("gpt2")
    engine = Engine(m)
    tokens, lengths = engine.encode(CLEAN)
    receivers = ["L2.mlp", "logits", *(f"L2H{h}" for h in range(4)), "L1.mlp"]
    paths = InterventionSet.of([Patch(f"L1H1->{r}", OTHER) for r in receivers])
    node = InterventionSet.of(Patch("L1H1", OTHER))
    by_paths = engine.last_logits(engine.run(tokens, lengths, paths)[0])
    by_node = engine.last_logits(engine.run(tokens, lengths, node)[0])
    assert torch.allclose(by_paths, by_node, atol=1e-4)


def test_all_edges_of_a_part_in_one_call_equal_each_alone() -> None:
    m = tiny.model("llama")
    asked = {"target": "t7", "foil": "t11"}
    into = path_patch(m, CLEAN, OTHER, receiver="L2H1.k", **asked)
    out = path_patch(m, CLEAN, OTHER, sender="L0H1", **asked)
    assert len(into) == 1 + 8 + 2
    assert len(out) == 2 * 4 * 3 + 3 + 1
    base = run(m, CLEAN, **asked).metric
    for name, value in [*list(into.items())[::3], *list(out.items())[::5]]:
        alone = run(m, CLEAN, Patch(name, OTHER), **asked).metric - base
        assert value == pytest.approx(alone, abs=1e-4), name
    with pytest.raises(InterventionError, match="sender or a receiver"):
        path_patch(m, CLEAN, OTHER, **asked)


def test_edges_go_with_other_interventions_and_restart_exactly() -> None:
    m = tiny.model("llama")
    stack = [Scale("L0H0", 0.5), Patch("L0H1->L1H2.k", OTHER), Zero("L2.mlp")]
    engine = Engine(m)
    tokens, lengths = engine.encode(CLEAN)
    engine.baseline(tokens, lengths)
    engine.run(tokens, lengths, InterventionSet.of(stack[:2]))
    run, way = engine.run(tokens, lengths, InterventionSet.of(stack))
    assert way.layer == 2
    alone = Engine(m).run(tokens, lengths, InterventionSet.of(stack))[0]
    assert torch.allclose(engine.last_logits(run), engine.last_logits(alone), atol=1e-5)
    place = Address.parse("L1H2.pattern")
    first, second = (e.read(r, [place])[place.place] for e, r in ((engine, run), (engine, alone)))
    assert torch.allclose(first, second, atol=1e-5)


def test_an_edge_into_the_first_block_needs_no_held_run() -> None:
    m = tiny.model("gpt2")
    wanted = InterventionSet.of([Scale("embed", 0.5), Patch("L0H1->L0.mlp", OTHER)])
    held, bare = Engine(m), Engine(m)
    tokens, lengths = held.encode(CLEAN)
    held.baseline(tokens, lengths)
    ends = [e.last_logits(e.run(tokens, lengths, wanted)[0]) for e in (held, bare)]
    assert torch.allclose(*ends, atol=1e-5)


def test_a_position_on_an_edge_is_the_senders() -> None:
    m = tiny.model("gpt2")
    engine = Engine(m)
    tokens, lengths = engine.encode(CLEAN)
    base = engine.read(engine.baseline(tokens, lengths), [Address.parse("L2H2.k")])["L2H2.k"]
    run, way = engine.run(tokens, lengths, InterventionSet.of(Patch("L0H1->L2H2.k@4", OTHER)))
    now = engine.read(run, [Address.parse("L2H2.k")])["L2H2.k"]
    changed = (now - base).abs().amax(-1)[0] > 1e-6
    assert changed.nonzero().flatten().tolist() == [4]
    assert (way.layer, way.position) == (2, 4)


@pytest.mark.parametrize("text", ["L2H0->L1H1.q", "L0.ln1->logits", "L0H0->L1H1.z", "L1.mlp->L1H0"])
def test_edges_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(AddressError):
        Edge.parse(text)
