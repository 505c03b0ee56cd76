"""Plans: many tasks, models, methods and seeds in one file, YAML or TOML.

::

    tasks: [ioi, mine.jsonl, known:induction]
    models: [names, {name: gpt2, dtype: bfloat16}]
    methods: [eap, {name: eap-ig-inputs, options: {steps: 10}}]
    seeds: [0, 1]
    held_out: 0.5

Every task meets every model, method and seed; a known circuit (``known:...``) brings its own
model, and needs none. Built-in tasks go by their names, files by paths relative to the plan.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from circuitboard.circuits.campaign import plan_lines
from circuitboard.circuits.campaign.cell import (
    KNOWN,
    Cell,
    Measured,
    Option,
    digest_of_file,
    digest_of_folder,
)
from circuitboard.spec.errors import CircuitboardError, CircuitError

ENDINGS = (".yaml", ".yml", ".toml")
TASK_FILES = (".json", ".jsonl", ".csv")


class PlanError(CircuitboardError):
    """A plan that cannot be read, or asks for what does not exist."""

    kind = "plan"


class PlannedModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model: a bundled name, a folder, or a hub name; and how it is loaded."""

    name: str
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str = ""


class PlannedMethod(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A discovery method and its options, as keywords of ``circuitboard.discover``."""

    name: str
    options: dict[str, Option] = {}


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look for.

    Attributes:
        tasks: built-in tasks, files of tasks, or known circuits.
        models, methods: what each task is tried with.
        seeds: of methods with chance in them, of the prompts of built-in tasks, and of the split.
        pairs: how many pairs of built-in tasks, and at most of others.
        held_out: share of the pairs that circuits are not found on; faithfulness is measured on
            these too.
        evaluation: how much is measured; see :data:`circuitboard.circuits.campaign.cell.Measured`.
    """

    tasks: Annotated[tuple[str, ...], Meta(min_length=1)]
    methods: Annotated[tuple[str | PlannedMethod, ...], Meta(min_length=1)]
    models: tuple[str | PlannedModel, ...] = ()
    seeds: Annotated[tuple[int, ...], Meta(min_length=1)] = (0,)
    pairs: Annotated[int, Meta(ge=1)] | None = None
    held_out: Annotated[float, Meta(gt=0, lt=1)] | None = None
    evaluation: Measured = "quick"

    def cells(self, home: Path = Path()) -> list[Cell]:
        """What there is to do, models together; each once.

        Raises:
            PlanError: a task is not there, or none of the models is for it.
        """
        found = {cell.key: cell for cell in self._cells(home)}
        return sorted(found.values(), key=lambda cell: (cell.model, cell.dtype))

    def _cells(self, home: Path) -> Iterator[Cell]:
        models = [PlannedModel(m) if isinstance(m, str) else m for m in self.models]
        methods = [PlannedMethod(m) if isinstance(m, str) else m for m in self.methods]
        for index, method in enumerate(methods):
            with _at(f"$.methods[{index}]"):
                _check_method(method)
        for index, task in enumerate(self.tasks):
            with _at(f"$.tasks[{index}]"):
                task_at, digest = _task(task, home)
                own = [PlannedModel(task)] if task.startswith(KNOWN) else models
                if not own:
                    raise PlanError(f"There is no model for {task}.", "Name some under models.")
            for model in own:
                model_at, stamp = _model(model.name, home)
                for method in methods:
                    for seed in self.seeds:
                        yield Cell(
                            task=Path(task).stem if digest else task,
                            model=Path(model.name).name if stamp else model.name,
                            method=method.name,
                            seed=seed,
                            options=dict(sorted(method.options.items())),
                            pairs=self.pairs,
                            held_out=self.held_out,
                            evaluation=self.evaluation,
                            dtype=model.dtype,
                            task_digest=digest,
                            model_digest=stamp,
                            task_at=task_at,
                            model_at=model_at,
                            device=model.device,
                        )


class _at:  # noqa: N801 (reads as a statement)
    """Notes on errors which field of the plan they are about."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, PlanError):
            error.add_note(self._path)


def _task(name: str, home: Path) -> tuple[str, str]:
    """Where a task is, and the digest of its file, if it is one. Raises PlanError."""
    if name.startswith(KNOWN):
        from circuitboard.circuits.known.known import known_circuits

        if name.removeprefix(KNOWN) not in known_circuits():
            known = ", ".join(known_circuits())
            raise PlanError(f"There is no known circuit {name!r}.", f"After {KNOWN}: {known}.")
        return name, ""
    path = (home / name).expanduser()
    if path.suffix not in TASK_FILES:
        from circuitboard.circuits.tasks import BUILT_IN

        if name in BUILT_IN:
            return name, ""
        raise PlanError(
            f"{name!r} is no task.",
            f"There are {', '.join(BUILT_IN)}; {KNOWN}induction and the like; and files ending "
            f"in {', '.join(TASK_FILES)}.",
        )
    if not path.is_file():
        raise PlanError(f"There is no file {path}.", "Paths are relative to the plan.")
    return str(path.resolve()), digest_of_file(path)


def _check_method(method: PlannedMethod) -> None:
    """Raises PlanError for a method that does not exist, or has no such options."""
    from circuitboard.circuits.discover import options_of

    given = {name: value for name, value in method.options.items() if name != "size"}
    try:
        options_of(method.name, given)
    except CircuitError as error:
        raise PlanError(error.message, error.hint) from None


def _model(name: str, home: Path) -> tuple[str, str]:
    """Where a model is, and the digest of its folder, if it is one of the user's."""
    path = (home / name).expanduser()
    if not name.startswith(KNOWN) and (path / "config.json").is_file():
        return str(path.resolve()), digest_of_folder(path)
    return name, ""


def read_plan(path: Path) -> list[Cell]:
    """The cells of a plan.

    Raises:
        PlanError: it cannot be read or makes no sense; with the file, the line and the field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(
            f"{path} cannot be read: {error}.", "Give a plan in YAML or TOML."
        ) from None
    data = _parse(text, path)
    try:
        return msgspec.convert(data, Plan).cells(path.parent)
    except msgspec.ValidationError as error:
        message, field = plan_lines.taken_apart(str(error))
        hint = "Fields are: " + ", ".join(Plan.__struct_fields__) + "."
    except PlanError as error:
        message, field, hint = error.message, "".join(error.__notes__), error.hint
    line = plan_lines.line_of(text, field, yaml=path.suffix != ".toml")
    where = f"{path}:{line}" if line else str(path)
    raise PlanError(f"{where}: {field.removeprefix('$.') or 'plan'}: {message}", hint)


def _parse(text: str, path: Path) -> Any:
    if path.suffix == ".toml":
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PlanError(f"{path} is not TOML: {error}.", "Mend that place.") from None
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise PlanError(f"{where}: not YAML: {problem}.", "Mend that line.") from None
