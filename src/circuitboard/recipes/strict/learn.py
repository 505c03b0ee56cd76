"""Trains a model to compute a program in the parts that it says, so that a killed run can go on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from circuitboard.recipes.state import STATE, Progress, Resumable
from circuitboard.recipes.strict.edgewise import Swap, Wiring, run
from circuitboard.recipes.strict.measure import measure
from circuitboard.recipes.strict.program import NOTHING, Program

#: What is exchanged, in turns: nothing; edges outside of the circuit; edges of it; both; all edges
#: out of some parts.
TURNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The sizes and rates of a run.

    Attributes:
        shape: whose architecture: ``gpt2`` (LayerNorm, GELU, learned positions) or ``llama``
            (RMSNorm, gated SiLU, rotary positions, no biases).
        spread: the standard deviation of first weights that are matrices.
        smoothing: what of the answer's probability is shared out among all tokens (label
            smoothing), so that logits have finite goals that all runs agree on.
    """

    shape: Literal["gpt2", "llama"]
    n_layers: int
    n_heads: int = 4
    d_model: int = 48
    steps: int
    batch: int = 96
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    spread: float = 0.1
    warm_up: int = 50
    smoothing: float = 0.02
    state_every: int = 100
    check_every: int = 250
    check_n: int = 256


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then along a cosine to nothing."""
    warm = min(1.0, (step + 1) / recipe.warm_up)
    return (
        recipe.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / recipe.steps)))
    )


def exchanged(
    wiring: Wiring, program: Program, n: int, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Edges to exchange in each of n prompts: all [n, u, r], and by edge of the program [n]."""
    inside, exists = wiring.mask(program.edges), wiring.exists
    turn = (torch.arange(n) % TURNS)[:, None, None]
    share = torch.rand(n, 1, 1, generator=generator) * 1.5  # above 1 takes all of them
    drawn = torch.rand(n, *exists.shape, generator=generator)
    outer = (drawn < share) & ~inside & ((turn == 1) | (turn == 3))
    inner = (drawn < 0.5) & inside & ((turn == 2) | (turn == 3))
    parts = torch.rand(n, len(exists), 1, generator=generator) < 0.3
    edges = (outer | inner | (parts & (turn == 4))) & exists
    return edges, {edge: edges[:, *wiring.index(edge)] for edge in program.edges}


class _Run(Resumable):
    """A model, its optimiser and its history: what a state file holds.

    What a step draws depends on the seed and the step alone, so no random state is kept.
    """

    def __init__(self, program: Program, recipe: Recipe, out: Path, seed: int) -> None:
        from circuitboard.models.tiny import SPECIALS, new_gpt2, new_llama

        self.program, self.recipe, self.out = program, recipe, out
        self.seed, self.step = seed, 0
        self.history: list[dict[str, Any]] = []
        self.wiring = Wiring(recipe.n_layers, recipe.n_heads)
        new = {"gpt2": new_gpt2, "llama": new_llama}[recipe.shape]
        sizes = recipe.d_model, recipe.n_layers, recipe.n_heads
        self.model = new(len(SPECIALS) + len(program.words), program.width, *sizes, seed)
        with torch.no_grad():
            for weight in self.model.parameters():
                if weight.ndim > 1:
                    weight.mul_(recipe.spread / weight.std())
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
        )

    def identity(self) -> dict[str, Any]:
        """What a state file must agree on before a run goes on from it."""
        whole = {
            "recipe": asdict(self.recipe),
            "seed": self.seed,
            "words": "\n".join(self.program.words),
        }
        return json.loads(json.dumps(whole))

    def advance(self) -> float:
        """One optimiser step; returns the loss before it."""
        from circuitboard.models.plain import plain

        n = self.recipe.batch
        generator = torch.Generator().manual_seed((self.seed << 32) + self.step)
        tokens, source = (self.program.draw(n, generator) for _ in range(2))
        edges, swapped = exchanged(self.wiring, self.program, n, generator)
        due = self.program.answers(tokens, source, swapped)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step)
        self.optimiser.zero_grad()
        weights = plain(self.model)
        written = run(weights, source)[1]
        logits = run(weights, tokens, Swap(edges, written))[0]
        loss = F.cross_entropy(
            logits.flatten(0, 1),
            due.flatten(),
            ignore_index=NOTHING,
            label_smoothing=self.recipe.smoothing,
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        return loss.item()

    def check(self, loss: float) -> dict[str, dict[str, float]]:
        """Scores the model now."""
        found = measure(self.model, self.program, self.wiring, self.recipe.check_n, 0)
        self.history.append({"step": self.step, "loss": loss, "checks": found})
        return found


def train(
    program: Program,
    recipe: Recipe,
    out: Path,
    *,
    seed: int = 0,
    resume: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, dict[str, float]]:
    """Trains a model of a program into ``out``; returns its scores at the end.

    ``out`` becomes a Hugging Face folder (safetensors weights, configuration, tokenizer) with
    ``history.json`` and the state that a later call resumes from. The result depends on ``seed``
    and ``recipe``, not on interruptions. ``progress`` is called after each step.

    Raises:
        ValueError: ``resume`` is true and ``out`` holds the state of a run with other settings.
    """
    now = _Run(program, recipe, out, seed)
    out.mkdir(parents=True, exist_ok=True)
    if resume and (out / STATE).exists():
        now.restore()
    while now.step < recipe.steps:
        loss, last = now.advance(), now.step == recipe.steps
        checks = now.check(loss) if last or now.step % recipe.check_every == 0 else None
        if last or now.step % recipe.state_every == 0:
            now.save()
        if progress is not None:
            progress(Progress(step=now.step, steps=recipe.steps, loss=loss, checks=checks))
    _finish(now)
    return now.history[-1]["checks"]


def _finish(now: _Run) -> None:
    """Writes the model, its tokenizer and its history."""
    from circuitboard.models.tiny import save_model, word_tokenizer

    now.model.eval()
    save_model(now.model, now.out)
    program = now.program
    tokenizer = word_tokenizer(program.words, pattern=r"\S+", n_ctx=program.width)
    tokenizer.save_pretrained(now.out)
    (now.out / "history.json").write_text(json.dumps(now.history, indent=1) + "\n")
