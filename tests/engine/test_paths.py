"""Path patching with MLPs computed anew, against the four steps of Wang 2022 in plain hooks."""

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
from circuitboard.spec.errors import AddressError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet, Patch, Scale, Zero

CLEAN, OTHER = tiny.prompt(9, 1), tiny.prompt(9, 2)
EDGES = [
    "L0H1->mlps->L2H2.q", "L0H1->mlps->L2H2.k", "L1H0->mlps->L2H2.v", "L0H1->mlps->L1H0",
    "embed->mlps->L1H1.k", "L0.mlp->mlps->L2H1.q", "L0H1->mlps->L1.mlp", "L1H1->mlps->L1.mlp",
    "L0.mlp->mlps->L2.mlp", "L0.attn->mlps->L2.mlp", "L1H1->mlps->logits", "L0.mlp->mlps->logits",
    "L0H2->mlps->logits", "embed->mlps->logits",
]  # fmt: skip


def four_steps(m: Model, clean: Tensor, other: Tensor, edges: list[Edge]) -> Tensor:
    """Logits of step D; the edges have one receiver.

    A: the senders on the other prompt. B: everything on the clean one. C: the clean prompt with q,
    k and v of every head frozen to B and the senders set to A, MLPs and norms left alone, noting
    what the receiver gets. D: the clean prompt with the receiver alone set to that.
    """
    bridge, receiver = m.bridge, edges[0].receiver
    _, a = bridge.run_with_cache(other)
    _, b = bridge.run_with_cache(clean)
    names = (
        [receiver.hook] if receiver.part != "head"
        else [Address(f"head.{x}", receiver.layer, head=receiver.head).hook for x in "qkv"]
    )  # fmt: skip
    kept: dict[str, Tensor] = {}

    def keep(t: Tensor, hook: object) -> None:
        kept[hook.name] = t.clone()  # type: ignore[attr-defined]

    hooks = [] if receiver.part == "logits" else [(name, keep) for name in names]
    for layer in range(m.facts.n_layers):
        names_b = [f"blocks.{layer}.attn.hook_{x}" for x in "qkv"]
        hooks += [(name, lambda t, hook, value=b[name]: value) for name in names_b]
    hooks += [_set_sender(edge.sender, a) for edge in edges]
    at_c = bridge.run_with_hooks(clean, fwd_hooks=hooks, return_type="logits")
    if receiver.part == "logits":
        return at_c

    def put(t: Tensor, hook: object) -> Tensor:
        new, out = kept[hook.name], t.clone()  # type: ignore[attr-defined]
        if receiver.head is None:
            return new
        head = receiver.head * out.shape[2] // m.facts.n_heads
        out[:, :, head] = new[:, :, head]
        return out

    return bridge.run_with_hooks(clean, fwd_hooks=[(name, put) for name in names])


def _set_sender(sender: Address, a: dict[str, Tensor]) -> tuple[str, object]:
    if sender.part == "head":

        def one(t: Tensor, hook: object) -> Tensor:
            out = t.clone()
            out[:, :, sender.head] = a[name][:, :, sender.head]
            return out

        name = f"blocks.{sender.layer}.attn.hook_z"
        return name, one
    name = "blocks.0.hook_resid_pre" if sender.part == "embed" else sender.hook
    return name, lambda t, hook: a[name]


def known(m: Model, text: str) -> bool:
    """Whether a model has such an edge."""
    edge = Edge.parse(text)
    try:
        m.check(edge.sender)
        m.check(edge.receiver)
    except AddressError:
        return False
    return not (m.facts.parallel and edge.sender.layer == edge.receiver.layer)


@pytest.mark.parametrize("name", [n for n in tiny.ARCHITECTURES if n != "attn_only"])
def test_paths_through_mlps_equal_the_four_steps(name: str) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    tokens, lengths = engine.encode(CLEAN)
    other, _ = engine.encode(OTHER)
    tried = [text for text in EDGES if known(m, text)]
    assert len(tried) >= 5
    for text in tried:
        held, _ = engine.run(tokens, lengths, InterventionSet.of(Patch(text, OTHER)))
        got = engine.read(held, [Address("logits")])["logits"]
        with torch.no_grad():
            wanted = four_steps(m, tokens, other, [Edge.parse(text)])
        error = float((got - wanted).abs().max()) / float(wanted.abs().max())
        assert error < 1e-4, f"{text}: {error}"


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox"])
def test_the_two_kinds_of_path_differ_only_where_an_mlp_lies_between(name: str) -> None:
    m = tiny.model(name)

    def logits(text: str) -> Tensor:
        return torch.tensor(run(m, CLEAN, Patch(text, OTHER)).logits)

    assert (logits("L0H1->L2H1.q") - logits("L0H1->mlps->L2H1.q")).abs().max() > 1e-3
    assert (logits("L0H1->logits") - logits("L0H1->mlps->logits")).abs().max() > 1e-3
    direct, through = logits("embed->L0H1.q"), logits("embed->mlps->L0H1.q")
    assert torch.allclose(direct, through, atol=1e-5)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "neox"])
def test_several_senders_act_together(name: str) -> None:
    m = tiny.model(name)
    engine = Engine(m)
    tokens, lengths = engine.encode(CLEAN)
    other, _ = engine.encode(OTHER)
    for receiver in ("L2H2.k", "logits"):
        texts = [f"{sender}->mlps->{receiver}" for sender in ("L0H1", "L1H0", "L1H3")]
        items = InterventionSet.of([Patch(text, OTHER) for text in texts])
        held, _ = engine.run(tokens, lengths, items)
        got = engine.read(held, [Address("logits")])["logits"]
        with torch.no_grad():
            wanted = four_steps(m, tokens, other, [Edge.parse(text) for text in texts])
        assert float((got - wanted).abs().max()) < 1e-4 * float(wanted.abs().max())


@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
def test_all_kinds_of_interventions_go_along_a_path_through_mlps(name: str) -> None:
    """With a stack under it: the path of a changed model is that of the model so changed."""
    m = tiny.model(name)
    edges: list[AnyIntervention] = [
        Zero("L0H1->mlps->L2H2.q"), Scale("L0H1->mlps->logits@2:", 0.3),
        Patch("embed->mlps->L2H1.v@-1", OTHER),
    ]  # fmt: skip
    under: list[AnyIntervention] = [
        Scale("L0H1", 0.5), Zero("L1H0.v@3"), Scale("L1.mlp", 0.7), Scale("L1.resid_mid", 0.9),
        Patch("L0H0->L1H1.k", OTHER),
    ]  # fmt: skip
    for edge in edges:
        held = Engine(m)
        tokens, lengths = held.encode(CLEAN)
        held.run(tokens, lengths, InterventionSet.of(under))
        one, way = held.run(tokens, lengths, InterventionSet.of([*under, edge]))
        assert way.base is not None
        other = Engine(m).run(tokens, lengths, InterventionSet.of([*under, edge]))[0]
        assert torch.allclose(held.last_logits(one), held.last_logits(other), atol=1e-5)
        undone = Scale(edge.at, 1.0)
        same, _ = held.run(tokens, lengths, InterventionSet.of([*under, undone]))
        base = held.last_logits(held.run(tokens, lengths, InterventionSet.of(under))[0])
        assert torch.allclose(held.last_logits(same), base, atol=1e-4)
        assert not torch.allclose(held.last_logits(one), base, atol=1e-4)


def test_all_paths_of_a_part_in_one_call_equal_each_alone() -> None:
    m = tiny.model("llama")
    asked = {"target": "t7", "foil": "t11", "mlps": "recomputed"}
    found = path_patch(m, CLEAN, OTHER, receiver="L2H1.k", **asked)  # type: ignore[arg-type]
    found |= path_patch(m, CLEAN, OTHER, sender="L0H1", **asked)  # type: ignore[arg-type]
    assert len(found) == 1 + 8 + 2 + 2 * 4 * 3 + 3 + 1 - 1
    base = run(m, CLEAN, target="t7", foil="t11").metric
    for name, value in list(found.items())[::4]:
        assert "->mlps->" in name
        alone = run(m, CLEAN, Patch(name, OTHER), target="t7", foil="t11").metric - base
        assert value == pytest.approx(alone, abs=1e-4), name


def test_pairs_of_prompts_are_patched_pair_by_pair() -> None:
    m = tiny.model("gpt2")
    clean, other = [CLEAN, tiny.prompt(5, 3)], [OTHER, tiny.prompt(5, 4)]
    for mlps in ("frozen", "recomputed"):
        both = path_patch(
            m, clean, other, receiver="L2H1.q", target=["t7", "t8"], foil="t11", mlps=mlps
        )
        alone = [
            path_patch(m, c, o, receiver="L2H1.q", target=t, foil="t11", mlps=mlps)
            for c, o, t in zip(clean, other, ("t7", "t8"), strict=True)
        ]
        for name, value in both.items():
            assert value == pytest.approx((alone[0][name] + alone[1][name]) / 2, abs=1e-4)


def test_an_edge_prints_as_it_was_written() -> None:
    for text in ("L0H1->mlps->L5H5.k@-1", "embed->mlps->logits", "L0H1->L5H5.k"):
        item = Zero(text)
        assert (item.at, str(item.edge)) == (text, text)
        assert repr(item) == f'Zero("{text}")'
        again = InterventionSet.from_json(InterventionSet.of(item).to_json())
        assert hash(again.items[0]) == hash(item)
    with pytest.raises(AddressError):
        Edge.parse("L0H1->mlps->")
