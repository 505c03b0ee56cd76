"""Matrix products of a model's shapes: torch's own against oneDNN's, which the engine uses.

    python benchmarks/products.py        # writes benchmarks/PRODUCTS.md

Each is timed on weights in turn that do not fit the caches together, as in a model's pass. GPT-2
keeps a map of ``n`` to ``m`` numbers as [n, m] and calls ``addmm``, a Llama as [m, n] and calls
``linear``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from circuitboard.models.products import product

HERE = Path(__file__).resolve().parent
ROWS = (1, 16, 64, 256, 1024)
#: Numbers in and out, and whether the weights lie as in GPT-2.
SHAPES = (
    ("GPT-2, queries, keys and values", 768, 2304, True),
    ("GPT-2, into the MLP", 768, 3072, True),
    ("GPT-2, out of the MLP", 3072, 768, True),
    ("GPT-2, unembedding", 768, 50257, False),
    ("Llama, into the MLP", 2048, 5632, False),
    ("Llama, out of the MLP", 5632, 2048, False),
)
#: Bytes of weights that are gone through.
WEIGHTS = 300_000_000


def milliseconds(work: Callable[[Tensor], object], weights: list[Tensor], repeats: int) -> float:
    """Median time of one product."""
    times: list[float] = []
    for repeat in range(repeats + 1):
        began = time.perf_counter()
        for weight in weights:
            work(weight)
        if repeat:
            times.append((time.perf_counter() - began) / len(weights) * 1e3)
    return statistics.median(times)


@torch.no_grad()
def line(name: str, wide: tuple[int, int], rows: int, *, turned: bool, repeats: int) -> str:
    """One row of the table."""
    n, m = wide
    count = max(2, WEIGHTS // (4 * n * m))
    weights = [torch.randn(n, m) if turned else torch.randn(m, n) for _ in range(count)]
    given, bias = torch.randn(rows, n), torch.randn(m)
    if turned:
        own = milliseconds(lambda w: torch.addmm(bias, given, w), weights, repeats)
        ours = milliseconds(lambda w: product(given, w.T, bias), weights, repeats)
    else:
        own = milliseconds(lambda w: F.linear(given, w, bias), weights, repeats)
        ours = milliseconds(lambda w: product(given, w, bias), weights, repeats)
    return f"| {name} | {n} to {m} | {rows} | {own:.2f} | {ours:.2f} | **{own / ours:.2f}** |"


def main() -> None:
    """Measures and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=HERE / "PRODUCTS.md")
    options = parser.parse_args()
    shown = subprocess.check_output(["lscpu"], text=True)
    names = [row.split(":", 1)[1].strip() for row in shown.splitlines() if "Model name" in row]
    lines = [
        "# Matrix products",
        "",
        "Written by `python benchmarks/products.py`: "
        f"{', '.join(names) or 'a processor'}, {torch.get_num_threads()} threads, float32, "
        f"torch {torch.__version__}.",
        "Milliseconds of one product; read the ratios.",
        "",
        "| map | numbers | rows | torch's own | oneDNN | times faster |",
        "|---|---|---|---|---|---|",
    ]
    for name, n, m, turned in SHAPES:
        for rows in ROWS:
            lines.append(line(name, (n, m), rows, turned=turned, repeats=options.repeats))
            print(lines[-1], flush=True)
    options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
