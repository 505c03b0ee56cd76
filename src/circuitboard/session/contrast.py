"""The contrast prompt of a board: the one whose values are put in by patching."""

from __future__ import annotations

from abc import ABC, abstractmethod

from circuitboard.session.question import Encoded, Question
from circuitboard.spec.errors import InterventionError


class Contrasts(ABC):
    """The second prompt of a board."""

    _question: Question
    _encoded: Encoded

    @property
    def contrast(self) -> str | None:
        """The contrast prompt, None where there is none; assign to change it (undo covers it).

        Assigning raises PromptError for a prompt that the model cannot run; nothing is changed.
        """
        return self._question.contrast or None

    @contrast.setter
    def contrast(self, text: str | None) -> None:
        self.ask(contrast=text or "")

    @property
    def contrast_tokens(self) -> list[int]:
        """Token ids of the contrast prompt; none where there is none."""
        return list(self._encoded.contrast)

    def need_contrast(self) -> str:
        """The contrast prompt. Raises InterventionError where there is none."""
        if not self._question.contrast:
            raise InterventionError(
                "The board has no contrast prompt to patch from.",
                'Give one below the prompt, or in Python: board.contrast = "...".',
            )
        return self._question.contrast

    @abstractmethod
    def ask(
        self,
        prompt: str | None = None,
        target: str | None = None,
        foil: str | None = None,
        contrast: str | None = None,
    ) -> None: ...
