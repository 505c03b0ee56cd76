"""How well a model does each task of the ``names`` corpus, on examples kept from training."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from . import corpus
from . import lexicon as lex

FIRST_WORD = 4  # the ids before it are the special tokens of ``circuitboard.models.tiny``
BOS_ID, EOS_ID = 1, 2


def word_ids() -> dict[str, int]:
    """The token id of each word of the corpus."""
    return {word: i + FIRST_WORD for i, word in enumerate(lex.vocabulary())}


def encode(rows: Sequence[Sequence[str]], ids: dict[str, int], ends: Sequence[bool] = ()) -> Tensor:
    """Token ids [b, p], ``<bos>`` first; rows where ``ends`` is true close with ``<eos>``.

    Shorter rows are filled up with ``<eos>`` on the right, which a causal model's earlier
    positions never see; see :func:`targets` for what to leave out of a loss.

    Raises:
        KeyError: a word is not in the vocabulary.
    """
    tail = list(ends) or [False] * len(rows)
    full = [
        [BOS_ID, *(ids[w] for w in row), *([EOS_ID] if end else [])]
        for row, end in zip(rows, tail, strict=True)
    ]
    width = max(map(len, full))
    return torch.tensor([row + [EOS_ID] * (width - len(row)) for row in full])


def targets(tokens: Tensor, lengths: Sequence[int]) -> Tensor:
    """The token due after each position, [b, p - 1]; -100 from a row's own length on."""
    due = tokens[:, 1:].clone()
    due[torch.arange(1, tokens.shape[1])[None] >= torch.tensor(lengths)[:, None]] = -100
    return due


def draw(task: str, n: int, seed: int) -> list[corpus.Example]:
    """``n`` examples of ``task`` from the part of the corpus that is never trained on."""
    rng = random.Random(f"check/{task}/{seed}")
    return [corpus.sample(rng, task, from_held_out=True) for _ in range(n)]


@torch.no_grad()
def answer_logits(model: torch.nn.Module, prompts: Sequence[Sequence[str]]) -> Tensor:
    """Logits [b, v] for the word after each prompt (a list of words)."""
    tokens = encode(prompts, word_ids())
    last = torch.tensor([len(p) for p in prompts])
    return model(tokens).logits[torch.arange(len(prompts)), last].float()


def ioi_scores(model: torch.nn.Module, n: int, seed: int) -> dict[str, float]:
    """Accuracy (receiver is the top token) and mean logit difference receiver minus giver."""
    examples = draw("ioi", n, seed)
    ids = word_ids()
    logits = answer_logits(model, [corpus.split(e.prompt) for e in examples])
    right = torch.tensor([ids[e.roles["IO"]] for e in examples])
    wrong = torch.tensor([ids[e.roles["S"]] for e in examples])
    rows = torch.arange(n)
    gap = logits[rows, right] - logits[rows, wrong]
    return {
        "accuracy": (logits.argmax(-1) == right).float().mean().item(),
        "receiver_above_giver": (gap > 0).float().mean().item(),
        "logit_difference": gap.mean().item(),
        "probability": logits.softmax(-1)[rows, right].mean().item(),
    }


def year_scores(model: torch.nn.Module, n: int, seed: int) -> dict[str, float]:
    """Probability on later years minus probability on years not later, and top-token validity."""
    examples = draw("year", n, seed)
    ids = word_ids()
    chances = answer_logits(model, [corpus.split(e.prompt) for e in examples]).softmax(-1)
    years = chances[:, [ids[y] for y in lex.YEARS]]
    start = torch.tensor([int(e.roles["start"]) for e in examples])[:, None]
    later = torch.arange(100)[None] > start
    return {
        "probability_difference": ((years * later) - (years * ~later)).sum(-1).mean().item(),
        "top_is_later": later.gather(1, years.argmax(-1)[:, None]).float().mean().item(),
    }


def agreement_scores(model: torch.nn.Module, n: int, seed: int) -> dict[str, float]:
    """How often the verbs of the subject's number get more probability than the others."""
    examples = draw("agreement", n, seed)
    ids = word_ids()
    logs = answer_logits(model, [corpus.split(e.prompt) for e in examples]).log_softmax(-1)
    one = logs[:, [ids[v] for v in lex.SINGULAR_VERBS]].logsumexp(-1)
    many = logs[:, [ids[v] for v in lex.PLURAL_VERBS]].logsumexp(-1)
    plural = torch.tensor([e.roles["number"] == "plural" for e in examples])
    right = (many > one) == plural
    opposed = torch.tensor([e.roles["attractor"] == "opposed" for e in examples])
    return {
        "accuracy": right.float().mean().item(),
        "accuracy_opposed_attractor": right[opposed].float().mean().item(),
    }


def top_scores(model: torch.nn.Module, task: str, n: int, seed: int) -> dict[str, float]:
    """How often the top token is the answer (pronoun, docstring, odd one out)."""
    examples = draw(task, n, seed)
    ids = word_ids()
    logits = answer_logits(model, [corpus.split(e.prompt) for e in examples])
    right = torch.tensor([ids[e.answer] for e in examples])
    chance = logits.softmax(-1).gather(1, right[:, None])
    return {
        "accuracy": (logits.argmax(-1) == right).float().mean().item(),
        "probability": chance.mean().item(),
    }


@torch.no_grad()
def repeat_scores(model: torch.nn.Module, n: int, seed: int, length: int = 12) -> dict[str, float]:
    """Mean loss in nats on the first and second copy of ``length`` distinct random words.

    The first word of the second copy, which nothing announces, is left out.
    """
    rng = random.Random(f"check/repeats/{seed}")
    words = lex.vocabulary()
    rows = [rng.sample(words, length) * 2 for _ in range(n)]
    tokens = encode(rows, word_ids())
    logs = model(tokens).logits.float().log_softmax(-1)[:, :-1]
    loss = -logs.gather(-1, tokens[:, 1:, None])[..., 0]
    return {
        "loss_first_copy": loss[:, :length].mean().item(),
        "loss_second_copy": loss[:, length + 1 :].mean().item(),
    }


@torch.no_grad()
def corpus_loss(model: torch.nn.Module, n: int, seed: int) -> float:
    """Mean loss per token in nats on ``n`` held-out rows in the mixture of the middle phase."""
    rng = random.Random(f"check/loss/{seed}")
    tasks = rng.choices(tuple(corpus.MAKERS), corpus.SHARES["middle"], k=n)
    rows = [corpus.sample(rng, task, from_held_out=True) for task in tasks]
    tokens = encode([e.words for e in rows], word_ids(), [e.ends for e in rows])
    due = targets(tokens, [1 + len(e.words) + e.ends for e in rows])
    logits = model(tokens[:, :-1]).logits.float()
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), due.flatten()).item()


TASKS: dict[str, Callable[[torch.nn.Module, int, int], dict[str, float]]] = {
    "ioi": ioi_scores,
    "year": year_scores,
    "agreement": agreement_scores,
    "pronoun": lambda model, n, seed: top_scores(model, "pronoun", n, seed),
    "docstring": lambda model, n, seed: top_scores(model, "docstring", n, seed),
    "repeats": repeat_scores,
    "odd": lambda model, n, seed: top_scores(model, "odd", n, seed),
}


def all_scores(model: torch.nn.Module, n: int, seed: int) -> dict[str, dict[str, float]]:
    """Every task's scores on ``n`` examples each."""
    model.eval()
    return {task: score(model, n, seed) for task, score in TASKS.items()}
