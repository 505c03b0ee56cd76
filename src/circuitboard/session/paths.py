"""Paths into a part and out of it: by how much each edge, changed alone, moves the metric."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Literal

from circuitboard.engine.paths import Mlps
from circuitboard.engine.sweep import measure
from circuitboard.methods.path_edges import edges_from, edges_into
from circuitboard.session.contrast import Contrasts
from circuitboard.session.interventions import active
from circuitboard.session.probes import Case, Probe
from circuitboard.session.question import Outcome
from circuitboard.spec.errors import InterventionError, TargetError
from circuitboard.spec.intervention import AnyIntervention, InterventionSet, Patch, Source, Zero

if TYPE_CHECKING:
    from circuitboard.models.model import Model

How = Literal["patch", "zero"]

#: Edges measured before others may use the model, where a person waits for all of them.
TOGETHER = 64
#: Edges that do not wait for what is measured in the background already.
FEW = 32


class Paths(Contrasts):
    """What a board says of the edges of a part."""

    model: Model
    reference: tuple[str, ...] | None

    def paths_into(
        self, part: str, *, mlps: Mlps = "frozen", how: How | None = None
    ) -> dict[str, float]:
        """Who feeds a part: the change of the metric for each edge into it, changed alone.

        Args:
            part: a head (its q, k and v apart), an MLP, or ``"logits"``.
            mlps: as for :func:`circuitboard.path_patch`; without interventions the numbers are the
                same, too.
            how: ``"patch"`` takes the senders' values from the contrast prompt, ``"zero"`` takes
                them out; patch where there is a contrast prompt, unless given.

        Returns:
            Edge to change of the metric, on top of the interventions that are on, in its unit.

        Raises:
            AddressError: nothing leads into the part; TargetError: the board has no target;
            InterventionError: there is no contrast prompt, or one of another length.
        """
        return self._effects(edges_into(self.model, part, mlps), how)

    def paths_from(
        self, part: str, *, mlps: Mlps = "frozen", how: How | None = None
    ) -> dict[str, float]:
        """Whom a part feeds: as :meth:`paths_into`, for each edge out of it.

        ``part`` is a head, an MLP, a layer's attention, or ``"embed"``.
        """
        return self._effects(edges_from(self.model, part, mlps), how)

    def patch_problem(self) -> InterventionError | None:
        """Why edges cannot be patched from the contrast prompt, None where they can."""
        try:
            self.need_contrast()
        except InterventionError as error:
            return error
        one, other = self._encoded.lengths[0], len(self.contrast_tokens)
        if one == other:
            return None
        return InterventionError(
            f"The contrast prompt has {other} tokens and the prompt {one}.",
            "Patching along a path needs prompts of equal length, token by token.",
        )

    def on_edges(self, edges: Sequence[str], how: How) -> list[AnyIntervention]:
        """An intervention on each edge. Raises InterventionError where patching is impossible."""
        if how == "zero":
            return [Zero(edge) for edge in edges]
        problem = self.patch_problem()
        if problem is not None:
            raise problem
        origin = Source.of(self.need_contrast())
        return [Patch(edge, origin) for edge in edges]

    def _effects(self, edges: Sequence[str], how: How | None) -> dict[str, float]:
        outcome = self.wait()
        if outcome.metric is None:
            raise TargetError(
                "The board has no target to measure at.", 'Name one: board.target = " Mary".'
            )
        chosen: How = how or ("patch" if self._question.contrast else "zero")
        items = self.on_edges(edges, chosen)
        on = active(outcome.question.entries).refer(self.reference)
        sets = [InterventionSet((*on.items, item)) for item in items]
        found: list[float] = []
        for at in range(0, len(sets), TOGETHER):
            some = sets[at : at + TOGETHER]
            prompt = (outcome.question.prompt,)
            values, begun = measure(self.model, prompt, some, outcome.metric, start=on)
            found += (values - begun).mean(1).tolist()
        return dict(zip(edges, found, strict=True))

    @abstractmethod
    def wait(self) -> Outcome: ...


def path_probe(
    name: str,
    label: str,
    key: Hashable,
    on: InterventionSet,
    items: Sequence[AnyIntervention],
) -> Probe:
    """Each of some interventions alone, on top of what is on already.

    A newer probe of that name replaces an older one; ``label`` is for the screen, and ``key`` all
    that the interventions depend on.
    """
    end = "now" if len(on) else "baseline"
    sets = [InterventionSet((*on.items, item)) for item in items]
    return Probe(f"{name} {end}", f"{label} ({end})", key, [Case(on, sets)], len(items) <= FEW)
