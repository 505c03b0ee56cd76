"""Circuits at GPT-2's shape: what a run of one costs, as a ratio to a plain forward pass.

    python benchmarks/circuits.py            # writes benchmarks/CIRCUITS.md

One run measures, on the same machine and in turn, with random weights and pairs of 16 tokens: a
forward pass of the plain Hugging Face model on the clean prompts (no cache, no gradient, logits at
all positions), and runs of the model with some edges live, of the kinds below.

With ``--pairs 100``, the default, scoring all edges by EAP-IG is the size that papers report.
A further measurement is one more :class:`Work` in :func:`works`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import circuitboard as cb
from circuitboard.circuits.trials import Trials, space_of
from circuitboard.engine.masked import MaskedRuns
from meter import Timing, weighed
from sweeps import gpt2_config, in_turn, prompt, subject
from tables import commit

HERE = Path(__file__).resolve().parent
#: Pairs of a step of a learned mask.
FEW = 8
FRACTIONS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass
class Work:
    """One thing that is timed.

    Attributes:
        name: what the table calls it.
        run: does it.
        note: what else there is to say.
    """

    name: str
    run: Callable[[], Any]
    note: str = ""
    timing: Timing = field(default_factory=Timing)


def task_of(model: cb.Model, pairs: int, length: int) -> cb.Task:
    """Pairs of random words, with random answers."""
    made = [
        cb.Pair(
            prompt(model, length, 2 * n), prompt(model, length, 2 * n + 1), (30 + n,), (60 + n,)
        )
        for n in range(pairs)
    ]
    return cb.Task("random words", tuple(made))


def works(model: cb.Model, task: cb.Task) -> list[Work]:
    """Everything that is measured; the first is what the others are compared with."""
    tokens = torch.tensor([model.tokenize(text) for text in task.clean], device=model.device)
    plain = model.bridge.original_model
    scores = cb.discover(model, task, "eap")
    space = space_of(model, scores)
    trials = Trials(model, task, space)
    few = MaskedRuns.of(model, task.clean[:FEW], task.corrupt[:FEW])

    def forward() -> Any:
        with torch.no_grad():
            return plain(tokens, use_cache=False).logits

    def loss() -> None:
        mask = torch.ones(1, *few.graph.exists.shape, device=model.device, requires_grad=True)
        few.logits(mask, grad=True).sum().backward()

    cut = {share: scores.fraction(share) for share in FRACTIONS}
    live = {share: len(one.connected()) for share, one in cut.items()}
    masks = {share: one.mask() for share, one in cut.items()}
    found = [Work("plain forward pass", forward, f"{tokens.numel()} tokens")]
    for share in (0.01, 0.1, 0.5, 1.0):
        note = f"{len(cut[share])} edges by EAP, {live[share]} of them live"
        run = lambda share=share: trials.of([masks[share]])  # noqa: E731
        found.append(Work(f"one circuit, {share:.0%} of edges", run, note))
    found.append(
        Work("curve of ten sizes", lambda: trials.of(list(masks.values())), "0.1 % to all")
    )
    note = f"every edge on its own, {min(FEW, len(task.clean))} pairs (memory grows with them)"
    found.append(Work("loss of a soft mask, and its gradient", loss, note))
    for method, note in (("eap", "one gradient"), ("eap-ig", "five gradients")):
        run = lambda method=method: cb.discover(model, task, method)  # noqa: E731
        found.append(Work(f"all edges scored by {method}", run, note))
    return found


def check(model: cb.Model, task: cb.Task) -> None:
    """Raises AssertionError where all edges or none are not the model's own runs."""
    runs = MaskedRuns.of(model, task.clean, task.corrupt)
    shape = runs.graph.exists.shape
    masks = torch.stack([torch.ones(shape), torch.zeros(shape)]).to(model.device)
    for mine, prompts in zip(runs.logits(masks), (task.clean, task.corrupt), strict=True):
        tokens = torch.tensor([model.tokenize(text) for text in prompts], device=model.device)
        with torch.no_grad():
            own = model.bridge.original_model(tokens, use_cache=False).logits[:, -1]
        error, room = float((mine - own).abs().max()), 1e-4 * max(1.0, float(own.abs().max()))
        assert error <= room, f"runs of circuits differ by {error:.1e}"


def report(done: Sequence[Work], device: torch.device, pairs: int) -> str:
    """The table."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    lines = [
        "# Circuits: time and memory",
        "",
        f"Written by `python benchmarks/circuits.py` at {commit()}, float32, torch "
        f"{torch.__version__}, {name}, {torch.get_num_threads()} threads; {pairs} pairs of 16 "
        "tokens, GPT-2's shape, random weights.",
        "",
        "| work | ratio to a forward pass | seconds | memory on top | |",
        "|---|---|---|---|---|",
    ]
    base = np.array(done[0].timing.wall)
    for one in done:
        ratio = float(np.median(np.array(one.timing.wall) / base)) if len(base) else float("nan")
        lines.append(
            f"| {one.name} | {ratio:.2f} | {one.timing.seconds:.3f} | "
            f"{one.timing.bytes / 2**20:.0f} MB | {one.note} |"
        )
    return "\n".join(lines) + "\n"


def main(given: Sequence[str] | None = None) -> None:
    """Checks, measures, and writes the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="a tiny model, no timing, no files")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args(given)
    quick = options.quick
    small = {"layers": 2, "heads": 3, "width": 48, "vocabulary": 300} if quick else {}
    one = subject(gpt2_config(**small), options.device, with_nnsight=False)
    task = task_of(one.model, 2 if quick else options.pairs, 16)
    check(one.model, task)
    done = works(one.model, task)
    for work in done:
        weighed(work.timing, work.run, one.device)
    if quick:
        print("All edges, none, and the model's own runs agree.")
        return
    in_turn(one, options.repeats, [(work.timing, work.run, 1.0) for work in done])
    text = report(done, one.device, options.pairs)
    (options.out / "CIRCUITS.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
