"""The published implementation of EAP-IG at work, in a process of its own.

Started by ``gradients.py`` with ``PYTHONPATH`` set to a TransformerLens that has
``HookedTransformer``. It reads one JSON line for each piece of work and answers with one. Three
things are done to the published code, none of which changes what it computes: token ids are handed
in as they are, the device "cuda" that it names is the CPU where there is no CUDA, and the weights
are used as they are (no folding of norms).
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from meter import Timing, once, weighed

CPU = torch.device("cpu")


def hooked(folder: str) -> Any:
    """A ``HookedTransformer`` with the raw weights of a saved GPT-2."""
    lens = importlib.import_module("transformer_lens")
    conversions = importlib.import_module("transformer_lens.pretrained.weight_conversions")
    plain = GPT2LMHeadModel.from_pretrained(folder, local_files_only=True)
    c = plain.config
    config = lens.HookedTransformerConfig(
        n_layers=c.n_layer, n_heads=c.n_head, d_model=c.n_embd, d_head=c.n_embd // c.n_head,
        d_mlp=4 * c.n_embd, n_ctx=c.n_positions, d_vocab=c.vocab_size, act_fn="gelu_new",
        normalization_type="LN", eps=c.layer_norm_epsilon, device="cpu",
        use_attn_result=True, use_split_qkv_input=True, use_hook_mlp_in=True,
    )  # fmt: skip
    model = lens.HookedTransformer(config)
    weights = conversions.convert_gpt2_weights(plain, config)
    model.load_and_process_state_dict(
        weights, fold_ln=False, center_writing_weights=False, center_unembed=False,
        fold_value_biases=False,
    )  # fmt: skip
    return model.eval()


def adapt(attribution: Any) -> None:
    """Token ids as they are, and the CPU where there is no CUDA."""

    def ready(_model: Any, rows: list[list[int]], max_length: int | None = None) -> Any:
        tokens = torch.tensor(rows)
        mask = torch.ones_like(tokens)
        return tokens, mask, mask.sum(1), tokens.shape[1]

    plain_zeros = torch.zeros

    def zeros(*size: Any, **given: Any) -> Tensor:
        if given.get("device") == "cuda" and not torch.cuda.is_available():
            given["device"] = "cpu"
        return plain_zeros(*size, **given)

    attribution.tokenize_plus = ready
    vars(torch)["zeros"] = zeros


def main() -> None:
    """Answers one line after the other, until there are no more."""
    checkout, folder, out = sys.argv[1:4]
    sys.path.insert(0, str(Path(checkout) / "src"))
    attribution = importlib.import_module("eap.attribute")
    graphs = importlib.import_module("eap.graph")
    adapt(attribution)
    model = hooked(folder)
    timings: dict[str, Timing] = {}
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        asked = json.loads(line)
        target, foil = asked["pair"]

        def metric(logits: Tensor, *_: Any, ends: tuple[int, int] = (target, foil)) -> Tensor:
            last = logits[:, -1]
            return (last[:, ends[0]] - last[:, ends[1]]).sum()

        def work(asked: dict[str, Any] = asked, metric: Any = metric) -> np.ndarray:
            graph = graphs.Graph.from_model(model)
            batch = [(asked["clean"], asked["corrupt"], asked["clean"])]
            attribution.attribute(
                model, graph, batch, metric, asked["method"], ig_steps=asked["steps"], quiet=True
            )
            return graph.scores.detach().float().numpy()

        timing = timings.setdefault(asked["name"], Timing())
        if asked["first"]:
            np.save(Path(out) / "scores.npy", weighed(timing, work, CPU))
        else:
            once(timing, work, CPU)
        answer = {"wall": timing.wall, "cpu": timing.cpu, "bytes": timing.bytes}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
