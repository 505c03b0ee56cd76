"""Circuitboard: an interactive workbench for decoding transformers, live in your notebook.

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Address": "circuitboard.spec.address",
    "Zero": "circuitboard.spec.intervention",
    "Freeze": "circuitboard.spec.intervention",
    "Add": "circuitboard.spec.intervention",
    "Mean": "circuitboard.spec.intervention",
    "Patch": "circuitboard.spec.intervention",
    "Resample": "circuitboard.spec.intervention",
    "Source": "circuitboard.spec.intervention",
    "Scale": "circuitboard.spec.intervention",
    "Set": "circuitboard.spec.intervention",
    "InterventionSet": "circuitboard.spec.intervention",
    "CircuitboardError": "circuitboard.spec.errors",
    "Model": "circuitboard.models.model",
    "load": "circuitboard.models.load",
    "RunResult": "circuitboard.engine.result",
    "run": "circuitboard.engine.run",
    "run_masked": "circuitboard.engine.masked",
    "MaskedRuns": "circuitboard.engine.masked",
    "sweep": "circuitboard.engine.sweep",
    "patch_grid": "circuitboard.engine.sweep",
    "path_patch": "circuitboard.engine.paths",
    "attribute": "circuitboard.methods.attribute",
    "attribution_patching": "circuitboard.methods.attribution_patching",
    "edge_attribution": "circuitboard.methods.edge_attribution",
    "gradient_of_pattern": "circuitboard.methods.pattern_gradient",
    "pattern_attribution": "circuitboard.methods.pattern_gradient",
    "gradient_times_activation": "circuitboard.methods.attribution_patching",
    "integrated_gradients": "circuitboard.methods.integrated_gradients",
    "head_scores": "circuitboard.methods.head_scores",
    "composition_scores": "circuitboard.methods.composition",
    "ov_circuit": "circuitboard.methods.token_circuits",
    "qk_circuit": "circuitboard.methods.token_circuits",
    "svd": "circuitboard.methods.singular",
    "virtual_weights": "circuitboard.methods.virtual",
    "copying_scores": "circuitboard.methods.copying",
    "ov_eigenvalues": "circuitboard.methods.circuit_eigenvalues",
    "Watch": "circuitboard.engine.sweep",
    "decompose": "circuitboard.methods.decomposition",
    "logit_lens": "circuitboard.methods.logit_lens",
    "waterfall": "circuitboard.methods.waterfall",
    "neuron_attribution": "circuitboard.methods.neurons",
    "neuron_words": "circuitboard.methods.neurons",
    "scale_effects": "circuitboard.methods.norms",
    "token_saliency": "circuitboard.methods.saliency",
    "head_attribution": "circuitboard.methods.head_output",
    "head_evidence": "circuitboard.methods.head_evidence",
    "known_circuit": "circuitboard.circuits.known.known",
    "known_circuits": "circuitboard.circuits.known.known",
    "head_output": "circuitboard.methods.head_output",
    "contrast_direction": "circuitboard.methods.steering",
    "output_direction": "circuitboard.methods.steering",
    "steering_sweep": "circuitboard.methods.steering",
    "token_direction": "circuitboard.methods.steering",
    "write_direction": "circuitboard.methods.steering",
    "Explanation": "circuitboard.circuits.explain.findings",
    "attention_to": "circuitboard.circuits.explain.attention",
    "circuit_metric": "circuitboard.circuits.running",
    "explain": "circuitboard.circuits.explain",
    "metric_values": "circuitboard.circuits.explain.effects",
    "patched_parts": "circuitboard.circuits.running",
    "without_part": "circuitboard.circuits.running",
    "writing_on": "circuitboard.circuits.explain",
    "Board": "circuitboard.widget",
    "Circuit": "circuitboard.spec.circuit",
    "Comparison": "circuitboard.spec.comparison",
    "Pair": "circuitboard.spec.task",
    "Task": "circuitboard.spec.task",
    "audit": "circuitboard.circuits.audit",
    "discover": "circuitboard.circuits.discover",
    "Evaluation": "circuitboard.circuits.evaluation",
    "circuit_of_nodes": "circuitboard.circuits.node_sets",
    "evaluate": "circuitboard.circuits.evaluate",
    "stability": "circuitboard.circuits.evaluate",
}

__all__ = [
    "Add",
    "Address",
    "Board",
    "Circuit",
    "CircuitboardError",
    "Comparison",
    "Evaluation",
    "Explanation",
    "Freeze",
    "InterventionSet",
    "MaskedRuns",
    "Mean",
    "Model",
    "Pair",
    "Patch",
    "Resample",
    "RunResult",
    "Scale",
    "Set",
    "Source",
    "Task",
    "Watch",
    "Zero",
    "__version__",
    "attention_to",
    "attribute",
    "attribution_patching",
    "audit",
    "circuit_metric",
    "circuit_of_nodes",
    "composition_scores",
    "contrast_direction",
    "copying_scores",
    "decompose",
    "discover",
    "edge_attribution",
    "evaluate",
    "explain",
    "gradient_of_pattern",
    "gradient_times_activation",
    "head_attribution",
    "head_evidence",
    "head_output",
    "head_scores",
    "integrated_gradients",
    "known_circuit",
    "known_circuits",
    "load",
    "logit_lens",
    "metric_values",
    "neuron_attribution",
    "neuron_words",
    "output_direction",
    "ov_circuit",
    "ov_eigenvalues",
    "patch_grid",
    "patched_parts",
    "path_patch",
    "pattern_attribution",
    "qk_circuit",
    "register_reference",
    "register_tensor",
    "run",
    "run_masked",
    "scale_effects",
    "stability",
    "steering_sweep",
    "svd",
    "sweep",
    "tasks",
    "token_direction",
    "token_saliency",
    "virtual_weights",
    "waterfall",
    "without_part",
    "write_direction",
    "writing_on",
]


def __getattr__(name: str) -> Any:
    if name == "register_tensor":
        return import_module("circuitboard.spec.tensors").register
    if name == "register_reference":
        return import_module("circuitboard.spec.references").register
    if name == "tasks":
        return import_module("circuitboard.circuits.tasks")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'circuitboard' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:
    from circuitboard.circuits import tasks
    from circuitboard.circuits.audit import audit
    from circuitboard.circuits.discover import discover
    from circuitboard.circuits.evaluate import evaluate, stability
    from circuitboard.circuits.evaluation import Evaluation
    from circuitboard.circuits.explain import explain, writing_on
    from circuitboard.circuits.explain.attention import attention_to
    from circuitboard.circuits.explain.effects import metric_values
    from circuitboard.circuits.explain.findings import Explanation
    from circuitboard.circuits.known.known import known_circuit, known_circuits
    from circuitboard.circuits.node_sets import circuit_of_nodes
    from circuitboard.circuits.running import circuit_metric, patched_parts, without_part
    from circuitboard.engine.masked import MaskedRuns, run_masked
    from circuitboard.engine.paths import path_patch
    from circuitboard.engine.result import RunResult
    from circuitboard.engine.run import run
    from circuitboard.engine.sweep import Watch, patch_grid, sweep
    from circuitboard.methods.attribute import attribute
    from circuitboard.methods.attribution_patching import (
        attribution_patching,
        gradient_times_activation,
    )
    from circuitboard.methods.circuit_eigenvalues import ov_eigenvalues
    from circuitboard.methods.composition import composition_scores
    from circuitboard.methods.copying import copying_scores
    from circuitboard.methods.decomposition import decompose
    from circuitboard.methods.edge_attribution import edge_attribution
    from circuitboard.methods.head_evidence import head_evidence
    from circuitboard.methods.head_output import head_attribution, head_output
    from circuitboard.methods.head_scores import head_scores
    from circuitboard.methods.integrated_gradients import integrated_gradients
    from circuitboard.methods.logit_lens import logit_lens
    from circuitboard.methods.neurons import neuron_attribution, neuron_words
    from circuitboard.methods.norms import scale_effects
    from circuitboard.methods.pattern_gradient import gradient_of_pattern, pattern_attribution
    from circuitboard.methods.saliency import token_saliency
    from circuitboard.methods.singular import svd
    from circuitboard.methods.steering import (
        contrast_direction,
        output_direction,
        steering_sweep,
        token_direction,
        write_direction,
    )
    from circuitboard.methods.token_circuits import ov_circuit, qk_circuit
    from circuitboard.methods.virtual import virtual_weights
    from circuitboard.methods.waterfall import waterfall
    from circuitboard.models.load import load
    from circuitboard.models.model import Model
    from circuitboard.session.board import Board
    from circuitboard.spec.address import Address
    from circuitboard.spec.circuit import Circuit
    from circuitboard.spec.comparison import Comparison
    from circuitboard.spec.errors import CircuitboardError
    from circuitboard.spec.intervention import (
        Add,
        Freeze,
        InterventionSet,
        Mean,
        Patch,
        Resample,
        Scale,
        Set,
        Source,
        Zero,
    )
    from circuitboard.spec.references import register as register_reference
    from circuitboard.spec.task import Pair, Task
    from circuitboard.spec.tensors import register as register_tensor
