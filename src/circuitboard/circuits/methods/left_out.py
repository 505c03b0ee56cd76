"""What the metric loses without some edges or nodes of a space: exact, one run for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from circuitboard.circuits.methods.space import Space
from circuitboard.engine.masked import MaskedRuns
from circuitboard.engine.sweep import Watch
from circuitboard.methods.contrast import Contrast
from circuitboard.spec.errors import CircuitError

#: Masks that are made at a time.
MASKS = 64


def left_out(
    space: Space, contrast: Contrast, groups: Sequence[Sequence[str]], watch: Watch | None = None
) -> NDArray[np.float64]:
    """The change of the metric with each group of edges and nodes patched at once, [n, b].

    The prompts run with all edges live but these (:mod:`circuitboard.engine.masked`): a node is all
    edges out of it. Nodes are those of the space: where neurons are apart, their MLP is the rest.

    Raises CircuitError for what is no edge and no node of the space.
    """
    watch = watch or Watch()
    quiet, total = Watch(check=watch.check), len(groups) * len(contrast.onto)
    found: list[NDArray[np.float64]] = []
    done = 0
    for part in contrast.portions(len(space.senders) * contrast.model.facts.d_model):
        runs = MaskedRuns.of(contrast.model, part.onto, part.source, graph=space.graph)
        base = runs.measure([_all_but(space, ())], part.judge, quiet).double()
        values: list[Tensor] = [base.new_zeros(0, base.shape[1])]
        for some in _portions(groups):
            masks = [_all_but(space, group) for group in some]
            values.append(runs.measure(masks, part.judge, quiet).double() - base)
            done += len(some) * len(part.onto)
            watch.progress(done, total)
        found.append(torch.cat(values).cpu().numpy())
    return np.concatenate(found, axis=1)


def _portions(groups: Sequence[Sequence[str]]) -> Iterator[Sequence[Sequence[str]]]:
    for start in range(0, len(groups), MASKS):
        yield groups[start : start + MASKS]


def _all_but(space: Space, places: Sequence[str]) -> Tensor:
    """All of the graph's edges, without those that are named."""
    shape = space.graph.exists.shape
    mask = torch.ones(*shape, space.width) if space.width else torch.ones(shape)
    for place in places:
        if "->" in place:
            row, column, *at = space.cell(place)
            inputs = [i for i, parts in enumerate(space.parts) if column in parts]
            mask[(row, inputs, *at)] = 0
        elif place in space.senders:
            mask[space.senders.index(place)] = 0
        else:
            raise CircuitError(f"{place} is no node here.", f"Nodes: {', '.join(space.senders)}.")
    return mask
