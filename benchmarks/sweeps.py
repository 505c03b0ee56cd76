"""Sweeps against the peers, in one process, on the same model and prompts.

    python benchmarks/sweeps.py           # writes benchmarks/RESULTS.md

- All heads ablated one at a time, against a loop of TransformerLens ``run_with_hooks``.
- Layer x position patching of ``resid_pre``, against ``transformer_lens.patching``'s way: one
  ``run_with_hooks`` for each cell.

Random weights of GPT-2's shape and of a small Llama shape with grouped queries: for speed alone.
The peer is timed on a sample of its runs, spread evenly, and scaled to all of them, since a full
loop takes minutes. Results are compared with the peer's before anything is timed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import circuitboard as cb
from circuitboard.engine.engine import engine_of
from circuitboard.models.tiny import number_tokenizer

HERE = Path(__file__).resolve().parent
TARGET, FOIL = 7, 11
SAMPLE = 12


@dataclass
class Row:
    """One comparison."""

    what: str
    runs: int
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)
    share_of_peak: float = float("nan")

    @property
    def ratio(self) -> float:
        """How many times faster, of the medians."""
        return statistics.median(self.peer) / statistics.median(self.ours)


def gpt2() -> cb.Model:
    """GPT-2 small's shape."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    return cb.load(
        GPT2LMHeadModel(GPT2Config(bos_token_id=0, eos_token_id=0)), number_tokenizer(50257)
    )


def llama() -> cb.Model:
    """A Llama shape: 12 layers, 12 heads that share 4 keys and values."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32000, hidden_size=768, intermediate_size=2048, num_hidden_layers=12,
        num_attention_heads=12, num_key_value_heads=4, bos_token_id=0, eos_token_id=0,
        pad_token_id=0,
    )  # fmt: skip
    return cb.load(LlamaForCausalLM(config), number_tokenizer(32000))


def prompt(length: int, seed: int) -> str:
    """Random words, ``length`` tokens with the one that begins them."""
    ids = torch.randint(20, 30000, (length - 1,), generator=torch.Generator().manual_seed(seed))
    return " ".join(f"t{int(i)}" for i in ids)


def peak() -> float:
    """Floating-point operations a second of a large matrix product here."""
    a = torch.randn(1536, 1536)
    times = clock(lambda: a @ a, 5)
    return 2 * 1536**3 / min(times)


def clock(work: Callable[[], Any], repeats: int) -> list[float]:
    """Seconds of each repeat, after one that is not counted."""
    work()
    out = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        out.append(time.perf_counter() - began)
    return out


def difference(logits: torch.Tensor) -> float:
    """The metric, from logits [1, p, v]."""
    return float(logits[0, -1, TARGET] - logits[0, -1, FOIL])


def heads(model: cb.Model, length: int, repeats: int) -> Row:
    """All heads zeroed one at a time."""
    text = prompt(length, 1)
    tokens, _ = engine_of(model).encode(text)
    singles = [cb.Zero(head) for head in model.heads]
    row = Row(f"all heads, {length} tokens", len(singles))

    def ours() -> np.ndarray:
        engine_of(model).shelf.clear()
        return cb.sweep(model, text, singles, target=f"t{TARGET}", foil=f"t{FOIL}")

    def zero(head: int) -> Callable[..., torch.Tensor]:
        def hook(z: torch.Tensor, hook: object) -> torch.Tensor:
            z[:, :, head] = 0.0
            return z

        return hook

    def peer(layer: int, head: int) -> float:
        at = f"blocks.{layer}.attn.hook_z"
        with torch.no_grad():
            return difference(model.bridge.run_with_hooks(tokens, fwd_hooks=[(at, zero(head))]))

    n_heads = model.facts.n_heads
    picks = [divmod(i, n_heads) for i in np.linspace(0, len(singles) - 1, SAMPLE).astype(int)]
    base = cb.run(model, text, target=f"t{TARGET}", foil=f"t{FOIL}").metric
    effects = ours()
    for layer, head in picks:
        mine = effects[layer * n_heads + head] + base
        assert abs(mine - peer(layer, head)) < 1e-2
    row.ours = clock(ours, repeats)
    scale = len(singles) / SAMPLE
    row.peer = [t * scale for t in clock(lambda: [peer(*p) for p in picks], max(2, repeats // 2))]
    return row


def grid(model: cb.Model, length: int, repeats: int) -> Row:
    """Layer x position patching of the stream entering each block."""
    clean, corrupt = prompt(length, 1), prompt(length, 2)
    engine = engine_of(model)
    tokens, _ = engine.encode(corrupt)
    layers = model.facts.n_layers
    row = Row(f"layer x position, {length} tokens", layers * length)
    with torch.no_grad():
        cache = model.bridge.run_with_cache(engine.encode(clean)[0])[1]

    def ours() -> np.ndarray:
        engine.shelf.clear()
        return cb.patch_grid(model, clean, corrupt, target=f"t{TARGET}", foil=f"t{FOIL}")

    def peer(layer: int, position: int) -> float:
        at = f"blocks.{layer}.hook_resid_pre"

        def hook(stream: torch.Tensor, hook: object) -> torch.Tensor:
            stream[:, position] = cache[at][:, position]
            return stream

        with torch.no_grad():
            return difference(model.bridge.run_with_hooks(tokens, fwd_hooks=[(at, hook)]))

    picks = [divmod(i, length) for i in np.linspace(0, layers * length - 1, SAMPLE).astype(int)]
    found = ours()
    for layer, position in picks:
        assert abs(found[layer, position] - peer(layer, position)) < 1e-2
    row.ours = clock(ours, repeats)
    scale = layers * length / SAMPLE
    row.peer = [t * scale for t in clock(lambda: [peer(*p) for p in picks], max(2, repeats // 2))]
    return row


def block_flops(model: cb.Model, tokens: float) -> float:
    """Operations of the matrix products of one block on so many tokens."""
    weights = sum(w.numel() for name, w in model.parameters() if ".0." in name and w.ndim > 1)
    return 2.0 * weights * tokens


def least(model: cb.Model, row: Row, length: int) -> float:
    """The least arithmetic of a sweep: one clean run, then each run's own cone."""
    layers = model.facts.n_layers
    clean = layers * block_flops(model, length)
    if row.what.startswith("all heads"):
        cones = model.facts.n_heads * sum(range(1, layers + 1)) * block_flops(model, length)
    else:
        each = sum(length - p for p in range(length))
        cones = sum(range(1, layers + 1)) * block_flops(model, each)
        clean *= 2
    return clean + cones


def report(found: list[tuple[str, list[Row]]]) -> str:
    """The Markdown tables."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True
    ).stdout.strip()
    lines = [
        "# Sweeps against TransformerLens",
        "",
        f"Written by `python benchmarks/sweeps.py` at {commit},",
        f"with {torch.get_num_threads()} CPU threads, in one process. Medians; read the ratios.",
        "The peer is a loop of `run_with_hooks` on the same model, timed on",
        f"{SAMPLE} of its runs spread evenly and scaled to all. 'Share of peak' is the least",
        "arithmetic of the sweep (each cone, matrix products alone) over our time, as a",
        "share of what one large matrix product reaches here.",
    ]
    for title, rows in found:
        lines += [
            "",
            f"## {title}",
            "",
            "| sweep | runs | ours, s | peer, s | times faster | share of peak |",
        ]
        lines.append("|---|---|---|---|---|---|")
        lines += [
            f"| {r.what} | {r.runs} | {statistics.median(r.ours):.2f} | "
            f"{statistics.median(r.peer):.1f} | **{r.ratio:.1f}** | {r.share_of_peak:.0%} |"
            for r in rows
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lengths", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md")
    options = parser.parse_args()
    found = []
    for title, make in (("GPT-2 shape", gpt2), ("Llama shape, grouped queries", llama)):
        model, rows, best = make(), [], peak()
        for length in options.lengths:
            rows.append(heads(model, length, options.repeats))
            if length <= 64:
                rows.append(grid(model, length, options.repeats))
            for row in rows:
                if np.isnan(row.share_of_peak):
                    used = least(model, row, length) / statistics.median(row.ours)
                    row.share_of_peak = used / best
        found.append((title, rows))
        print(report(found))
    options.out.write_text(report(found))


if __name__ == "__main__":
    main()
