"""Tiny real models for tests of what stands round one: transformers' own classes and ``generate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SPECIAL = {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>"}


def word_tokenizer(words: Sequence[str]) -> Any:
    """A tokenizer of whole words between blanks; ``<unk>`` for any other.

    Words in angle brackets are tokens that need no blanks round them, as models that think have theirs.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    plain = [word for word in words if not word.startswith("<")]
    vocabulary = {word: number for number, word in enumerate([*SPECIAL.values(), *plain])}
    model = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    model.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=model, **SPECIAL)
    tokenizer.add_tokens([word for word in words if word.startswith("<")])
    return tokenizer


def byte_tokenizer() -> Any:
    """A tokenizer of single bytes, so that any text and any broken text can be written."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {word: number for number, word in enumerate([*SPECIAL.values(), *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL)


def chain_model(tokenizer: Any, follows: Mapping[str, str], layers: int = 1, width: int = 0) -> Any:
    """A Qwen2 whose weights are a chain: after each word comes the one that ``follows`` says, else ``<eos>``.

    Embeddings are one-hot, attention and feed-forward add nothing, and the head maps each word to the next.
    ``layers`` and ``width`` (at least the size of the vocabulary) only make it work harder.
    """
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    size = len(tokenizer)
    width = max(width, size)
    config = Qwen2Config(
        vocab_size=size,
        hidden_size=width + width % 2,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=512,
        tie_word_embeddings=False,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    model = Qwen2ForCausalLM(config).eval()
    follow = {
        tokenizer.convert_tokens_to_ids(a): tokenizer.convert_tokens_to_ids(b) for a, b in follows.items()
    }
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(size, config.hidden_size))
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        for word in range(size):
            model.lm_head.weight[follow.get(word, tokenizer.eos_token_id), word] = 1
    return model


def random_model(tokenizer: Any, seed: int, positions: int = 512) -> Any:
    """A GPT-2 of random weights, wide enough apart that greedy texts differ from prompt to prompt."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=positions,
        n_embd=48,
        n_layer=2,
        n_head=4,
        initializer_range=0.6,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return GPT2LMHeadModel(config).eval()


def requests(prompts: Sequence[str], kwargs: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[Any]:
    """lm-eval's requests for these prompts; one mapping of generation arguments for all, or one each."""
    from lm_eval.api.instance import Instance

    each = [kwargs] * len(prompts) if isinstance(kwargs, Mapping) else kwargs
    return [
        Instance("generate_until", {"id": f"doc/{i}"}, (prompt, dict(how)), 0, ("task", i, 1))
        for i, (prompt, how) in enumerate(zip(prompts, each, strict=True))
    ]
