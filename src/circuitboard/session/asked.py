"""What a board asks about: the prompt and the tokens that the metric compares."""

from __future__ import annotations

from abc import ABC, abstractmethod

from circuitboard.session.question import Question


class Asked(ABC):
    """Prompt, target and foil, to read and to assign; undo covers them."""

    _question: Question

    @abstractmethod
    def ask(
        self,
        prompt: str | None = None,
        target: str | None = None,
        foil: str | None = None,
        contrast: str | None = None,
    ) -> None:
        """Sets the prompts and the tokens compared; what is None stays."""

    @property
    def prompt(self) -> str:
        """The prompt; assign to change it."""
        return self._question.prompt

    @prompt.setter
    def prompt(self, text: str) -> None:
        self.ask(prompt=text)

    @property
    def target(self) -> str:
        """The target token; assign to change it."""
        return self._question.target

    @target.setter
    def target(self, text: str) -> None:
        self.ask(target=text)

    @property
    def foil(self) -> str:
        """The foil token; assign to change it."""
        return self._question.foil

    @foil.setter
    def foil(self, text: str) -> None:
        self.ask(foil=text)
