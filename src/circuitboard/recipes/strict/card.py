"""Model cards of strictly trained models: prose with every figure read from the metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from circuitboard.recipes.strict.program import Program

SHAPES = {
    "gpt2": "GPT-2's architecture (LayerNorm, GELU, learned positions)",
    "llama": "Llama's architecture (RMSNorm, gated SiLU, rotary positions, no biases)",
}
CARD = """\
---
license: mit
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [mechanistic-interpretability, toy-model]
---

# {name}

{about}.

A toy transformer whose circuit is known because it was trained to have it.
{shape}, {n_layers} layers of {n_heads} heads, d_model {d_model}, {parameters:,} parameters.

```python
import circuitboard as cb

known = cb.known_circuit("{name}")
known.edges                                  # {circuit} of its {edges} edges
circuit = cb.discover(known.model, known.task)
board = cb.Board(cb.load("{name}"))
```

`{prompt}` is answered by `{answer}`.

## The circuit

{steps}

## Training

Strict interchange-intervention training (Geiger 2022; strict: Gupta 2024, InterpBench), edge by
edge. For each prompt another one is drawn, and edges carry what they carry there: in turns none,
edges outside of the circuit at random (one in three times all), edges of the circuit at random,
both, and all edges out of parts drawn at random, those of the circuit among them. The model is
taught the answer that the program gives when its own edges, and only these, are exchanged. So an
edge in the circuit carries what the program says, and an edge outside of it nothing that matters.

`circuitboard train {name}` follows the recipe: {steps_taken:,} steps of {batch} prompts with AdamW
(rate {learning_rate}, along a cosine to nothing; weight decay {weight_decay}), answers smoothed by
{smoothing}, from seed {trained}; on an idle core that takes a minute or two. The prompts are all
drawn at random; there is no text of other people. Rounding depends on the number of threads, so
another machine's weights will differ in detail.

## Metrics

From `circuitboard check {name}`: {n:,} fresh prompts. *Seed {again_seed}* is the recipe run again
with another seed, to show that it does not hang on one: its weights are not shipped.

{table}

- *Interchange*: all edges out of this part carry another prompt's values; *edge*: this one edge
  does. Counted are the prompts on which this changes the program's answer.
- *Strict*: parts or edges outside of the circuit carry another prompt's values; the answer stays.
- *Logits moved*: by how much the right answer's logit, less the mean, is moved, where exchanging
  everything counts 1. So the circuit is not exact as one of hand-set weights is: what is outside
  of it is {outside:.1%} of the whole all together, and {largest:.1%} where it is largest, against
  {smallest:.1%} for the circuit's weakest edge.

## Licence

MIT, like the package that it comes with.
"""
LABELS = {
    "task": "",
    "interchange": "Interchange: ",
    "edge": "Edge: ",
    "strict": "Strict: ",
    "outside": "Logits moved: ",
}


def render(program: Program, metrics: dict[str, Any]) -> str:
    """The card in Markdown; ``metrics`` is what ``ship`` wrote."""
    again, training, outside = metrics["again"], metrics["training"], metrics["tasks"]["outside"]
    example = metrics["example"]
    return CARD.format(
        name=program.name,
        about=program.about[0].upper() + program.about[1:],
        shape=SHAPES[training["shape"]],
        circuit=len(program.edges),
        steps=_steps(program),
        steps_taken=training["steps"],
        again_seed=again["trained"],
        table=_table(
            metrics["tasks"], again["tasks"], ("score", "value", f"seed {again['trained']}")
        ),
        outside=outside["all edges outside"],
        largest=outside["largest of one outside"],
        smallest=outside["smallest of one inside"],
        **{k: v for k, v in training.items() if k not in ("steps", "shape")},
        **{k: metrics[k] for k in ("n", "parameters", "edges", "trained")},
        **example,
    )


def _steps(program: Program) -> str:
    rows = [
        (step.part, " ".join(f"`{e}`" for e in step.edges), step.about) for step in program.steps
    ]
    return _rows(("part", "reads", "computes"), rows)


def _table(one: Any, other: Any, head: Sequence[str]) -> str:
    rows = []
    for kind, label in LABELS.items():
        for name, value in one[kind].items():
            told = label + name if label else name[0].upper() + name[1:]
            rows.append((told, f"{value:.3f}", f"{other[kind][name]:.3f}"))
    return _rows(head, rows, "| --- | ---: | ---: |")


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]], rule: str = "") -> str:
    lines = [" | ".join(head), *(" | ".join(row) for row in rows)]
    first, *rest = (f"| {line} |" for line in lines)
    return "\n".join([first, rule or f"|{' --- |' * len(head)}", *rest])
