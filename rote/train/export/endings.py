"""The tokens that end a response, and a generation config that names every one of them.

A model that ends its turn with ``<|im_end|>`` and is generated from with ``<|endoftext|>`` alone as the end
goes on to write the next question.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from rote.errors import DataError
from rote.train.recipe import PromptSpec
from rote.train.tokens import end_of_turn

#: What ends a turn in the chat templates of Qwen and SmolLM, Gemma, Llama 3 and 4, Phi, Command, OpenChat.
TURN_ENDS: Final = (
    "<|im_end|>",
    "<end_of_turn>",
    "<turn|>",
    "<|eot_id|>",
    "<|eot|>",
    "<|end|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|end_of_turn|>",
)


def ids_of(value: Any) -> list[int]:
    """An ``eos_token_id`` as configurations hold it (one number, several, none) as a list."""
    if value is None:
        return []
    return [int(each) for each in value] if isinstance(value, Iterable) else [int(value)]


def ends(tokenizer: Any, configs: Iterable[Any]) -> dict[int, str]:
    """Every token that ends a response, by id, the tokenizer's own first: of it, of its chat template, of the
    configurations' ``eos_token_id``, and the known ends of a turn that are in the vocabulary.

    Raises DataError where there is none, or where a configuration names one outside the vocabulary.
    """
    found = ids_of(tokenizer.eos_token_id)
    for config in configs:
        found += ids_of(getattr(config, "eos_token_id", None))
    if tokenizer.chat_template and tokenizer.eos_token_id is not None:
        found.append(_of_template(tokenizer))
    vocabulary = tokenizer.get_vocab()
    found += [vocabulary[token] for token in TURN_ENDS if token in vocabulary]
    names = {number: tokenizer.convert_ids_to_tokens(number) for number in dict.fromkeys(found)}
    lost = [number for number, name in names.items() if name is None]
    if lost:
        raise DataError(
            f"is {lost[0]}, and the tokenizer has {len(tokenizer):,} tokens: they are not of one model",
            field="eos_token_id",
        )
    if not names:
        raise DataError(
            "neither tokenizer nor configuration names a token that ends a text", field="eos_token"
        )
    return names


def _of_template(tokenizer: Any) -> int:
    from jinja2 import TemplateError

    try:
        return end_of_turn(PromptSpec(chat=True), tokenizer)
    except (TemplateError, ValueError) as error:
        raise DataError(
            f"cannot show one question and one answer: {' '.join(str(error).split())}", field="chat_template"
        ) from None


def generation_config(existing: Any, tokenizer: Any, tokens: Iterable[int]) -> Any:
    """A copy of a model's generation config with these ends, padding and beginning of the tokenizer.

    Raises DataError where the existing one contradicts itself.
    """
    from transformers import GenerationConfig

    settings = dict(existing.to_diff_dict()) if existing is not None else {}
    for name in ("_from_model_config", "transformers_version", "eos_token_id"):
        settings.pop(name, None)
    all_ends = list(tokens)
    settings["eos_token_id"] = all_ends if len(all_ends) > 1 else all_ends[0]
    if tokenizer.pad_token_id is not None:
        settings["pad_token_id"] = tokenizer.pad_token_id
    if tokenizer.bos_token_id is not None:
        settings["bos_token_id"] = tokenizer.bos_token_id
    config = GenerationConfig(**settings)
    try:
        config.validate(strict=True)
    except ValueError as error:
        raise DataError(f"contradicts itself: {error}", field="generation_config") from None
    return config
