"""Edge attribution patching, plain and with integrated gradients: all edges by a few gradients.

See :mod:`circuitboard.methods.edge_attribution` for the formulae: Syed 2023, "Attribution Patching
Outperforms Automated Circuit Discovery" (``eap``), and Hanna 2024, "Have Faith in Faithfulness"
(``eap-ig``: along inputs; ``eap-ig-activations``; ``clean-corrupted``).
"""

from __future__ import annotations

from functools import partial

from circuitboard.circuits.methods.job import Job, Options
from circuitboard.engine.sweep import Watch
from circuitboard.methods.contrast import Direction
from circuitboard.methods.edge_attribution import EdgeScores, Method
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.errors import CircuitError
from circuitboard.spec.task import Task


class EapOptions(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of methods that take one gradient or two.

    Attributes:
        direction: ``noising`` scores what patching the corrupted value into the clean run does, by
            the gradient at the clean run; ``denoising`` the other way round.
    """

    direction: Direction = "noising"


class IgOptions(EapOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of methods that integrate.

    Attributes:
        steps: m, points on the way.
    """

    steps: int = 5


def _find(
    method: Method, model: Model, task: Task, *, options: EapOptions, watch: Watch
) -> Circuit:
    """All edges with their scores. Scores of a head's q, k and v add up where they are merged."""
    name = "eap-ig" if method == "eap-ig-inputs" else method
    job = Job(model, task, name, options, watch)
    steps = options.steps if isinstance(options, IgOptions) else 1
    if steps < 1:
        raise CircuitError(f"{steps} steps cannot be done.", "Take 5.")
    contrast = job.contrast(options.direction)
    growing = EdgeScores(
        contrast, method, steps, positions=options.positions, graph=job.space.graph
    )
    watch.check()
    with model.lock:
        for done in growing.passes():
            watch.progress(done, growing.total)
            watch.check()
    return job.done(job.space.merge(growing.matrix))


eap = partial(_find, "eap")
eap_ig = partial(_find, "eap-ig-inputs")
eap_ig_activations = partial(_find, "eap-ig-activations")
eap_ig_senders = partial(_find, "eap-ig-senders")
clean_corrupted = partial(_find, "clean-corrupted")
