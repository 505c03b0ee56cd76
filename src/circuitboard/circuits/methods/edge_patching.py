"""Exact path patching of every edge: what the estimates estimate, one run for each edge."""

from __future__ import annotations

import numpy as np

from circuitboard.circuits.methods.eap import EapOptions
from circuitboard.circuits.methods.job import Job, named, unflat
from circuitboard.circuits.methods.left_out import left_out
from circuitboard.engine.sweep import Watch
from circuitboard.models.model import Model
from circuitboard.spec.circuit import Circuit
from circuitboard.spec.task import Task


def edge_patching(model: Model, task: Task, *, options: EapOptions, watch: Watch) -> Circuit:
    """The change of the metric with each edge patched alone, MLPs and heads in between frozen.

    Path patching (Wang 2022; Goldowsky-Dill 2023, "Localizing Model Behavior with Path Patching")
    of direct paths, the mean over pairs: see :mod:`circuitboard.engine.edges`. Where neurons are
    nodes of their own, the same by runs with all edges live but one.
    """
    job = Job(model, task, "edge-patching", options, watch)
    contrast, edges = job.contrast(options.direction), named(job.space)
    if job.space.neurons:
        effects = left_out(job.space, contrast, [[edge] for edge in edges], watch).mean(1)
    else:
        effects = contrast.patched(edges, watch).astype(np.float64)
    return job.done(unflat(effects, job.space))
