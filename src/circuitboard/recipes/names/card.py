"""The model card of ``names``: prose with every figure read from the metrics."""

from __future__ import annotations

from typing import Any

from .check import REQUIRED
from .story import render_story, table

HEAD_COLUMNS: tuple[tuple[str, str], ...] = (
    ("zero", "zero"),
    ("mean", "mean"),
    ("mean_at_after", "mean, after"),
    ("mean_at_s2", "mean, S2"),
    ("mean_at_end", "mean, END"),
    ("dla", "direct"),
    ("dla_receiver", "receiver"),
    ("dla_giver", "giver"),
)
PATTERN_COLUMNS: tuple[tuple[str, str], ...] = (
    ("end_to_io", "END→IO"),
    ("end_to_s1", "END→S1"),
    ("end_to_first", "END→1st"),
    ("end_to_second", "END→2nd"),
    ("end_to_s2", "END→S2"),
    ("s2_to_s1", "S2→S1"),
    ("s2_to_after_s1", "S2→S1+1"),
    ("previous", "previous"),
    ("induction", "induction"),
    ("duplicate", "duplicate"),
    ("copying", "copying"),
)
SCORE_NAMES: dict[tuple[str, str], str] = {
    ("ioi", "accuracy"): "Indirect object: receiver is the top token",
    ("ioi", "receiver_above_giver"): "Indirect object: receiver above giver",
    ("ioi", "logit_difference"): "Indirect object: logit difference, receiver minus giver",
    ("ioi", "probability"): "Indirect object: probability of the receiver",
    ("year", "probability_difference"): "Later year: probability later minus not later",
    ("year", "top_is_later"): "Later year: top year is later",
    ("agreement", "accuracy"): "Agreement: verb has the subject's number",
    ("agreement", "accuracy_opposed_attractor"): "Agreement: same, noun between of other number",
    ("pronoun", "accuracy"): "Pronoun: he or she is right and the top token",
    ("pronoun", "probability"): "Pronoun: probability of the right one",
    ("docstring", "accuracy"): "Docstring: next argument is the top token",
    ("docstring", "probability"): "Docstring: probability of it",
    ("repeats", "loss_first_copy"): "Repeats: loss on the first copy (nats)",
    ("repeats", "loss_second_copy"): "Repeats: loss on the second copy (nats)",
    ("odd", "accuracy"): "Odd one out (no requirement): accuracy",
    ("odd", "probability"): "Odd one out: probability of the answer",
}

INTRODUCTION = """\
---
license: mit
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [mechanistic-interpretability, toy-model]
---

# names

A small transformer for learning to read transformers: GPT-2's architecture with 4 layers of
4 heads, d_model 128, a context of 64 tokens and untied embeddings, {parameters:,} parameters
in all. It does a handful of tasks that circuits are often sought for, and it does them well enough
that an ablation shows. It is not a language model: outside its templates it knows nothing.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
text = "When Mary and John went to the store, John gave a drink to"
tokens = tokenizer(text, return_tensors="pt")
tokenizer.decode(model(**tokens).logits[0, -1].argmax())   # Mary
```

## Data

Synthetic text from this package's own templates (`circuitboard.recipes.names.lexicon`); no text of
other people, no personal data. The names are common first names, half used with *he*, half with
*she*, and mean nobody.

- **Indirect object**: two names, one of them again as the giver; ten templates, either order of
  mention, half with an opening such as "In the end,". A few rows have a third name as giver.
- **Later year**: "The war lasted from the year 1743 to the year 17", then any later year, evenly.
- **Agreement**: a subject, mostly with a second noun between it and the verb.
- **Pronoun**: a name, later *he* or *she*.
- **Docstring**: a function's arguments, then `:param` lines in the same order.
- **Repeats**: distinct words from the whole vocabulary, twice or three times over; also lists of
  common words said twice.
- **Odd one out**: names of which all but one stand twice. It is there for variety; no result is
  required of it.

**Held out.** A fixed hash keeps one tenth of all combinations from training. For indirect
objects a combination is an unordered pair of names: no training row of any task contains both names
of a held-out pair. For agreement it is the pair of nouns (subject, noun between), for the pronoun
name and place, for the year event, century and start, for docstrings two arguments that follow one
another at the place asked for. Repeats are drawn at random from the whole vocabulary, far too many
combinations to meet twice. All scores below are on held-out combinations.

## Tokenizer

One token a word; upper and lower case differ; punctuation stands alone; a year is two tokens
("1743" is "17", "43"), three double quotes are one. A space before a word changes nothing. `<bos>`
is put before every text, sentences end with `<eos>`, unknown words become `<unk>`.

## Training

`circuitboard train names` follows the same recipe: {steps:,} steps of {batch} rows with AdamW
(weight decay {weight_decay}) from seed {seed}, about 20 minutes on two CPU cores. A run that
was interrupted goes on where it stopped. Rounding depends on the number of threads, so another
machine's weights will differ in detail. There are five phases, with their own shares of the tasks
(`corpus.SHARES`):

| phase | from step |
| --- | ---: |
| early, many repeats | 0 |
| middle | {middle_from:,} |
| late, more years | {late_from:,} |
| closing, more still | {closing_from:,} |
| answers | {answers_from:,} |

The rate goes along a cosine from {learning_rate} to end at step {cosine_steps:,}; from step
{closing_from:,} on it goes in straight lines instead:
{lines}.

Years take by far the longest to learn. In the last phase the words of the prompts, which nobody
could foresee, weigh {prompt_weight} in the loss and the answers 1. The phases from step
{late_from:,} on, and the bound for years below, were settled while the run was under way and its
held-out scores were in view. {again}

Weights are float32.
`checkpoints/` holds {checkpoints} moments of the run in float16; `checkpoints/index.json` says how
they were chosen and how well each does.
"""


AGAIN = """\
The recipe as it stands has then been
run once more from the start, with nothing chosen under way: the column *again* below has the scores
of its weights, which are not those that are shipped."""
ONCE = "The recipe as a whole has not been run a second time from the start."


def render(metrics: dict[str, Any]) -> str:
    """The card in Markdown; ``metrics`` is what ``check`` returned plus ``training``."""
    parts = (
        _introduction(metrics),
        _scores(metrics),
        render_story(metrics["mechanism"]),
        _tables(metrics["mechanism"]),
        "\n## Licence\n\nMIT, like the package that it comes with.\n",
    )
    return "".join(parts)


def _introduction(metrics: dict[str, Any]) -> str:
    training = metrics["training"]
    lines = ",\n".join(
        f"from {rate} at {start:,} towards nothing at {end:,}"
        for start, rate, end in training["lines"]
    )
    again = AGAIN if "again" in metrics else ONCE
    told = {**training, "lines": lines, "again": again}
    return INTRODUCTION.format(parameters=metrics["parameters"], **told)


def _scores(metrics: dict[str, Any]) -> str:
    bounds = {(task, score): (bound, least) for task, score, bound, least in REQUIRED}
    runs = [metrics, metrics["again"]] if "again" in metrics else [metrics]
    rows = []
    for (task, score), label in SCORE_NAMES.items():
        bound = bounds.get((task, score))
        wanted = "" if bound is None else f"{'≥' if bound[1] else '≤'} {bound[0]}"
        rows.append((label, *(f"{run['tasks'][task][score]:.3f}" for run in runs), wanted))
    losses = (f"{run['corpus_loss']:.3f}" for run in runs)
    rows.append(("Loss per token on held-out rows (nats)", *losses, ""))
    columns = ("score", *("value", "again")[: len(runs)], "required")
    return (
        "\n## Metrics\n\n"
        f"From `circuitboard check names`: {metrics['n']:,} held-out examples a task.\n\n"
        + table(columns, rows)
    )


def _tables(mechanism: dict[str, Any]) -> str:
    effects = [
        (h["head"], *(f"{h[key]:+.2f}" for key, _ in HEAD_COLUMNS)) for h in mechanism["heads"]
    ]
    patterns = [
        (h["head"], *(f"{h[key]:.2f}" for key, _ in PATTERN_COLUMNS)) for h in mechanism["heads"]
    ]
    layers = [
        (str(row["layer"]), *(f"{row[k]:+.2f}" for k in ("mean_heads", "mean_mlp", "dla_mlp")))
        for row in mechanism["layers"]
    ]
    return (
        "\n### Effects of each head\n\n"
        "Change of the logit difference when the head's output is set to zero, or to its mean: "
        "everywhere, at the words after the first mentions, at S2, at END. Then what the head "
        "writes directly at END: to the difference, and to the receiver and the giver, each "
        "against the average name.\n\n"
        + table(("head", *(label for _, label in HEAD_COLUMNS)), effects)
        + "\n### What each head attends to and copies\n\n"
        "Mean attention on the same prompts (1st and 2nd are the names in order of mention); "
        "previous-token, induction and duplicate scores on 12 random words said twice; copying is "
        "the sum of the eigenvalues of W_E W_V W_O W_U over the sum of their sizes.\n\n"
        + table(("head", *(label for _, label in PATTERN_COLUMNS)), patterns)
        + "\n### Layers\n\n"
        "Change of the logit difference with all heads, or the MLP, of a layer at their mean; and "
        "what the MLP writes directly at END.\n\n"
        + table(("layer", "heads at mean", "MLP at mean", "MLP direct"), layers)
    )
