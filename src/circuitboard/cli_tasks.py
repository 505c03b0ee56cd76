"""What ``circuitboard train`` and ``circuitboard check`` do."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

TOLERANCE = 1e-3


def train(recipe: str, out: Path, steps: int | None, seed: int, console: Console) -> None:
    """Runs a recipe with a progress bar, then shows the scores of what it made."""
    module = import_module(f"circuitboard.recipes.{recipe}.train")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"Training {recipe}", total=None, note="")

        def show(progress: Any) -> None:
            note = f"loss {progress.loss:.3f}"
            bar.update(task, completed=progress.step, total=progress.steps, note=note)

        given = {} if steps is None else {"steps": steps}
        scores = module.train(out, seed=seed, resume=True, progress=show, **given)
    console.print(score_table(scores))
    console.print(f"The model is in {out}. Open it with: circuitboard {out}")


def score_table(scores: dict[str, Any]) -> Table:
    """One row for each score; ``scores`` maps a name to a number, or to numbers by name."""
    table = Table("task", "score", "value", box=None, pad_edge=False)
    for task, value in scores.items():
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for name, number in rows:
            shown = f"{number:.4g}" if isinstance(number, int | float) else str(number)
            table.add_row(task, str(name), shown)
    return table


def check(name: str, console: Console) -> bool:
    """Compares a model with its untouched original; a bundled one is scored by its recipe too.

    Returns:
        Whether it is near enough, and meets every bound of its recipe.
    """
    import circuitboard as cb

    with console.status(f"Loading {name} …"):
        model = cb.load(name)
    facts = model.facts
    console.print(
        f"[bold]{facts.name}[/]: {facts.n_layers} layers, {facts.n_heads} heads, "
        f"width {facts.d_model}, {facts.d_vocab} tokens"
    )
    good = model.self_check <= TOLERANCE
    verdict = "equals" if good else "DIFFERS from"
    console.print(
        f"self-check: {verdict} the untouched original "
        f"(largest logit difference {model.self_check:.1e})"
    )
    if model.folder is None or Path(model.folder).parent.name != "bundled":
        return good
    recipe = import_module(f"circuitboard.recipes.{name}.check")
    with console.status("Scoring …"):
        scores = recipe.check(Path(model.folder))
    console.print(score_table(scores["tasks"]))
    for failure in scores["failures"]:
        console.print(f"[red]{failure}[/]")
    return good and not scores["failures"]
