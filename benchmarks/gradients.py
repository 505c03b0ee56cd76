"""Scores of all edges by gradients: EAP and EAP-IG, against the published code and plain autograd.

    python benchmarks/gradients.py                       # writes benchmarks/GRADIENTS.md
    python benchmarks/gradients.py --peer CHECKOUT --peer-packages FOLDER
    python benchmarks/gradients.py --quick               # tiny, nothing timed, nothing written

One run, in turn, at GPT-2 small's shape with random weights: time, peak memory, and whether all
scores agree. The peers:

- ``naive``: plain autograd in this process. One forward and one backward pass of the model, then
  one vector-Jacobian product for each receiver, one after the other.
- ``published``: github.com/hannamw/EAP-IG, in a process of its own. It needs TransformerLens 3,
  which has ``HookedTransformer``, out of the way of the TransformerLens that Circuitboard uses:

      git clone https://github.com/hannamw/EAP-IG CHECKOUT
      pip install --target FOLDER --no-deps transformer_lens==3.9.0 better-abc fancy_einsum \\
          beartype jaxtyping einops rich

``EAP-IG, inputs`` takes the points k = 1..m as the paper does; the published code takes 0..m-1. Its
scores are compared after the exact correction for that: the first point's gradient, which is that
of the corrupted prompt, in place of the last one's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import circuitboard as cb
from circuitboard.methods.edge_attribution import EdgeAttribution
from circuitboard.models.tiny import new_gpt2, number_tokenizer, save_model
from meter import Timing, once, weighed

HERE = Path(__file__).resolve().parent
CPU = torch.device("cpu")
#: Our method, the published code's, and what it is called.
METHODS = (
    ("eap", "EAP", "EAP"),
    ("eap-ig-inputs", "EAP-IG-inputs", "EAP-IG, inputs"),
)
#: Compared with the published code alone, and not timed: it takes m passes for every layer's parts.
LONG = ("eap-ig-activations", "EAP-IG-activations", "EAP-IG, activations")
#: Largest difference of two scores that are the same, as a share of the largest score.
SAME = 2e-4


@dataclass(frozen=True)
class Case:
    """What is scored: a model, pairs of prompts as token ids, and the tokens compared."""

    model: cb.Model
    folder: Path
    clean: list[list[int]]
    corrupt: list[list[int]]
    pair: tuple[int, int]
    steps: int

    def ours(self, method: str) -> EdgeAttribution:
        """By Circuitboard."""
        target, foil = (f"t{token}" for token in self.pair)
        return cb.edge_attribution(
            self.model, self.clean, self.corrupt, target=target, foil=foil,
            method=method, steps=self.steps,  # pyright: ignore[reportArgumentType]
        )  # fmt: skip


@dataclass
class Row:
    """One method: what each way took, and how far its scores are from ours."""

    name: str
    ours: Timing = field(default_factory=Timing)
    naive: Timing = field(default_factory=Timing)
    published: Timing = field(default_factory=Timing)
    off: dict[str, float] = field(default_factory=dict)


def make(folder: Path, options: argparse.Namespace) -> Case:
    """A random model in memory and on disk, and random prompts that differ in a few tokens."""
    quick = options.quick
    vocabulary = 97 if quick else 50257
    shape = (
        {"d_model": 32, "n_layers": 3, "n_heads": 4}
        if quick
        else {"d_model": 768, "n_layers": 12, "n_heads": 12}
    )
    plain = new_gpt2(vocabulary, n_ctx=64, seed=0, **shape)
    if quick:  # weights large enough that every part matters
        with torch.no_grad():
            for weight in plain.parameters():
                weight.mul_(4.0 if weight.ndim > 1 else 1.0)
    save_model(plain, folder)
    torch.manual_seed(1)
    tokens = 7 if quick else options.tokens
    clean = torch.randint(1, vocabulary, (options.pairs, tokens))
    corrupt = clean.clone()
    corrupt[:, 1::4] = torch.randint(1, vocabulary, corrupt[:, 1::4].shape)
    model = cb.load(plain, number_tokenizer(vocabulary))
    return Case(model, folder, clean.tolist(), corrupt.tolist(), (7, 11), options.steps)


# --- plain autograd -------------------------------------------------------------------------------


class Naive:
    """EAP with TransformerLens hooks and one vector-Jacobian product for each receiver."""

    def __init__(self, case: Case) -> None:
        self._case, self._bridge = case, case.model.bridge
        self._layers = range(case.model.facts.n_layers)
        self._clean, self._corrupt = torch.tensor(case.clean), torch.tensor(case.corrupt)

    def __call__(self, method: str) -> np.ndarray:
        mine, theirs = self._written(self._clean), self._written(self._corrupt)
        moved, entering = theirs - mine, (mine[0], theirs[0])
        steps = self._case.steps if method == "eap-ig-inputs" else 1
        total = torch.zeros(len(moved), 0)
        for k in range(1, steps + 1):
            found = self._slopes(entering[1] + k / steps * (entering[0] - entering[1]))
            scores = torch.einsum("ubpd,vbpd->uv", moved, found)
            total = scores if k == 1 else total + scores
        return (total / (steps * len(self._clean))).numpy()

    def _written(self, tokens: Tensor) -> Tensor:
        """What each sender writes, [u, b, p, d]."""
        with torch.no_grad():
            cache = self._bridge.run_with_cache(tokens)[1]
            out = [cache["blocks.0.hook_resid_pre"][None]]
            for layer in self._layers:
                z = cache[f"blocks.{layer}.attn.hook_z"]
                weights = self._case.model.output_weights(layer).detach()
                out.append(torch.einsum("bphe,hed->hbpd", z, weights))
                out.append(cache[f"blocks.{layer}.hook_mlp_out"][None])
        return torch.cat(out)

    def _slopes(self, entering: Tensor) -> Tensor:
        """Gradients at each receiver's input, [v, b, p, d]."""
        kept: dict[str, Tensor] = {}

        def keep(name: str) -> tuple[str, Callable[..., Tensor]]:
            def hook(tensor: Tensor, hook: Any) -> Tensor:
                kept[name] = tensor * 1
                return kept[name].clone()

            return name, hook

        start = entering.clone().requires_grad_()
        hooks = [("blocks.0.hook_resid_pre", lambda tensor, hook: start * 1)]
        inside = ("hook_resid_pre", *(f"attn.hook_{x}" for x in "qkv"), "hook_attn_out")
        for layer in self._layers:
            hooks += [keep(f"blocks.{layer}.{name}") for name in (*inside, "hook_mlp_out")]
        last = f"blocks.{self._layers[-1]}.hook_resid_post"
        logits = self._bridge.run_with_hooks(self._clean, fwd_hooks=[*hooks, keep(last)])
        end = logits[:, -1]
        metric = (end[:, self._case.pair[0]] - end[:, self._case.pair[1]]).sum()
        names = list(kept)
        slopes = torch.autograd.grad(metric, [kept[name] for name in names], retain_graph=True)
        slope = dict(zip(names, slopes, strict=True))
        out: list[Tensor] = []
        for layer in self._layers:
            stream, block = kept[f"blocks.{layer}.hook_resid_pre"], f"blocks.{layer}"
            for x in "qkv":
                point = f"{block}.attn.hook_{x}"
                for head in range(self._case.model.facts.n_heads):
                    one = torch.zeros_like(slope[point])
                    one[:, :, head] = slope[point][:, :, head]
                    out += torch.autograd.grad(kept[point], stream, one, retain_graph=True)
            mlp, into = f"{block}.hook_mlp_out", kept[f"{block}.hook_attn_out"]
            out += torch.autograd.grad(kept[mlp], into, slope[mlp], retain_graph=True)
        return torch.stack([*out, slope[last]])


# --- the published code ---------------------------------------------------------------------------


class Published:
    """The published code, at work in a process of its own."""

    def __init__(self, case: Case, options: argparse.Namespace) -> None:
        self._case, self._out = case, case.folder
        path = os.pathsep.join([str(options.peer_packages.resolve()), str(HERE)])
        command = [
            sys.executable, str(HERE / "eap_ig_peer.py"), str(options.peer.resolve()),
            str(case.folder), str(case.folder),
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(torch.get_num_threads())},
        )  # fmt: skip
        self._answer()

    def _answer(self) -> str:
        out = self._process.stdout
        line = out.readline() if out else ""
        while line and not (line.startswith("{") or line == "ready\n"):
            line = out.readline() if out else ""
        if not line:
            raise SystemExit("The published code did not answer: see its message above.")
        return line

    def __call__(self, method: str, timing: Timing, *, first: bool) -> None:
        """One repeat; the first one keeps its scores and is weighed."""
        case = self._case
        asked = {
            "name": method, "method": method, "clean": case.clean, "corrupt": case.corrupt,
            "pair": case.pair, "steps": case.steps, "first": first,
        }  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._answer())
        timing.wall, timing.cpu, timing.bytes = found["wall"], found["cpu"], found["bytes"]

    def scores(self) -> np.ndarray:
        """Of the last first repeat, [sender, receiver]."""
        return np.load(self._out / "scores.npy")

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate(timeout=60)


# --- measuring ------------------------------------------------------------------------------------


def measure(case: Case, published: Published | None, repeats: int) -> list[Row]:
    """All ways in turn: first once, compared and weighed; then timed."""
    naive = Naive(case)
    rows: list[Row] = []
    ends = case.ours("eap").matrix, case.ours("clean-corrupted").matrix
    for ours, theirs, name in METHODS:
        row = Row(name)
        matrix = weighed(row.ours, lambda way=ours: case.ours(way), CPU).matrix
        plain = weighed(row.naive, lambda way=ours: naive(way), CPU)
        row.off["naive"] = apart(matrix, plain)
        if published is not None:
            published(theirs, row.published, first=True)
            wanted = matrix if ours == "eap" else matrix + 2 * (ends[1] - ends[0]) / case.steps
            row.off["published"] = apart(wanted, published.scores())
        for _ in range(repeats):
            once(row.ours, lambda way=ours: case.ours(way), CPU)
            if published is not None:
                published(theirs, row.published, first=False)
            once(row.naive, lambda way=ours: naive(way), CPU)
        rows.append(row)
    if published is not None and not repeats:
        row = Row(LONG[2])
        published(LONG[1], row.published, first=True)
        row.off["published"] = apart(case.ours(LONG[0]).matrix, published.scores())
        rows.append(row)
    return rows


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference over all edges, as a share of the largest score."""
    there = ~np.isnan(ours)
    return float(np.abs(ours - theirs)[there].max() / np.abs(ours[there]).max())


def report(case: Case, rows: Sequence[Row], options: argparse.Namespace) -> str:
    """The Markdown page."""
    f = case.model.facts
    edges = len(case.ours("eap").edges)
    peer = _git(options.peer, "rev-parse", "--short", "HEAD") if options.peer else ""
    lines = [
        "# Scores of all edges by gradients",
        "",
        f"Written by `python benchmarks/gradients.py` at {_commit()}, on the CPU with",
        f"{torch.get_num_threads()} threads, float32, torch {torch.__version__}. GPT-2 small's "
        f"shape ({f.n_layers} layers of {f.n_heads} heads,",
        f"{f.d_model} wide, random weights), {len(case.clean)} pairs of {options.tokens} tokens, "
        f"{case.steps} steps: {edges:,} edges. All ways in turn in one run",
        f"of {options.repeats} repeats, medians, on a machine that others used at the same time: "
        "read the ratios, and those in",
        "brackets, by processor time, before the seconds.",
        "",
        "- published: github.com/hannamw/EAP-IG"
        + (f" at {peer}, on TransformerLens 3.9." if peer else ": not given, so not measured."),
        "- naive: plain autograd, one vector-Jacobian product for each receiver.",
        "- memory: the most that the work took on top of what was there.",
        "- off: the largest difference from our score over all edges, as a share of the largest",
        "  score; for EAP-IG after correcting for the published code's points 0..m-1 (see the "
        "script).",
        "",
        "| method | | seconds | memory, MB | ours is faster by | off |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(f"| {row.name} | ours | {_seconds(row.ours)} | | |")
        for name, timing in (("published", row.published), ("naive", row.naive)):
            if timing.wall:
                ratio = timing.seconds / row.ours.seconds
                by_processor = timing.processor / row.ours.processor
                lines.append(
                    f"| | {name} | {_seconds(timing)} | **{ratio:.1f}** ({by_processor:.1f}) | "
                    f"{row.off[name]:.0e} |"
                )
    return "\n".join(lines) + "\n"


def _seconds(timing: Timing) -> str:
    return f"{timing.seconds:.2f} | {timing.bytes / 2**20:.0f}"


def _git(folder: Path, *words: str) -> str:
    found = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True)
    return found.stdout.strip()


def _commit() -> str:
    changed = " and changes on top" if _git(HERE, "status", "--porcelain", "../src", ".") else ""
    return (_git(HERE, "rev-parse", "--short", "HEAD") or "an unknown commit") + changed


def main() -> None:
    """Measures, compares, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny, compare alone")
    parser.add_argument("--peer", type=Path, help="a checkout of hannamw/EAP-IG")
    parser.add_argument("--peer-packages", type=Path, help="a folder with TransformerLens 3")
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, default=HERE / "GRADIENTS.md")
    options = parser.parse_args()
    if (options.peer is None) != (options.peer_packages is None):
        parser.error("--peer and --peer-packages go together")
    if options.threads:
        torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as place:
        case = make(Path(place), options)
        published = Published(case, options) if options.peer else None
        rows = measure(case, published, 0 if options.quick else options.repeats)
        if published is not None:
            published.close()
        for row in rows:
            for name, off in row.off.items():
                if not off < SAME:
                    sys.exit(f"{row.name}: scores differ from the {name} ones by {off:.1e}")
                print(f"{row.name}: scores agree with the {name} ones ({off:.0e})")
        if not options.quick:
            options.out.write_text(report(case, rows, options))


if __name__ == "__main__":
    main()
