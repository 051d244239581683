"""Models and tokenizers from nothing, as a recipe's ``model.build`` describes them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError
from rote.train.engine import torch_dtype
from rote.train.recipe import ModelSpec, PromptSpec, TinyModel
from rote.train.rows import Row, completion_text, prompt_text

#: Every printable ASCII character, the line feed and what prices and times are written with.
_CHARACTERS: Final = "\n" + "".join(chr(code) for code in range(32, 127)) + "×÷−–’‘“”°£€½¼¾\u00a0"
_SPECIAL: Final = ("<pad>", "<eos>", "<unk>")
#: Rows that a vocabulary is learned from, the first ones.
_LEARNED_FROM: Final = 20_000


def build_into(folder: Path, spec: ModelSpec, prompt: PromptSpec, rows: Sequence[Row], seed: int) -> None:
    """Build the model that the recipe describes and write it to ``folder``, whole or not at all."""
    assert spec.build is not None
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    tokenizer = make_tokenizer(spec.build, prompt, rows)
    build_model(spec.build, tokenizer, seed).to(torch_dtype(spec)).save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    partial.rename(folder)


def make_tokenizer(tiny: TinyModel, prompt: PromptSpec, rows: Sequence[Row]) -> Any:
    """Characters, or a vocabulary learned from what the rows look like to the model."""
    if tiny.tokenizer is not None:
        return _given(tiny.tokenizer)
    if not tiny.vocabulary:
        return character_tokenizer()
    plain = prompt.model_copy(update={"chat": False, "system": None})
    texts = [prompt_text(row, plain) + completion_text(row, plain) for row in rows[:_LEARNED_FROM]]
    return learned_tokenizer(texts, tiny.vocabulary)


def _given(folder: str) -> Any:
    from transformers import AutoTokenizer

    if not (Path(folder) / "tokenizer.json").is_file():
        raise DataError("holds no tokenizer.json", path=Path(folder), field="model.build.tokenizer")
    return AutoTokenizer.from_pretrained(folder)


def character_tokenizer() -> Any:
    """A tokenizer whose tokens are single characters, digits among them; ``<unk>`` for any other."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {token: number for number, token in enumerate([*_SPECIAL, *_CHARACTERS])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    inner.decoder = decoders.Fuse()
    return _fast(inner)


def learned_tokenizer(texts: Sequence[str], size: int) -> Any:
    """A byte-level BPE of ``size`` tokens in which every digit is a token of its own.

    The same texts give the same vocabulary; any text can be written with it.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    return _fast(inner)


def _fast(inner: Any) -> Any:
    from transformers import PreTrainedTokenizerFast

    pad, eos, unk = _SPECIAL
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token=pad,
        eos_token=eos,
        unk_token=unk,
        clean_up_tokenization_spaces=False,
    )


def build_model(tiny: TinyModel, tokenizer: Any, seed: int) -> Any:
    """A Qwen2 of random weights, the same for the same seed."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=tiny.hidden,
        intermediate_size=tiny.feed_forward,
        num_hidden_layers=tiny.layers,
        num_attention_heads=tiny.heads,
        num_key_value_heads=tiny.heads,
        max_position_embeddings=tiny.positions,
        tie_word_embeddings=tiny.tie_embeddings,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Qwen2ForCausalLM(config)
