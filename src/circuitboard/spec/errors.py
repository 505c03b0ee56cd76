"""What can go wrong, each as a sentence and a hint that says what to do next."""

from __future__ import annotations


class CircuitboardError(Exception):
    """Base of all errors that a person can mend.

    Args:
        message: One sentence that says what is wrong.
        hint: One sentence that says what to do next.
    """

    kind = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class AddressError(CircuitboardError):
    """An address that cannot be read, or that the model does not have."""

    kind = "address"


class PromptError(CircuitboardError):
    """A prompt that the model cannot take."""

    kind = "prompt"


class TargetError(CircuitboardError):
    """A target or foil that is not one token."""

    kind = "target"


class ModelError(CircuitboardError):
    """A model that cannot be loaded, or whose weights are unusable."""

    kind = "model"


class InterventionError(CircuitboardError):
    """An intervention that makes no sense where it is asked for."""

    kind = "intervention"


class TaskError(CircuitboardError):
    """A task, or a pair of its prompts, that cannot be used as it is."""

    kind = "task"


class CircuitError(CircuitboardError):
    """A circuit that cannot be found, cut or combined as asked."""

    kind = "circuit"


class StaleResultError(CircuitboardError):
    """A result asked for values after the model's weights or hooks had changed."""

    kind = "stale"


class CancelledError(CircuitboardError):
    """Work that was stopped before its end."""

    kind = "cancelled"
