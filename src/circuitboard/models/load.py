"""Brings a model in: a bundled name, a folder or hub name, an HF object, or a bridge."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from circuitboard.models.bundled import bundled_folder, bundled_names
from circuitboard.models.executor import run_tail
from circuitboard.models.model import HELD_MEMORY, Facts, Model
from circuitboard.models.proof import mixing, prove, window
from circuitboard.models.seam import open_delegated, scores_are_hidden
from circuitboard.spec.address import HOOKS
from circuitboard.spec.errors import ModelError

CHECK_TOKENS = 8

DeviceMap = str | dict[str, int | str | torch.device]


def load(
    source: Any,
    tokenizer: Any = None,
    *,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    device_map: DeviceMap | None = None,
    held_memory: int = HELD_MEMORY,
) -> Model:
    """Loads a model and checks it against its untouched original.

    Args:
        source: a bundled name (``"names"``), a Hugging Face folder or hub name, a Hugging Face
            model object (with ``tokenizer=``), or a TransformerLens ``TransformerBridge``. An
            object is used as it is, not copied: the bridge then runs through its modules.
        tokenizer: needed with a Hugging Face model object.
        device: where it shall run; as it is, or the CPU, unless told.
        dtype: float32 unless told; an object keeps its own.
        device_map: how a name or folder is spread over devices, as transformers takes it:
            ``"auto"``, or modules and devices (needs ``accelerate``). An object that is spread
            already stays as it is.
        held_memory: bytes that held runs may take; ``model.held_memory`` later.

    Returns:
        The model; ``model.self_check`` holds the largest logit difference found.

    Raises:
        ModelError: it cannot be loaded, is not a decoding transformer, or holds NaNs.
    """
    if isinstance(source, Model):
        return source
    if type(source).__name__ == "TransformerBridge":
        model = _from_bridge(source, tokenizer)
        model.held_memory = held_memory
        return model
    folder = None
    named = isinstance(source, str | os.PathLike)
    if device_map is not None and (device is not None or not named):
        raise _map_unfit()
    if isinstance(source, str | os.PathLike):
        name, folder = _find(os.fspath(source))
        hf_model, tokenizer = _read(folder or name, tokenizer, dtype, device_map)
        name = Path(name).name if folder else name
    else:
        hf_model, name = source, _name_of(source)
    if tokenizer is None:
        raise ModelError(
            "A Hugging Face model object needs its tokenizer.",
            "Call circuitboard.load(model, tokenizer=AutoTokenizer.from_pretrained(...)).",
        )
    _check_placed(hf_model, name)
    if device is not None:
        hf_model.to(device)
    model = _from_hf(hf_model.eval(), tokenizer, name)
    model.folder = folder
    model.held_memory = held_memory
    if isinstance(source, str | os.PathLike):
        model.source = os.fspath(source)
        model.reread = _reader(model.source, folder, tokenizer, dtype)
    return model


def _reader(
    source: str, folder: str | None, tokenizer: Any, dtype: torch.dtype | None
) -> Callable[[], Model]:
    """What reads the same files again, on the CPU."""
    before = _stamp(folder)

    def reread() -> Model:
        if _stamp(folder) != before:
            raise ModelError(
                f"The files of {source} were changed after it was loaded.",
                "Its first weights are gone: load it again.",
            )
        return load(source, tokenizer, dtype=dtype)

    return reread


def _stamp(folder: str | None) -> list[tuple[str, int, int]]:
    files = sorted(Path(folder).glob("*.safetensors*")) if folder else []
    return [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]


def _map_unfit() -> ModelError:
    return ModelError(
        "device_map= spreads a model that is read by name or folder, without device=.",
        "Spread an object before: accelerate.dispatch_model(model, device_map).",
    )


def _check_placed(hf_model: Any, name: str) -> None:
    if any(weight.is_meta for weight in hf_model.parameters()):
        raise ModelError(
            f"Some weights of {name} lie on no device.",
            "Offloading to memory or disk is not supported: give it devices enough.",
        )


def plain(source: str | os.PathLike[str], dtype: torch.dtype | None = None) -> Any:
    """The untouched Hugging Face model of a name or folder, for comparison."""
    name, folder = _find(os.fspath(source))
    return _read(folder or name, None, dtype)[0].eval()


def _find(name: str) -> tuple[str, str | None]:
    if name in bundled_names():
        return name, str(bundled_folder(name))
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelError(
                f"The folder {name} holds no config.json.",
                "Give a folder written by save_pretrained: config, weights and tokenizer.",
            )
        return name, str(path)
    if path.is_absolute() or name.startswith((".", "~")):
        raise ModelError(f"There is no folder {name}.", "Check the path.")
    return name, None


def _read(
    place: str, tokenizer: Any, dtype: torch.dtype | None, device_map: DeviceMap | None = None
) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as hf_logging

    silent = not hf_logging.is_progress_bar_enabled()
    hf_logging.disable_progress_bar()
    try:
        tokenizer = tokenizer or AutoTokenizer.from_pretrained(place)
        model = AutoModelForCausalLM.from_pretrained(
            place,
            dtype=dtype or torch.float32,
            use_safetensors=True,
            attn_implementation="eager",
            device_map=device_map,
        )
    except Exception as error:  # the libraries raise a dozen kinds here
        near = get_close_matches(place, bundled_names(), n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ModelError(
            f"{place} cannot be loaded: {str(error).splitlines()[0]}",
            f"{hint}Bundled: {', '.join(bundled_names())}; or give a folder with safetensors "
            "weights, or a hub name that this machine can reach.",
        ) from error
    finally:
        if not silent:
            hf_logging.enable_progress_bar()
    return model, tokenizer


def _name_of(hf_model: Any) -> str:
    config = getattr(hf_model, "config", None)
    if config is None:
        raise ModelError(
            f"A {type(hf_model).__name__} is not a model that can be loaded.",
            "Give a name, a folder, a Hugging Face model, or a TransformerBridge.",
        )
    return getattr(config, "_name_or_path", "") or getattr(config, "model_type", "model")


def _from_hf(hf_model: Any, tokenizer: Any, name: str) -> Model:
    from transformer_lens.model_bridge import TransformerBridge

    config = hf_model.config
    if not getattr(config, "architectures", None):
        config.architectures = [type(hf_model).__name__]
    tokens = _check_tokens(config.get_text_config().vocab_size, hf_model.device)
    try:
        with torch.no_grad():
            original = hf_model(tokens).logits.float()
        hf_model.set_attn_implementation("eager")
        with _with_home(tokenizer) as homed:
            bridge = TransformerBridge.boot_transformers(
                f"local/{name}", hf_model=hf_model, tokenizer=homed, dtype=hf_model.dtype
            )
    except Exception as error:  # any failure in a foreign model means the same to the user
        raise ModelError(
            f"{name} cannot be opened: {str(error).splitlines()[0][:300]}",
            "Circuitboard reads decoding transformers that TransformerLens 4 knows.",
        ) from error
    return _finish(bridge, tokenizer, name, original)


def _from_bridge(bridge: Any, tokenizer: Any) -> Model:
    tokenizer = tokenizer or bridge.tokenizer
    name = getattr(bridge.cfg, "model_name", None) or "model"
    device = next(bridge.original_model.parameters()).device
    tokens = _check_tokens(bridge.cfg.d_vocab, device, bridge.cfg.n_ctx)
    bridge.eval()
    with torch.no_grad():
        original = bridge(tokens, return_type="logits").float()
    if tokenizer is None:
        raise ModelError(
            "This TransformerBridge has no tokenizer.",
            "Give one: circuitboard.load(bridge, tokenizer=...); "
            "circuitboard.models.number_tokenizer(n) makes one for toy vocabularies.",
        )
    return _finish(bridge, tokenizer, name, original)


def _finish(bridge: Any, tokenizer: Any, name: str, original: Tensor) -> Model:
    open_delegated(bridge)
    tokens = _check_tokens(
        original.shape[-1], next(bridge.original_model.parameters()).device, original.shape[1]
    )
    fired = _fire(bridge, tokens)
    bare = [i for i in range(bridge.cfg.n_layers) if HOOKS["head.z"].format(l=i) not in fired.hooks]
    if bare:
        raise ModelError(
            f"{name} cannot be opened: block {bare[0]} has no attention heads.",
            "Circuitboard reads transformers whose every block has attention.",
        )
    model = Model(bridge, tokenizer, _facts(bridge, name, fired), fired.hooks)
    final = prove(model, tokens)
    logits = run_tail(model, final).float()
    model.raise_if_not_finite(logits)
    model.self_check = float((logits - original).abs().max())
    few = [0, logits.shape[-1] // 2, logits.shape[-1] - 1]
    with torch.no_grad():
        narrow = model.narrow_logits(final[0], few)
    error = float((narrow - logits[0][:, few]).abs().max())
    model.narrow_exact = error <= 1e-4 * max(1.0, float(logits.abs().max()))
    return model


def _check_tokens(vocabulary: int, device: Any, length: int = CHECK_TOKENS) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    length = min(length, CHECK_TOKENS)
    return torch.randint(0, vocabulary, (1, length), generator=generator).to(device)


@contextmanager
def _with_home(tokenizer: Any) -> Iterator[Any]:
    """A tokenizer that knows a folder it can be read from again: the bridge asks for one."""
    if getattr(tokenizer, "name_or_path", ""):
        yield tokenizer
        return
    from transformers import AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        yield AutoTokenizer.from_pretrained(folder)


@dataclass
class _Fired:
    """What one forward pass showed: hook points reached, the blocks' habit, neurons a layer."""

    hooks: dict[str, Any]
    returns_tuple: bool
    d_mlp: int


def _fire(bridge: Any, tokens: Tensor) -> _Fired:
    widths: dict[int, int] = {}
    tuples: list[bool] = []
    points = bridge.hook_dict

    def reached(module: Any, _inputs: Any, out: Any) -> None:
        widths[id(module)] = out.shape[-1] if isinstance(out, Tensor) and out.ndim else 0

    handles = [point.register_forward_hook(reached) for point in points.values()]
    handles.append(
        bridge.blocks[0].register_forward_hook(
            lambda _module, _inputs, out: tuples.append(isinstance(out, tuple))
        )
    )
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bridge.original_model(tokens)
    finally:
        for handle in handles:
            handle.remove()
    hooks = {name: point for name, point in points.items() if id(point) in widths}
    for layer, block in enumerate(bridge.blocks):
        if scores_are_hidden(block):
            hooks.pop(HOOKS["head.scores"].format(l=layer), None)
    post = hooks.get(HOOKS["mlp.post"].format(l=0))
    return _Fired(hooks, tuples[0], widths[id(post)] if post is not None else 0)


def _facts(bridge: Any, name: str, fired: _Fired) -> Facts:
    cfg, hooks = bridge.cfg, fired.hooks
    config = getattr(bridge.original_model, "config", None)
    config = config.get_text_config() if config and hasattr(config, "get_text_config") else None
    has_mlp = HOOKS["mlp"].format(l=0) in hooks
    if cfg.parallel_attn_mlp or not has_mlp:
        for layer in range(cfg.n_layers):
            hooks.pop(HOOKS["resid_mid"].format(l=layer), None)
    norm: Literal["LN", "RMS", "none"] = "none"
    if HOOKS["ln1.scale"].format(l=0) in hooks:
        norm = "RMS" if bridge.blocks[0].ln1.uses_rms_norm else "LN"
    return Facts(
        name=name,
        n_layers=cfg.n_layers,
        n_heads=cfg.n_heads,
        n_kv_heads=getattr(cfg, "n_key_value_heads", None) or cfg.n_heads,
        d_model=cfg.d_model,
        d_head=cfg.d_head,
        d_mlp=fired.d_mlp,
        d_vocab=_vocabulary(bridge),
        n_ctx=int(cfg.n_ctx),
        norm=norm,
        positional=str(cfg.positional_embedding_type or "none"),
        parallel=bool(cfg.parallel_attn_mlp),
        attn_only=not has_mlp,
        gated=bool(cfg.gated_mlp),
        softcap=getattr(config, "final_logit_softcapping", None),
        window=window(config),
        returns_tuple=fired.returns_tuple,
        **mixing(config),
    )


def _vocabulary(bridge: Any) -> int:
    head = getattr(bridge.original_model, "get_output_embeddings", lambda: None)()
    weight = getattr(head, "weight", None)
    return int(weight.shape[0]) if weight is not None else int(bridge.cfg.d_vocab)


def default_prompt(model: Model) -> dict[str, str]:
    """Prompt, target, foil and contrast of a bundled model; a plain prompt for others."""
    if model.folder:
        path = Path(model.folder) / "prompts.json"
        if path.is_file():
            first = json.loads(path.read_text())
            first = first[0] if isinstance(first, list) else first["prompts"][0]
            keys = [key for key in ("prompt", "target", "foil", "contrast") if key in first]
            return {key: str(first[key]) for key in keys}
    return {"prompt": model.token_text(min(10, model.facts.d_vocab - 1)), "target": "", "foil": ""}


def reference_prompts(model: Model) -> list[str]:
    """The reference prompts that a bundled model comes with, for means and resampling."""
    path = Path(model.folder or "") / "reference.json"
    if model.folder is None or not path.is_file():
        return []
    return [str(row["prompt"]) for row in json.loads(path.read_text())]
