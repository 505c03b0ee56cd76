"""Small models and tokenizers of our own, in Hugging Face form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

PAD, BOS, EOS, UNK = "<pad>", "<bos>", "<eos>", "<unk>"
SPECIALS = (PAD, BOS, EOS, UNK)


def new_gpt2(
    vocab_size: int, n_ctx: int, d_model: int, n_layers: int, n_heads: int, seed: int
) -> GPT2LMHeadModel:
    """A freshly initialised GPT-2 shape with untied embeddings and no dropout, in float32.

    The token ids of padding, beginning and end are those of :func:`word_tokenizer`.
    The same seed gives the same weights; torch's global random state is left as it was.
    """
    config = GPT2Config(
        vocab_size=vocab_size,
        n_positions=n_ctx,
        n_embd=d_model,
        n_layer=n_layers,
        n_head=n_heads,
        activation_function="gelu_new",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        tie_word_embeddings=False,
        pad_token_id=SPECIALS.index(PAD),
        bos_token_id=SPECIALS.index(BOS),
        eos_token_id=SPECIALS.index(EOS),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GPT2LMHeadModel(config)


def new_llama(
    vocab_size: int, n_ctx: int, d_model: int, n_layers: int, n_heads: int, seed: int
) -> LlamaForCausalLM:
    """A freshly initialised Llama shape: RMS norms, rotary positions, gated MLPs of 2 d neurons.

    Untied embeddings, no biases, no dropout, every head with keys and values of its own. As for
    :func:`new_gpt2`, token ids are those of :func:`word_tokenizer`, and a seed gives the weights.
    """
    config = LlamaConfig(
        vocab_size=vocab_size,
        max_position_embeddings=n_ctx,
        hidden_size=d_model,
        intermediate_size=2 * d_model,
        num_hidden_layers=n_layers,
        num_attention_heads=n_heads,
        num_key_value_heads=n_heads,
        hidden_act="silu",
        tie_word_embeddings=False,
        pad_token_id=SPECIALS.index(PAD),
        bos_token_id=SPECIALS.index(BOS),
        eos_token_id=SPECIALS.index(EOS),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def word_tokenizer(words: Sequence[str], *, pattern: str, n_ctx: int) -> PreTrainedTokenizerFast:
    """A tokenizer with one token a word, which puts ``<bos>`` before every text.

    ``pattern`` matches one word; what lies between matches is dropped. Words outside ``words``
    become ``<unk>``. Decoding sets no space before closing punctuation or inside a year.

    Raises:
        ValueError: a word occurs twice, is a special token, or is not one match of ``pattern``.
    """
    ids = {word: i for i, word in enumerate((*SPECIALS, *words))}
    if len(ids) != len(SPECIALS) + len(words):
        raise ValueError("words must be distinct and must not be special tokens")
    inner = Tokenizer(models.WordLevel(ids, unk_token=UNK))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
    for word in words:
        if [piece for piece, _ in inner.pre_tokenizer.pre_tokenize_str(word)] != [word]:
            raise ValueError(f"{word!r} is not one match of {pattern!r}")
    inner.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, ids[BOS])]
    )
    inner.decoder = decoders.Sequence(
        [
            decoders.WordPiece(prefix="##", cleanup=False),
            decoders.Fuse(),
            decoders.Replace(Regex(r" (?=[.,;)]|:(?! param\b))"), ""),
            decoders.Replace(Regex(r"(?<=:) (?=param\b)"), ""),
            decoders.Replace(Regex(r"(?<=\w) (?=\()"), ""),
            decoders.Replace(Regex(r"(?<=\() "), ""),
            decoders.Replace(Regex(r"(?<=\b\d\d) (?=\d\d\b)"), ""),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNK,
        model_max_length=n_ctx,
        clean_up_tokenization_spaces=False,
    )


def save_model(model: PreTrainedModel, folder: Path) -> None:
    """Writes ``config.json`` and ``model.safetensors`` in float32, as Hugging Face reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    model.config.architectures = [type(model).__name__]
    model.config.dtype = "float32"
    model.config.save_pretrained(folder)
    weights = {k: v.detach().float().contiguous() for k, v in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def load_gpt2(folder: Path, weights: Path | None = None) -> GPT2LMHeadModel:
    """The model in ``folder``, in float32, with attention that can give its patterns.

    ``weights`` names another safetensors file of the same shapes, such as a checkpoint.

    Raises:
        OSError: ``folder`` is not a saved model.
        RuntimeError: ``weights`` does not fit the configuration.
    """
    config = GPT2Config.from_pretrained(folder, local_files_only=True)
    config._attn_implementation = "eager"
    model = GPT2LMHeadModel(config)
    stored = load_file(weights or folder / "model.safetensors")
    model.load_state_dict({name: tensor.float() for name, tensor in stored.items()})
    return model.eval()


def load_model(folder: Path) -> PreTrainedModel:
    """The model of any shape that :func:`save_model` wrote to ``folder``, in float32.

    Raises:
        OSError: ``folder`` is not a saved model.
    """
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


def number_tokenizer(size: int) -> PreTrainedTokenizerFast:
    """A tokenizer for toy vocabularies: token i is written ``t<i>``; ``t0`` begins every text.

    >>> number_tokenizer(4)("t2 t3")["input_ids"]
    [0, 2, 3]
    """
    inner = Tokenizer(models.WordLevel({f"t{i}": i for i in range(size)}, unk_token="t0"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner.post_processor = processors.TemplateProcessing(single="t0 $A", special_tokens=[("t0", 0)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="t0", unk_token="t0", pad_token="t0"
    )
