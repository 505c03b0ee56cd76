"""Tiny random models of every architecture, and an oracle in plain TransformerLens hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from torch import Tensor

from circuitboard.models.load import load
from circuitboard.models.model import Model
from circuitboard.models.tiny import number_tokenizer
from circuitboard.spec import tensors
from circuitboard.spec.address import Address
from circuitboard.spec.intervention import AnyIntervention, Freeze, Scale, Set, Zero

# Models this small are slowed down by threads.
torch.set_num_threads(1)

VOCABULARY = 61
LAYERS = 3
_COMMON: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "max_position_embeddings": 48,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
_GROUPED: dict[str, Any] = {**_COMMON, "intermediate_size": 48, "num_key_value_heads": 2}

CONFIGS: dict[str, Callable[[], Any]] = {
    "gpt2": lambda: hf.GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=32,
        n_layer=LAYERS,
        n_head=4,
        n_positions=48,
        bos_token_id=0,
        eos_token_id=0,
    ),
    "llama": lambda: hf.LlamaConfig(**_GROUPED),
    "mistral": lambda: hf.MistralConfig(**_GROUPED, sliding_window=None),
    "qwen2": lambda: hf.Qwen2Config(**_GROUPED),
    "gemma2": lambda: hf.Gemma2Config(
        **_GROUPED,
        head_dim=8,
        sliding_window=6,
        attn_logit_softcapping=1.0,
        final_logit_softcapping=0.5,
    ),
    "gemma3": lambda: hf.Gemma3TextConfig(**_GROUPED, head_dim=8, sliding_window=6),
    "neox": lambda: hf.GPTNeoXConfig(**_COMMON, intermediate_size=48, use_parallel_residual=True),
    "opt": lambda: hf.OPTConfig(**_COMMON, ffn_dim=48, word_embed_proj_dim=32),
}
NATIVE = ("native", "attn_only")
ARCHITECTURES = (*CONFIGS, *NATIVE)


def hf_model(name: str) -> Any:
    """A fresh random model, with weights large enough that every part matters."""
    torch.manual_seed(0)
    model = hf.AutoModelForCausalLM.from_config(CONFIGS[name]()).eval()
    with torch.no_grad():
        for _, weight in model.named_parameters():
            if weight.ndim > 1:
                weight.mul_(6.0)
            else:
                weight.add_(torch.randn_like(weight) * 0.1)
    return model


def native(name: str) -> Any:
    """A TransformerLens-native toy model."""
    from transformer_lens.config import TransformerBridgeConfig
    from transformer_lens.model_bridge import TransformerBridge

    torch.manual_seed(0)
    only = name == "attn_only"
    config = TransformerBridgeConfig(
        n_layers=2,
        d_model=16,
        n_heads=2,
        d_head=8,
        d_mlp=None if only else 32,
        n_ctx=24,
        d_vocab=VOCABULARY,
        act_fn="gelu",
        normalization_type=None if only else "LN",
        attn_only=only,
        architecture="TransformerLensNative",
    )
    return TransformerBridge.boot_native(config)


_loaded: dict[str, Model] = {}


def model(name: str) -> Model:
    """The loaded model, shared by all tests: leave it as you found it."""
    if name not in _loaded:
        _loaded[name] = fresh(name)
    return _loaded[name]


def loaded() -> list[Model]:
    """All shared models that some test has asked for."""
    return list(_loaded.values())


def fresh(name: str) -> Model:
    """A model of your own to change."""
    tokenizer = number_tokenizer(VOCABULARY)
    return load(native(name) if name in NATIVE else hf_model(name), tokenizer)


#: Token texts that break out of whatever takes them for more than text.
EVIL = ("</script><img/src=x/onerror=alert(1)>", "<!--<script>", "=1+1", "-7", "@SUM(1)", "&lt;")


def evil() -> Model:
    """A random GPT-2 whose last tokens are :data:`EVIL`."""
    names = [f"t{i}" for i in range(VOCABULARY - len(EVIL))] + list(EVIL)
    inner = Tokenizer(WordLevel({name: i for i, name in enumerate(names)}, unk_token="t0"))
    inner.pre_tokenizer = WhitespaceSplit()
    kept = hf.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="t0", unk_token="t0", pad_token="t0"
    )
    return load(hf_model("gpt2"), kept)


def prompt(length: int = 9, seed: int = 1) -> str:
    """Random tokens, as text that tokenizes to exactly ``length`` of them."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, VOCABULARY, (length,), generator=generator)
    return " ".join(f"t{int(i)}" for i in ids)


def hook_and_slice(m: Model, address: Address) -> tuple[str, Any]:
    """The TransformerLens hook point of a place, and the index of the place in its tensor."""
    everything = slice(None)
    if address.head is None and address.neuron is None:
        return address.hook, (everything,)
    if address.part in ("head.scores", "head.pattern"):
        return address.hook, (everything, address.head)
    if address.part in ("head.k", "head.v"):
        group = m.facts.n_heads // m.facts.n_kv_heads
        return address.hook, (everything, everything, address.head // group)
    if address.neuron is not None:
        return address.hook, (everything, everything, address.neuron)
    name = f"blocks.{address.layer}.attn.hook_z" if address.part == "head" else address.hook
    return name, (everything, everything, address.head)


def oracle(m: Model, tokens: Tensor, items: Iterable[AnyIntervention]) -> Tensor:
    """Logits [b, p, v] of one full bridge run, one plain hook for each intervention, in order."""
    items = list(items)
    with torch.no_grad():
        frozen = any(isinstance(item, Freeze) for item in items)
        clean = m.bridge.run_with_cache(tokens)[1] if frozen else None
        hooks = [pair for item in items for pair in _oracle_hooks(m, item, clean, tokens.shape[1])]
        return m.bridge.run_with_hooks(tokens, fwd_hooks=hooks, return_type="logits")


def _oracle_hooks(m: Model, item: AnyIntervention, clean: Any, width: int) -> list[Any]:
    address = item.address
    name, index = hook_and_slice(m, address)
    middle = address.part == "resid_mid"
    if middle:
        name = f"blocks.{address.layer}.hook_attn_out"
    rows = torch.zeros(width, dtype=torch.bool)
    rows[list(address.position.indices(width)) if address.position else list(range(width))] = True

    def value(current: Tensor, before: Tensor) -> Tensor:
        if isinstance(item, Zero):
            return torch.zeros_like(current)
        if isinstance(item, Scale):
            return current * item.factor
        if isinstance(item, Freeze):
            return before
        assert isinstance(item, Set)
        if isinstance(item.value, str):
            return torch.tensor(tensors.lookup(item.value)).expand_as(current)
        return torch.full_like(current, item.value)

    def hook(tensor: Tensor, hook: Any) -> Tensor:
        flat = tensor.ndim == 2
        out = tensor.reshape(1, -1, tensor.shape[-1]).clone() if flat else tensor.clone()
        before = clean[name].reshape(out.shape) if clean else out
        if middle:
            current, before = entering[0] + out, (clean or {stream: 0})[stream] + before
        else:
            current, before = out[index], before[index]
        new = value(current, before)
        if address.part == "head.scores":
            new = torch.where(current < -1e30, current, new)
        mask = rows.reshape((1, -1) + (1,) * (current.ndim - 2))
        new = torch.where(mask, new, current)
        if middle:
            out = out + (new - current)
        else:
            out[index] = new
        return out.reshape(tensor.shape)

    entering: list[Tensor] = []
    stream = f"blocks.{address.layer}.hook_resid_pre"
    first = [(stream, lambda tensor, hook: entering.append(tensor))] if middle else []
    return [*first, (name, hook)]
