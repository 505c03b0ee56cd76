"""A model as the rest of Circuitboard sees it: facts, tokens, weights and named hook points."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from circuitboard.spec.address import GLOBAL_PARTS, HEAD_PARTS, LAYER_PARTS, Address
from circuitboard.spec.errors import AddressError, ModelError, PromptError, TargetError
from circuitboard.spec.prompts import Prompt

if TYPE_CHECKING:
    from transformer_lens.hook_points import HookPoint
    from transformer_lens.model_bridge import TransformerBridge

#: Bytes that held runs of one model may take, unless told otherwise.
HELD_MEMORY = 1 << 29


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the architecture is. ``d_mlp`` is 0 and ``mlp`` absent in attention-only models.

    Attributes:
        window: tokens that a layer with a sliding window or chunks sees, or None.
        caches: whether blocks take keys and values of earlier positions.
        all_positions: why a run has to compute every position, in words; "" where it need not.
        full_runs: why a run has to compute every block too; "" where it need not.
    """

    name: str
    n_layers: int
    n_heads: int
    n_kv_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    d_vocab: int
    n_ctx: int
    norm: Literal["LN", "RMS", "none"]
    positional: str
    parallel: bool
    attn_only: bool
    gated: bool
    softcap: float | None
    window: int | None
    returns_tuple: bool
    caches: bool
    all_positions: str = ""
    full_runs: str = ""


class Model:
    """A loaded model. Made by :func:`circuitboard.load`.

    Attributes:
        bridge: the TransformerLens ``TransformerBridge``; yours to hook and edit.
        tokenizer: the Hugging Face tokenizer.
        facts: shapes and architecture.
        self_check: largest logit difference between the untouched model and this one, at load.
        source: what ``circuitboard.load`` was given, where that was a name or a folder.
        folder: where its files lie, if anywhere.
        reread: loads a model of the same files, where there are files; raises ModelError.
        narrow_exact: whether :meth:`narrow_logits` gives the model's own logits.
        held_memory: bytes that held runs may take together; beyond it the least recently used
            go. Set it at any time.
        attached: what lives as long as the model (its engine).
        lock: held for every forward pass; hold it yourself for a pass in another thread.
    """

    def __init__(
        self, bridge: TransformerBridge, tokenizer: Any, facts: Facts, hooks: dict[str, HookPoint]
    ) -> None:
        self.bridge = bridge
        self.tokenizer = tokenizer
        self.facts = facts
        self.self_check = 0.0
        self.source = facts.name
        self.folder: str | None = None
        self.reread: Callable[[], Model] | None = None
        self.lock = threading.RLock()
        self.held_memory = HELD_MEMORY
        self.attached: dict[str, Any] = {}
        self.narrow_exact = False
        self._hooks = hooks

    def __repr__(self) -> str:
        f = self.facts
        return (
            f"Model({f.name!r}: {f.n_layers} layers x {f.n_heads} heads, d_model {f.d_model}, "
            f"vocabulary {f.d_vocab}, self-check {self.self_check:.1e})"
        )

    # --- places -------------------------------------------------------------------------------

    @property
    def heads(self) -> list[str]:
        """Addresses of all heads, layer by layer."""
        f = self.facts
        return [f"L{layer}H{head}" for layer in range(f.n_layers) for head in range(f.n_heads)]

    @property
    def mlps(self) -> list[str]:
        """Addresses of all MLPs."""
        return [f"L{i}.mlp" for i in range(self.facts.n_layers) if self.has_part("mlp")]

    def has_part(self, part: str) -> bool:
        """Whether this architecture has such a part at all."""
        return self._hook_name(Address(part, layer=0)) in self._hooks

    def _hook_name(self, address: Address) -> str:
        if address.part == "head":
            return f"blocks.{address.layer}.attn.hook_z"
        return address.hook

    def point(self, name: str) -> HookPoint:
        """The hook point of that TransformerLens name. Raises KeyError."""
        return self._hooks[name]

    def has_point(self, name: str) -> bool:
        """Whether a hook point of that name exists and fires."""
        return name in self._hooks

    def has(self, address: Address) -> bool:
        """Whether a place exists, its layer, head and neuron included."""
        f = self.facts
        return (
            self.has_part(address.part)
            and (address.layer is None or 0 <= address.layer < f.n_layers)
            and (address.head is None or 0 <= address.head < f.n_heads)
            and (address.neuron is None or 0 <= address.neuron < f.d_mlp)
        )

    def check(self, address: Address) -> Address:
        """Returns the address. Raises AddressError, naming the nearest, where it does not exist."""
        if self.has(address):
            return address
        raise AddressError(
            f"{self.facts.name} has no {address.place}.",
            f"Nearest: {', '.join(self._nearest(address))}.",
        )

    def _nearest(self, address: Address) -> list[str]:
        f = self.facts
        layer = min(address.layer or 0, f.n_layers - 1)
        if address.head is not None and self.has_part(address.part):
            near = Address(address.part, layer, head=min(address.head, f.n_heads - 1))
            return [near.place]
        if address.neuron is not None and self.has_part("neuron"):
            return [Address("neuron", layer, neuron=min(address.neuron, f.d_mlp - 1)).place]
        if address.layer is not None and self.has_part(address.part):
            return [Address(address.part, layer).place]
        places = [Address(p, layer) for p in LAYER_PARTS] + [Address(p) for p in GLOBAL_PARTS]
        places += [Address(p, layer, head=0) for p in HEAD_PARTS]
        names = [place.place for place in places if self.has_part(place.part)]
        return get_close_matches(address.place, names, n=3, cutoff=0.0)

    # --- tokens -------------------------------------------------------------------------------

    @property
    def device(self) -> torch.device:
        """Where the first weight lies."""
        return next(self.bridge.original_model.parameters()).device

    def tokenize(self, prompt: Prompt) -> list[int]:
        """Token ids, with the beginning-of-sequence token where the model has one.

        Token ids are taken as they are: nothing is put before them.

        Raises PromptError for a prompt that is empty, longer than the context, or has ids that are
        not in the vocabulary.
        """
        ids = self._text_ids(prompt) if isinstance(prompt, str) else list(prompt)
        if not ids:
            raise PromptError("The prompt has no tokens in this vocabulary.", "Type other words.")
        strange = [i for i in ids if not 0 <= i < self.facts.d_vocab]
        if strange:
            raise PromptError(
                f"{strange[0]} is no token id of {self.facts.name}.",
                f"Ids run from 0 to {self.facts.d_vocab - 1}.",
            )
        if len(ids) > self.facts.n_ctx:
            raise PromptError(
                f"The prompt is {len(ids)} tokens long; {self.facts.name} reads at most "
                f"{self.facts.n_ctx}.",
                f"Shorten it by {len(ids) - self.facts.n_ctx} tokens or more.",
            )
        return ids

    def _text_ids(self, prompt: str) -> list[int]:
        if not prompt.strip():
            raise PromptError("The prompt is empty.", "Type at least one word.")
        ids = list(self.tokenizer(prompt)["input_ids"])
        bos = self.tokenizer.bos_token_id
        if bos is not None and self.bridge.cfg.default_prepend_bos and ids[:1] != [bos]:
            ids = [bos, *ids]
        return ids

    def token_text(self, token: int) -> str:
        """The text of one token as it stands in a sentence. Untrusted: may hold markup."""
        raw = self.tokenizer.convert_ids_to_tokens(int(token))
        text = self.tokenizer.decode([int(token)], clean_up_tokenization_spaces=False)
        if isinstance(raw, str) and raw.startswith("▁") and not text.startswith(" "):
            return f" {text}"
        return text if text else str(raw)

    def single_token(self, text: str) -> int:
        """The id of a text that is one token, with or without its leading space.

        Raises TargetError, showing how the text is tokenized, when it is none or several.
        """
        bare = text.strip()
        if not bare:
            raise TargetError("A target token is missing.", "Type one word, such as Mary.")
        for candidate in dict.fromkeys((text, f" {bare}", bare)):
            ids = self._ids(candidate)
            if len(ids) == 1 and (
                ids[0] != self.tokenizer.unk_token_id or bare == self.tokenizer.unk_token
            ):
                return ids[0]
        pieces = " ".join(repr(self.token_text(i)) for i in self._ids(text))
        if self._ids(text) == [self.tokenizer.unk_token_id]:
            raise TargetError(
                f"{bare!r} is not in the vocabulary of {self.facts.name}.", "Take another word."
            )
        raise TargetError(
            f"{text!r} is {len(self._ids(text))} tokens here: {pieces}.",
            "A target must be one token; take one of these, or another word.",
        )

    def answer(self, given: str | int) -> int:
        """The id of an answer: a text that is one token, or an id. Raises TargetError."""
        if isinstance(given, str):
            return self.single_token(given)
        if not 0 <= given < self.facts.d_vocab:
            raise TargetError(
                f"{given} is no token id of {self.facts.name}.",
                f"Ids run from 0 to {self.facts.d_vocab - 1}.",
            )
        return given

    def last_logits(self, prompts: Sequence[Prompt]) -> NDArray[np.float32]:
        """Logits after each prompt, [b, v]: plain passes, prompts of one length together."""
        from circuitboard.models.executor import run_whole  # it knows models; models not it

        rows = [self.tokenize(prompt) for prompt in prompts]
        by_width: dict[int, list[int]] = {}
        for i, row in enumerate(rows):
            by_width.setdefault(len(row), []).append(i)
        out = np.empty((len(rows), self.facts.d_vocab), np.float32)
        for same in by_width.values():
            for start in range(0, len(same), 64):
                some = same[start : start + 64]
                tokens = torch.tensor([rows[i] for i in some], device=self.device)
                out[some] = run_whole(self, tokens)[:, -1].float().cpu().numpy()
        return out

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    # --- weights ------------------------------------------------------------------------------

    def unembed_rows(self, tokens: Iterable[int]) -> Tensor:
        """Directions in the residual stream that write these tokens' logits, float32 [n, d]."""
        index = torch.tensor(list(tokens))
        head = getattr(self.bridge.original_model, "get_output_embeddings", lambda: None)()
        if head is not None and getattr(head, "weight", None) is not None:
            return head.weight.detach()[index.to(head.weight.device)].float()
        return self.bridge.W_U.detach()[:, index].T.float()

    def embedding(self) -> Tensor:
        """W_E [v, d], as stored: a model may scale what it looks up (Gemma)."""
        table = getattr(self.bridge.original_model, "get_input_embeddings", lambda: None)()
        weight = getattr(table, "weight", None)
        return (self.bridge.W_E if weight is None else weight).detach()

    def unembedding(self) -> Tensor:
        """All directions that write logits, [v, d], in the model's own precision; no copy."""
        head = getattr(self.bridge.original_model, "get_output_embeddings", lambda: None)()
        if head is not None and getattr(head, "weight", None) is not None:
            return head.weight.detach()
        return self.bridge.W_U.detach().T

    def narrow_logits(self, residual: Float[Tensor, "n d"], tokens: Sequence[int]) -> Tensor:
        """Logits of a few tokens alone, from the stream after the last block: [n, tokens].

        The final norm, the unembedding's bias and the soft-cap are those of the model. Only to be
        used where ``narrow_exact`` holds: the loader compares it with the model's own logits.
        """
        stream = residual[:, None]
        if self.has_part("ln_final"):
            stream = self.bridge.ln_final(stream)
        rows = self.unembed_rows(tokens).to(stream)
        logits = (stream[:, 0] @ rows.T).float() + self.unembed_bias(tokens).to(stream.device)
        cap = self.facts.softcap
        return logits if not cap else torch.tanh(logits / cap) * cap

    def _norm(self, which: str, layer: int | None = None) -> Any:
        home = self.bridge if layer is None else self.bridge.blocks[layer]
        return home._modules.get(which)

    def norm_gain(self, address: Address) -> Tensor | None:
        """The gain of the norm that an address belongs to, float32 [d], or None."""
        return _gain(self._norm(address.part.removesuffix(".scale"), address.layer))

    def norm_bias(self, address: Address) -> Tensor | None:
        """The bias of the norm that an address belongs to, [d], or None."""
        norm = self._norm(address.part.removesuffix(".scale"), address.layer)
        bias = getattr(getattr(norm, "original_component", None), "bias", None)
        return None if bias is None else bias.detach()

    def norm_eps(self, address: Address) -> float:
        """What the norm that an address belongs to adds before the root."""
        return self._eps(self._norm(address.part.removesuffix(".scale"), address.layer))

    def _eps(self, norm: Any) -> float:
        inner = getattr(norm, "original_component", None)
        for name in ("eps", "variance_epsilon"):
            if getattr(inner, name, None) is not None:
                return float(getattr(inner, name))
        return float(getattr(self.bridge.cfg, "eps", 1e-5))

    def final_gain(self) -> Tensor | None:
        """The final norm's gain, float32 [d], or None where there is none."""
        return self.norm_gain(Address("ln_final")) if self.has_part("ln_final") else None

    def final_bias(self) -> Tensor | None:
        """The final norm's bias, float32 [d], or None."""
        bias = self.norm_bias(Address("ln_final")) if self.has_part("ln_final") else None
        return None if bias is None else bias.float()

    def final_eps(self) -> float:
        """What the final norm adds to the variance before the root."""
        return self.norm_eps(Address("ln_final"))

    def post_gain(self, layer: int, which: Literal["ln1_post", "ln2_post"]) -> Tensor | None:
        """The gain of a norm that follows attention or MLP (Gemma), or None, float32 [d]."""
        return _gain(self._norm(which, layer))

    def post_eps(self, layer: int, which: Literal["ln1_post", "ln2_post"]) -> float:
        """What a norm after attention or MLP adds to the mean square before the root."""
        return self._eps(self._norm(which, layer))

    def unembed_bias(self, tokens: Iterable[int]) -> Tensor:
        """What the unembedding adds to these tokens' logits, float32 [n]."""
        index = torch.tensor(list(tokens))
        head = getattr(self.bridge.original_model, "get_output_embeddings", lambda: None)()
        bias = getattr(head, "bias", None)
        if bias is None:
            bias = getattr(getattr(self.bridge.unembed, "original_component", None), "bias", None)
        return torch.zeros(len(index)) if bias is None else bias.detach()[index].float()

    def output_weights(self, layer: int) -> Tensor:
        """W_O of a layer, [h, e, d]: what each head's z is multiplied by."""
        return self.bridge.blocks[layer].attn.W_O

    def modules(self) -> Iterable[tuple[str, nn.Module]]:
        """Every module of the model, hook points among them."""
        return self.bridge.named_modules()

    def parameters(self) -> Iterable[tuple[str, Tensor]]:
        """Every weight with its Hugging Face name."""
        return self.bridge.original_model.named_parameters()

    def raise_if_not_finite(self, values: Tensor) -> None:
        """Raises ModelError, naming the weight to blame, when a run gave NaNs or infinities."""
        if torch.isfinite(values).all():
            return
        bad = [name for name, w in self.parameters() if not torch.isfinite(w).all()]
        bad = [name.replace("._original_component", "") for name in bad]
        if bad:
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            raise ModelError(
                f"The weights hold NaNs or infinities: {bad[0]}{more}.",
                "Put finite numbers there, or load the model again.",
            )
        raise ModelError(
            "The model's output is NaN or infinite although its weights are finite.",
            "An intervention or a hook makes it so: release it, or run in float32.",
        )


def _gain(norm: Any) -> Tensor | None:
    """What a norm multiplies by after dividing, float32 [d]; Gemma's weight is one less."""
    weight = getattr(norm, "weight", None)
    if weight is None:
        return None
    weight = weight.detach().float()
    return 1.0 + weight if getattr(norm, "uses_weight_offset", False) else weight
