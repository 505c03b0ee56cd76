"""Sweeps against the peers, in one process, on the same weights and prompts.

    python benchmarks/sweeps.py                 # writes benchmarks/RESULTS.md and growth.svg
    python benchmarks/sweeps.py --device cuda
    python benchmarks/sweeps.py --quick         # tiny models: that all agree, and nothing else

- All heads ablated one at a time, against a loop of TransformerLens ``run_with_hooks``, and against
  nnsight's batched traces where nnsight is installed (it is no dependency of this project).
- Layer x position patching of ``resid_pre``, against ``transformer_lens.patching``.
- How both grow with layers, heads and tokens (``matplotlib`` draws it).

Random weights of GPT-2's shape and of a Llama shape with grouped queries: for speed alone. A peer
is timed on a sample of its runs, spread evenly, and scaled to all of them. Its results are compared
with ours before anything is timed; then all are timed in turn.
"""

from __future__ import annotations

import argparse
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import circuitboard as cb
from circuitboard.engine.engine import engine_of
from circuitboard.models.tiny import number_tokenizer
from meter import Timing, once, product_rate, weighed
from peers import Nnsight, Patching, Pick, loop_of_heads
from tables import Section, draw, report

HERE = Path(__file__).resolve().parent
PAIR = (7, 11)
#: Runs of a peer that are timed.
SAMPLE = 12
#: Cells that a grid has at most; a longer prompt is patched at every n-th position.
POSITIONS = 64


@dataclass
class Row:
    """One comparison. ``least``: operations that the sweep needs at least."""

    what: str
    runs: int
    least: float = float("nan")
    peak: float = float("nan")
    ours: Timing = field(default_factory=Timing)
    lens: Timing = field(default_factory=Timing)
    nnsight: Timing = field(default_factory=lambda: Timing(note="-"))
    note: str = ""


@dataclass
class Subject:
    """A model, and a plain Hugging Face one of the same weights for nnsight."""

    model: cb.Model
    nnsight: Nnsight | None

    @property
    def device(self) -> torch.device:
        return self.model.device


def gpt2_config(
    layers: int = 12, heads: int = 12, width: int = 768, vocabulary: int = 50257
) -> Any:
    """GPT-2 small's shape, or smaller."""
    from transformers import GPT2Config

    return GPT2Config(
        vocab_size=vocabulary, n_embd=width, n_layer=layers, n_head=heads, bos_token_id=0,
        eos_token_id=0,
    )  # fmt: skip


def llama_config(layers: int = 12, width: int = 768, vocabulary: int = 32000) -> Any:
    """A Llama shape whose heads share keys and values by three, or smaller."""
    from transformers import LlamaConfig

    heads = width // 64
    return LlamaConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=8 * width // 3,
        num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=heads // 3,
        bos_token_id=0, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip


def subject(config: Any, device: str, with_nnsight: bool = True) -> Subject:
    """A model with random weights; the same seed gives the same weights."""
    from transformers import AutoModelForCausalLM

    tokenizer = number_tokenizer(config.vocab_size)

    def fresh() -> Any:
        torch.manual_seed(0)
        return AutoModelForCausalLM.from_config(config).eval().to(device)

    other = Nnsight(fresh(), tokenizer) if with_nnsight else None
    return Subject(cb.load(fresh(), tokenizer), other)


def prompt(model: cb.Model, length: int, seed: int) -> str:
    """Random words, ``length`` tokens with the one that begins them."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(20, model.facts.d_vocab, (length - 1,), generator=generator)
    return " ".join(f"t{int(i)}" for i in ids)


def spread(runs: Sequence[Pick], count: int) -> list[Pick]:
    """A sample of runs, spread evenly."""
    at = np.linspace(0, len(runs) - 1, min(count, len(runs))).astype(int)
    return [runs[i] for i in at]


def agree(mine: Sequence[float], theirs: Sequence[float], whose: str) -> None:
    """Raises AssertionError where a peer's metric differs from ours."""
    error = float(np.abs(np.subtract(mine, theirs)).max())
    room = 2e-3 * max(1.0, float(np.abs(theirs).max()))
    assert error <= room, f"{whose} differs by {error:.1e}"


def in_turn(
    subject: Subject, repeats: int, works: Sequence[tuple[Timing, Callable[[], Any], float]]
) -> None:
    """Times pieces of work in turn, so that a busy machine slows all of them alike."""
    for _ in range(repeats):
        for timing, work, scale in works:
            once(timing, work, subject.device, scale)


def heads(subject: Subject, length: int, repeats: int, sample: int = SAMPLE) -> Row:
    """All heads zeroed one at a time. ``repeats`` = 0 compares the results alone."""
    model, text = subject.model, prompt(subject.model, length, 1)
    tokens, _ = engine_of(model).encode(text)
    count = model.facts.n_heads
    runs = [divmod(i, count) for i in range(model.facts.n_layers * count)]
    row = Row(f"all heads, {length} tokens", len(runs), least_of_heads(model, length))

    def ours() -> np.ndarray:
        engine_of(model).shelf.clear()
        singles = [cb.Zero(head) for head in model.heads]
        return cb.sweep(model, text, singles, target=f"t{PAIR[0]}", foil=f"t{PAIR[1]}")

    found = weighed(row.ours, ours, subject.device)
    base = cb.run(model, text, target=f"t{PAIR[0]}", foil=f"t{PAIR[1]}").metric
    assert base is not None
    picks = spread(runs, sample)
    mine = [base + float(found[layer * count + head]) for layer, head in picks]

    def loop() -> list[float]:
        return loop_of_heads(model, tokens, picks, PAIR)

    agree(mine, weighed(row.lens, loop, subject.device), "TransformerLens")
    works = [(row.ours, ours, 1.0), (row.lens, loop, len(runs) / len(picks))]
    other = subject.nnsight
    if other is not None:
        row.nnsight = Timing(note=other.note)
    if other is not None and not other.note:
        some = spread(runs, max(sample, min(len(runs), 1024 // length)))
        mine = [base + float(found[layer * count + head]) for layer, head in some]

        def traces() -> list[float]:
            return other(tokens, some, PAIR)

        try:
            agree(mine, weighed(row.nnsight, traces, subject.device), "nnsight")
            works.append((row.nnsight, traces, len(runs) / len(some)))
        except Exception as error:  # a peer that fails costs its own column alone
            if not repeats:
                raise
            row.nnsight.note = f"failed: {type(error).__name__}"
            traceback.print_exc()
    in_turn(subject, repeats, works)
    return row


def grid(subject: Subject, length: int, repeats: int, sample: int = SAMPLE) -> Row:
    """Layer x position patching of the stream entering each block."""
    model = subject.model
    clean, corrupt = prompt(model, length, 1), prompt(model, length, 2)
    engine, layers = engine_of(model), model.facts.n_layers
    step = max(1, length // POSITIONS) ** 2
    positions = list(range(step - 1, length, step))
    runs = [(layer, p) for layer in range(layers) for p in positions]
    every = "" if step == 1 else f" (every {step}th)"
    row = Row(f"layer x position{every}, {length} tokens", len(runs))
    row.least = least_of_grid(model, length, positions)
    patches = [cb.Patch(f"L{layer}.resid_pre@{p}", clean) for layer, p in runs]
    names = {"target": f"t{PAIR[0]}", "foil": f"t{PAIR[1]}"}

    def ours() -> np.ndarray:
        engine.shelf.clear()
        if step == 1:
            return cb.patch_grid(model, clean, corrupt, **names).ravel()
        return cb.sweep(model, corrupt, patches, **names)

    theirs = Patching(model, engine.encode(clean)[0], engine.encode(corrupt)[0])
    picks, found = spread(runs, sample), weighed(row.ours, ours, subject.device)

    def cells() -> list[float]:
        return theirs(picks, PAIR)

    base = 0.0 if step == 1 else cb.run(model, corrupt, **names).metric
    assert base is not None
    mine = [base + float(found[runs.index(p)]) for p in picks]
    agree(mine, weighed(row.lens, cells, subject.device), "transformer_lens.patching")
    scale = len(runs) / len(picks)
    in_turn(subject, repeats, [(row.ours, ours, 1.0), (row.lens, cells, scale)])
    return row


def weights(model: cb.Model) -> tuple[float, float, float]:
    """Weights of one block that a token meets: queries; keys and values; all the rest.

    A fused projection stands beside the three that the bridge splits it into: it counts once.
    """
    f = model.facts
    block = [(name, w) for name, w in model.parameters() if ".0." in name and w.ndim > 1]
    total = sum(w.numel() for name, w in block if ".qkv." not in name)
    queries = f.d_model * f.n_heads * f.d_head
    pairs = 2 * f.d_model * f.n_kv_heads * f.d_head
    return queries, pairs, total - queries - pairs


def least_of_heads(model: cb.Model, length: int) -> float:
    """The least arithmetic of ablating all heads, matrix products with weights alone.

    One clean run. Then, for each head: what follows the attention in its own block, the blocks
    after it, and of the last block keys and values, with the rest at the last position alone.
    """
    q, kv, rest = weights(model)
    layers, full = model.facts.n_layers, q + kv + rest
    runs = sum(
        rest * length + (layers - 2 - i) * full * length + kv * length + q + rest
        for i in range(layers - 1)
    )
    return 2 * (layers * full * length + model.facts.n_heads * (runs + rest))


def least_of_grid(model: cb.Model, length: int, positions: Sequence[int]) -> float:
    """The least arithmetic of layer x position patching: two clean runs, and each run's cone.

    In a run's first block, queries, keys and values are new at one position alone; in the last
    one, all but keys and values is wanted at the last position alone.
    """
    q, kv, rest = weights(model)
    layers, full = model.facts.n_layers, q + kv + rest
    runs = 0.0
    for p in positions:
        n = length - p
        first = q + kv + rest * n
        runs += sum(
            first + (layers - 2 - i) * full * n + kv * n + q + rest for i in range(layers - 1)
        )
        runs += full
    return 2 * (2 * layers * full * length + runs)


def growth(device: str, repeats: int, quick: bool) -> list[tuple[str, list[int], list[Row]]]:
    """All heads ablated while one of layers, heads and tokens grows, the others held."""
    width, vocabulary = (96, 300) if quick else (384, 8000)
    axes = {"layers": [2, 4, 8, 16], "heads": [3, 6, 12, 24], "tokens": [16, 32, 64, 128]}
    out = []
    for name, values in axes.items():
        values = values[1:2] if quick else values
        rows = []
        for value in values:
            fixed = {"layers": 6, "heads": 6, "tokens": 32} | {name: value}
            config = gpt2_config(fixed["layers"], fixed["heads"], width, vocabulary)
            rows.append(heads(subject(config, device, False), fixed["tokens"], repeats, 4))
        out.append((name, values, rows))
    return out


def measure(one: Subject, length: int, repeats: int, over_positions: bool) -> Row:
    """A row, or one that says what went wrong: a long measurement keeps what it has."""
    work, what = (grid, "layer x position") if over_positions else (heads, "all heads")
    try:
        row = work(one, length, repeats)
        row.peak = product_rate(one.device, 4096 if one.device.type == "cuda" else 1536)
    except Exception as error:
        if not repeats:
            raise
        traceback.print_exc()
        return Row(f"{what}, {length} tokens", 0, note=f"failed: {type(error).__name__}: {error}")
    return row


def main(given: Sequence[str] | None = None) -> None:
    """Measures, and writes the tables after each row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lengths", type=int, nargs="+", default=[16, 64, 256])
    parser.add_argument("--quick", action="store_true", help="tiny models, no timing, no files")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args(given)
    quick, device = options.quick, options.device
    small = {"layers": 2, "width": 192, "vocabulary": 300} if quick else {}
    shapes = {
        "GPT-2 shape": gpt2_config(**small, **({"heads": 3} if quick else {})),
        "Llama shape, grouped queries": llama_config(**small),
    }
    sections: list[Section] = []
    for title, config in shapes.items():
        one = subject(config, device)
        sections.append(Section(title))
        for length in [8] if quick else options.lengths:
            repeats = 0 if quick else min(options.repeats, 2 if length >= 64 else 99)
            for over_positions in (False, True):
                sections[-1].rows.append(measure(one, length, repeats, over_positions))
                if not quick:
                    (options.out / "RESULTS.md").write_text(report(sections, device))
                    print(report(sections, device).splitlines()[-1], flush=True)
        del one
    grown = growth(device, 0 if quick else min(2, options.repeats), quick)
    if quick:
        print("Ours, TransformerLens' and nnsight's (where installed) agree.")
        return
    picture = draw(grown, options.out / "growth.svg")
    (options.out / "RESULTS.md").write_text(report(sections, device, grown, picture))


if __name__ == "__main__":
    main()
