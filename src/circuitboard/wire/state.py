"""The state of a board as its screens are told it, and errors as they show them."""

# torch's own types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from circuitboard.session.board import Board
from circuitboard.session.contrast import takes_from
from circuitboard.session.interventions import Entry
from circuitboard.spec.errors import CircuitboardError
from circuitboard.spec.intervention import Add, Patch, Scale, Set, Source
from circuitboard.wire import messages as m


def problem_of(error: Exception) -> m.Problem:
    """An error as the screen shows it."""
    if isinstance(error, CircuitboardError):
        return m.Problem(kind=error.kind, message=error.message, hint=error.hint)
    if isinstance(error, msgspec.ValidationError):
        return m.Problem(
            kind="message", message=f"The board sent something odd: {error}.", hint="Reload it."
        )
    return m.Problem(
        kind="internal",
        message=f"{type(error).__name__}: {error}",
        hint="This is a defect of Circuitboard or of a hook on the model; nothing was changed.",
    )


#: Letters of a prompt in a line of the list.
_SHORT = 40
#: How each kind of intervention is drawn on the part.
_LOOKS: dict[str, Literal["zero", "freeze", "patch", "scale", "add", "set"]] = {
    "zero": "zero",
    "mean": "zero",
    "resample": "zero",
    "freeze": "freeze",
    "scale": "scale",
    "patch": "patch",
    "add": "add",
    "set": "set",
}


def _entry(entry: Entry, contrast: str, names: Mapping[str, str]) -> m.Entry:
    item = entry.item
    texts = {
        "zero": f"ablate {item.at}",
        "mean": f"ablate {item.at} (mean)",
        "resample": f"ablate {item.at} (resample)",
        "freeze": f"freeze {item.at}",
        "patch": f"patch {item.at}",
    }
    text = texts.get(item.kind, "")
    elsewhere = isinstance(item, Patch) and not takes_from(item, contrast)
    if isinstance(item, Patch) and elsewhere:
        text += f" from {_from(item.source)}"
    if isinstance(item, Scale):
        text = f"scale {item.at} × {item.factor:g}"
    elif isinstance(item, Add):
        text = f"add {_summand(item, names)} to {item.at}"
    elif isinstance(item, Set):
        shown = "an array" if isinstance(item.value, str) else f"{item.value:g}"
        text = f"set {item.at} to {shown}"
    look = _LOOKS[item.kind]
    return m.Entry(id=entry.id, at=item.at, kind=look, text=text, on=entry.on, elsewhere=elsewhere)


def _from(source: Source) -> str:
    """Where values come from that are not the contrast prompt's, in a few words."""
    prompt = source.prompts[0]
    words = prompt if isinstance(prompt, str) else "token ids"
    short = words if len(words) <= _SHORT else f"{words[: _SHORT - 1]}…"
    return f"“{short}”" + (", changed" if source.interventions else "")


def _summand(item: Add, names: Mapping[str, str]) -> str:
    if not isinstance(item.value, str):
        return f"{item.coefficient * item.value:g}"
    what = repr(names[item.value]) if item.value in names else "a vector"
    return f"{item.coefficient:g} × {what}"


def model_info(board: Board) -> m.ModelInfo:
    """The facts that the screen draws by."""
    f = board.model.facts
    return m.ModelInfo(
        name=f.name,
        n_layers=f.n_layers,
        n_heads=f.n_heads,
        n_kv_heads=f.n_kv_heads,
        d_model=f.d_model,
        d_head=f.d_head,
        d_mlp=f.d_mlp,
        d_vocab=f.d_vocab,
        n_ctx=f.n_ctx,
        norm=f.norm,
        positional=f.positional,
        parallel=f.parallel,
        attn_only=f.attn_only,
        gated=f.gated,
        pos_embed=board.model.has_part("pos_embed"),
        self_check=board.model.self_check,
    )


def _contrast_value(board: Board) -> float | None:
    """The metric of the contrast prompt, if the outcome is about that prompt."""
    outcome = board.outcome
    if outcome is None or outcome.question.contrast != board.question.contrast:
        return None
    return outcome.contrast_value


def _index(position: int | None) -> int:
    return -1 if position is None else position


def state_of(board: Board, seq: int) -> m.State:
    """The whole state of a board, without arrays."""
    outcome, question = board.outcome, board.question
    ids = board.tokens
    names = {tensor: name for name, tensor in board.directions.items()}
    metric = m.Metric(
        name=board.metric_name,
        target=question.target,
        foil=question.foil,
        position=len(ids) - 1,
        baseline=outcome.baseline_value if outcome is not None else None,
        now=outcome.now_value if outcome is not None else None,
        contrast=_contrast_value(board),
    )
    tokens, theirs = (
        [m.Token(index=i, id=t, text=board.model.token_text(t)) for i, t in enumerate(row)]
        for row in (ids, board.contrast_tokens)
    )
    return m.State(
        seq=seq,
        revision=outcome.revision if outcome is not None else 0,
        model=model_info(board),
        prompt=question.prompt,
        tokens=tokens,
        metric=metric,
        entries=[_entry(entry, question.contrast, names) for entry in question.entries],
        own=[m.OwnPanel(id=view.id, title=view.title) for view in board.own],
        can_undo=board.can_undo,
        can_redo=board.can_redo,
        selection=board.selection,
        position=board.position,
        busy=board.busy,
        plan=outcome.plan if outcome is not None else "",
        problem=None if board.problem is None else problem_of(board.problem),
        directions=list(board.directions),
        contrast=question.contrast,
        contrast_tokens=theirs,
        alignment=[
            m.Aligned(mine=_index(p.mine), theirs=_index(p.theirs), same=p.same, at=p.at)
            for p in board.alignment
        ],
        circuit=board.opened is not None,
    )
