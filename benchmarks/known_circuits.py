"""Every discovery method on every known circuit: what it recovers, and how long it takes.

    python benchmarks/known_circuits.py [--method eap ...] [--known gates ...] [--out FILE]

Writes docs/circuits/known.md unless told otherwise. Stopped, it goes on where it was when
--results names a folder.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress

from circuitboard.circuits.campaign.cell import KNOWN, Cell, Option, Result
from circuitboard.circuits.campaign.plan import Plan, PlannedMethod
from circuitboard.circuits.campaign.run import run_campaign
from circuitboard.circuits.campaign.runners import here, on_processes
from circuitboard.circuits.campaign.store import Store
from circuitboard.circuits.discover import METHODS
from circuitboard.circuits.known.known import KnownCircuit, known_circuit, known_circuits
from circuitboard.circuits.recovery import every_edge
from circuitboard.models.bundled import bundled_folder
from circuitboard.models.model import Facts
from tables import commit

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "circuits" / "known.md"
INTRODUCTION = """\
# Methods against known circuits

Written by `python benchmarks/known_circuits.py` at {commit},
float32, torch {torch}, {threads} threads, {pairs} pairs of prompts for each circuit.

Most models below have weights set by hand so that their circuits are exact: edges outside can all
be patched at once, in any combination, and the metric stays (`tests/circuits/test_known.py` proves
it edge by edge). Around the circuit there are distractors, heads and MLPs that are as loud, differ
between clean and corrupted prompts, and are read by nothing that matters. The trained ones were
taught to have their circuits; [how strictly they do](#how-strict-the-trained-ones-are) is below.

AUROC is over all edges (and all heads, MLPs and neurons), by the size of the method's score: 1 says
that everything of the circuit comes before everything else, 1/2 that scores tell nothing. A part's
score is the largest of its outgoing edges. Seconds are of this run, and no more than a hint: they
were not measured alone.
"""
#: Names of all methods, those that are another's second name left out.
NAMES = list({method.find: name for name, method in reversed(METHODS.items())}.values())[::-1]
#: Why methods differ here, by circuit.
HARD = """\
What is hard about some: in `gates` two branches stand in for each other, so that taking one out
changes nothing; in `gates` and `majority` the gradient at the clean prompts is zero; in `majority`
a head writes to what the MLP reads and is never heard; in `backup` a head acts only when another
was taken out; in `recall` attention is saturated at the clean prompts and at the corrupted ones, so
that gradients there hardly show its queries and keys. `neurons` is a circuit of single neurons:
methods are run with `neurons={count}`, so that as many of every MLP are nodes of their own, and
those of its first MLP count as parts.
"""
#: Why the truth about trained models is one, and how far.
STRICT = """\
## How strict the trained ones are

{names} are transformers with norms and MLPs, trained by interchange interventions on edges
(`circuitboard train NAME`; `circuitboard.recipes.strict`): whatever edges carry the values of
another prompt, the model has to answer as its program does with the program's own edges exchanged.
So their circuits were written down before the training. Below, from each model's card: how often it
answers as the program as it is; with any edges exchanged at random; with one part of the circuit
exchanged, or one edge, the worst, where this changes the answer; with all edges outside exchanged.
Then by how much the right logit moves, where exchanging everything counts 1: all edges outside, the
largest of one, and the smallest of one inside. What is outside still whispers, so methods that
measure well may give it small scores; the truth says that these are below the circuit's.
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    options.add_argument("--method", nargs="*", default=NAMES, choices=list(METHODS))
    options.add_argument("--known", nargs="*", default=known_circuits(), choices=known_circuits())
    options.add_argument("--out", type=Path, default=PAGE)
    options.add_argument("--results", type=Path, help="a folder that keeps results")
    options.add_argument("--jobs", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        results = measured(given.known, given.method, given.results or Path(scratch), given.jobs)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(page(given.known, given.method, results), encoding="utf-8")
    print(f"Written: {given.out}")


def measured(
    names: Sequence[str], methods: Sequence[str], folder: Path, jobs: int
) -> dict[tuple[str, str], Result]:
    """Results by circuit and method."""
    cells = [cell for name in names for cell in cells_of(name, methods)]
    runner = on_processes(jobs) if jobs > 1 else here
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("Discovering", total=len(cells))
        run_campaign(
            cells,
            folder,
            retry=True,
            runner=runner,
            watch=lambda now: bar.update(task, completed=now.done + now.failed),
        )
    found = [Store(folder).get(cell.key) for cell in cells]
    return {(r.cell.task.removeprefix(KNOWN), r.cell.method): r for r in found if r is not None}


def cells_of(name: str, methods: Sequence[str]) -> list[Cell]:
    """Every method on one circuit: with as many neurons apart as it has any to tell apart."""
    count = len(known_circuit(name).neurons)
    options: dict[str, Option] = {"neurons": count} if count else {}
    planned = tuple(PlannedMethod(method, options) for method in methods)
    return Plan((KNOWN + name,), planned, evaluation="none").cells()


def page(
    names: Sequence[str], methods: Sequence[str], results: dict[tuple[str, str], Result]
) -> str:
    """The Markdown."""
    circuits = [known_circuit(name) for name in names]
    text = INTRODUCTION.format(
        commit=commit(),
        torch=torch.__version__,
        threads=torch.get_num_threads(),
        pairs=len(circuits[0].task),
    )
    parts = [text, table(["circuit", "what it does", "layers", "edges", "parts"], _about(circuits))]
    parts.append(HARD.format(count=len(known_circuit("neurons").neurons)))
    parts += _strict([n for n in names if n in known_circuits(trained=True)])
    for title, what in (("AUROC of edges", "edges"), ("AUROC of heads, MLPs and neurons", "nodes")):
        rows = [[n, *(_score(results[n, m], what) for m in methods)] for n in names]
        means = [_mean([results[n, m] for n in names], what) for m in methods]
        parts += [f"## {title}\n", table(["circuit", *methods], [*rows, ["mean", *means]])]
    rows = [[n, *(f"{results[n, m].seconds:.1f}" for m in methods)] for n in names]
    parts += ["## Seconds\n", table(["circuit", *methods], rows)]
    failed = [r for r in results.values() if r.state == "failed"]
    if failed:
        parts.append("## Failures\n")
        parts.append("\n".join(f"- {r.cell.label}: {r.error}" for r in failed) + "\n")
    return "\n".join(parts)


def _about(circuits: Sequence[KnownCircuit]) -> list[list[str]]:
    rows = []
    for known in circuits:
        facts, model = known.model.facts, known.model
        parts = len(model.heads) + len(model.mlps) + len(known.neurons)
        edges = f"{len(known.edges)} of {len(every_edge(model, known.neurons))}"
        traits = [*(["attention alone"] if facts.attn_only else []), *_traits(facts)]
        kind = ", ".join([str(facts.n_layers), *traits])
        rows.append([known.name, known.about, kind, edges, f"{len(known.nodes)} of {parts}"])
    return rows


def _traits(facts: Facts) -> list[str]:
    """What of an architecture the models with hand-set weights have not."""
    norm = {"LN": ["LayerNorm"], "RMS": ["RMSNorm"], "none": []}[facts.norm]
    rotary = ["rotary"] if facts.positional == "rotary" else []
    return [*norm, *(["gated"] if facts.gated else []), *rotary]


def _strict(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    rows = []
    for name in names:
        told = json.loads((bundled_folder(name) / "metrics.json").read_text(encoding="utf-8"))
        found = told["tasks"]
        worst = (min(found[kind].values()) for kind in ("interchange", "edge"))
        strict = found["strict"]["all edges outside"]
        values = [*found["task"].values(), *worst, strict, *found["outside"].values()]
        rows.append([name, *(f"{value:.3f}" for value in values)])
    head = "circuit", "as it is", "any edges", "part", "edge", "all outside", "moved by all outside"
    head = *head, "by one outside", "by one inside"
    return [STRICT.format(names=", ".join(f"`{name}`" for name in names)), table(head, rows)]


def _score(result: Result, what: str) -> str:
    return "failed" if result.state == "failed" else f"{result.auroc[what]:.3f}"


def _mean(results: Sequence[Result], what: str) -> str:
    found = [r.auroc[what] for r in results if r.state == "done"]
    return f"{sum(found) / len(found):.3f}" if found else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    main()
