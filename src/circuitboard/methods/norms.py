"""Norms: what they remove, which directions their gain amplifies, what passes through their scale.

LayerNorm: ``(x - mean(x)) / scale * gain + bias``, RMSNorm: ``x / scale * gain``, with scale the
root of the mean square of what is divided, plus eps (Ba 2016; Zhang and Sennrich 2019).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.engine.engine import Engine
from circuitboard.engine.held import HeldRun
from circuitboard.engine.run import metric_of
from circuitboard.engine.sites import TAIL
from circuitboard.engine.sweep import measure
from circuitboard.models.model import Model
from circuitboard.models.norms import centred, gain
from circuitboard.spec.address import Address
from circuitboard.spec.errors import AddressError, TargetError
from circuitboard.spec.intervention import AnyIntervention, Freeze, InterventionSet, Source, Zero
from circuitboard.spec.metric import Metric

Floats = NDArray[np.float32]

NORMS = ("ln1", "ln2", "ln_final")


def norm_of(model: Model, address: str | Address) -> Address:
    """The scale of the norm that an address names: ``L3.ln1`` and ``L3.ln1.scale`` alike.

    Raises AddressError for what is no norm of this model.
    """
    found = Address.parse(address).at(None)
    part = found.part.removesuffix(".scale")
    if part not in NORMS:
        raise AddressError(f"{found} is not a norm.", "Write for example L3.ln1.scale.")
    return model.check(replace(found, part=f"{part}.scale"))


@dataclass(frozen=True)
class NormValues:
    """What a norm did in a run, at each token of the first prompt.

    Attributes:
        stream: [p, d] what enters it.
        scale: [p] what it divides by.
        mean: [p] the mean over d_model, which LayerNorm removes.
        before, after: [p] length of what enters and of what leaves.
    """

    stream: Float[Tensor, "p d"]
    scale: Floats
    mean: Floats
    before: Floats
    after: Floats


def entering(model: Model, norm: Address) -> Address | None:
    """The place of the stream that a norm reads; None for the final norm."""
    if norm.part.startswith("ln_final"):
        return None
    middle = norm.part.startswith("ln2") and model.has_part("resid_mid")
    return Address("resid_mid" if middle else "resid_pre", norm.layer)


def norm_values(engine: Engine, run: HeldRun, norm: Address) -> NormValues:
    """What a norm did in a run."""
    length = run.lengths[0]
    source = entering(engine.model, norm)
    out = replace(norm, part=norm.part.removesuffix(".scale"))
    if source is None and not any(i.address.part in TAIL for i in run.interventions):
        stream = run.shifted[0, :length].float()
        scale, after = _tail(engine.model, stream)
    else:
        wanted = [norm, out] if source is None else [source, norm, out]
        found = engine.read(run, wanted)
        stream = (run.shifted if source is None else found[source.place])[0, :length].float()
        scale, after = found[norm.place][0, :length].float(), found[out.place][0, :length].float()
    return NormValues(
        stream,
        scale.cpu().numpy(),
        stream.mean(-1).cpu().numpy(),
        stream.norm(dim=-1).cpu().numpy(),
        after.norm(dim=-1).cpu().numpy(),
    )


def _tail(model: Model, stream: Float[Tensor, "p d"]) -> tuple[Tensor, Tensor]:
    """Scale and output of the final norm, without the unembedding that a reading would cost."""
    inner = centred(model, stream)
    scale = (inner.pow(2).mean(-1) + model.final_eps()).sqrt()
    out = inner / scale[:, None] * gain(model, Address("ln_final"))
    bias = model.final_bias()
    return scale, out if bias is None else out + bias


def outliers(values: list[NormValues], k: int = 8) -> tuple[list[int], list[tuple[Floats, Floats]]]:
    """The dimensions that stand out most in any of some runs, by |value| / rms at any token.

    Returns:
        The dimensions; for each run the values / rms [k, p] and their shares of the squared
        length [k, p].
    """
    rms = [v.stream.pow(2).mean(-1, keepdim=True).sqrt().clamp_min(1e-12) for v in values]
    relative = [v.stream / r for v, r in zip(values, rms, strict=True)]
    peak = torch.stack([r.abs().amax(0) for r in relative]).amax(0)
    dims = peak.topk(min(k, len(peak))).indices
    width = values[0].stream.shape[1]
    found = [r[:, dims].T for r in relative]
    return dims.tolist(), [(r.cpu().numpy(), (r.pow(2) / width).cpu().numpy()) for r in found]


# --- directions -------------------------------------------------------------------------------


def upstream(model: Model, norm: Address) -> list[str]:
    """Addresses of all parts that write to the stream before a norm, in the order of writing."""
    layers = model.facts.n_layers if norm.layer is None else norm.layer
    parts = ["embed"] + (["pos_embed"] if model.has_part("pos_embed") else [])
    for layer in range(layers):
        parts += [f"L{layer}H{h}" for h in range(model.facts.n_heads)]
        parts += [f"L{layer}.mlp"] if model.has_part("mlp") else []
    if norm.part.startswith("ln2") and not model.facts.parallel:
        parts += [f"L{norm.layer}H{h}" for h in range(model.facts.n_heads)]
    return parts


def amplified(model: Model, norm: Address, vectors: Float[Tensor, "c d"]) -> Float[Tensor, "c"]:
    """How much longer the gain makes each vector: |gain * v| / |v|, the mean removed if it is.

    The scale is left out: it shortens all directions alike. A gain of 1 gives 1; a vector that
    points evenly everywhere gives the root of the gain's mean square.
    """
    inner = centred(model, vectors.float())
    return (inner * gain(model, norm)).norm(dim=-1) / inner.norm(dim=-1)


def writes(engine: Engine, run: HeldRun, norm: Address, position: int) -> Float[Tensor, "c d"]:
    """What each part of :func:`upstream` writes at a position of the first prompt, up to a factor.

    A norm after attention (Gemma) turns a head's output by its gain; its scale is left out.
    """
    model = engine.model
    parts = [Address.parse(part) for part in upstream(model, norm)]
    places = [replace(a, part="head.z") if a.part == "head" else a for a in parts]
    found = engine.read(run, places)
    rows = []
    for part, place in zip(parts, places, strict=True):
        row = found[place.place][0, position].float()
        if part.head is not None and part.layer is not None:
            row = row @ model.output_weights(part.layer)[part.head].detach().float()
            after = model.post_gain(part.layer, "ln1_post")
            row = row if after is None else row * after
        rows.append(row)
    return torch.stack(rows)


def target_direction(model: Model, metric: Metric) -> Float[Tensor, "1 d"]:
    """The unembedding's direction of the target, minus the foil's where there is one."""
    tokens = [metric.target] if metric.foil is None else [metric.target, metric.foil]
    found = model.unembed_rows(tokens)
    return (found[:1] - found[1:]) if metric.foil is not None else found


# --- through the scale ------------------------------------------------------------------------


@dataclass(frozen=True)
class ScaleProbe:
    """The runs that tell what passes through a norm's scale.

    Attributes:
        parts: what is ablated, one at a time.
        live: each part ablated, the scale recomputed.
        held: the same with the scale held at its value in the run without the ablation.
        hold: what holds it.
    """

    parts: list[str]
    live: list[InterventionSet]
    held: list[InterventionSet]
    hold: InterventionSet


def scale_probe(model: Model, prompt: str, norm: Address, wanted: InterventionSet) -> ScaleProbe:
    """The runs for a norm, on top of what is done to the model already.

    The scale is held at its value in the run with ``wanted`` and nothing else, which is the
    baseline where that is empty: holding it changes nothing until a part is ablated.
    """
    source = Source((prompt,), wanted.items) if len(wanted) else None
    hold = InterventionSet((*wanted.items, Freeze(norm.place, source)))
    parts = upstream(model, norm)
    return ScaleProbe(
        parts,
        [InterventionSet((*wanted.items, Zero(part))) for part in parts],
        [InterventionSet((*hold.items, Zero(part))) for part in parts],
        hold,
    )


@dataclass(frozen=True)
class ScaleEffects:
    """Effects on the metric of ablating each part upstream of a norm, float32 [c].

    Attributes:
        parts: addresses, in the order of writing.
        live: with the norm's scale recomputed, as the model does.
        frozen: with the scale held at its value without the ablation.
    """

    parts: list[str]
    live: Floats
    frozen: Floats

    @property
    def through(self) -> Floats:
        """[c]: what passes through a change of the scale."""
        return self.live - self.frozen


def scale_effects(
    model: Model,
    prompt: str,
    norm: str | Address,
    *,
    target: str,
    foil: str | None = None,
    interventions: InterventionSet | Iterable[AnyIntervention] = (),
) -> ScaleEffects:
    """How much of each upstream part's ablation effect passes through a change of a norm's scale.

    Exact: each part is ablated twice, with the scale recomputed and with it held.

    Args:
        norm: ``"L3.ln1.scale"``, ``"L3.ln2.scale"`` or ``"ln_final.scale"``.
        target, foil: tokens that the metric compares.
        interventions: what is done to the model meanwhile.

    Raises:
        AddressError: the model has no such norm; TargetError: a target is not one token.
    """
    metric = metric_of(model, target, foil)
    if metric is None:
        raise TargetError("The metric needs a target token.", "Give target= (and foil=).")
    wanted = InterventionSet.of(interventions).refer(None)
    probe = scale_probe(model, prompt, norm_of(model, norm), wanted)
    found = []
    for sets, start in ((probe.live, wanted), (probe.held, probe.hold)):
        values, begun = measure(model, prompt, sets, metric, start=start)
        found.append((values - begun).mean(1))
    return ScaleEffects(probe.parts, *found)
