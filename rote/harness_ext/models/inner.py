"""The model that another one stands round: made by name, told apart, asked in batches."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from operator import itemgetter
from typing import Any, Final

from lm_eval.api.model import LM

from rote.errors import MissingExtraError, UsageError
from rote.harness_ext.models.generation import Finish, Generation, Response, generation_of
from rote.harness_ext.settings import unknown_key

#: Models of lm-eval that ours replace, since ours tell why a response ended.
TELLING: Final[Mapping[str, str]] = {
    "hf": "rote-hf",
    "hf-auto": "rote-hf",
    "huggingface": "rote-hf",
    "vllm": "rote-vllm",
}

#: Packages that models import, and the extras that bring them.
_EXTRAS: Final[Mapping[str, str]] = {
    "torch": "hf",
    "transformers": "hf",
    "accelerate": "hf",
    "peft": "hf",
    "vllm": "vllm",
}

#: Other names of ``max_gen_toks`` in generation arguments, in lm-eval's order of precedence.
LIMITS: Final = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")


def make_inner(name: str, arguments: Mapping[str, Any], outer: Sequence[str], place: str) -> LM:
    """The model ``name`` of lm-eval with these arguments.

    ``outer`` are the arguments of whoever stands round it, which a slip of the pen may have been meant for;
    ``place`` opens the messages.

    Raises
    ------
    UsageError: no such model, an argument that the model does not know.
    MissingExtraError: what the model needs is not installed.
    """
    import lm_eval.models  # noqa: F401
    from lm_eval.api.registry import get_model, model_registry

    from rote.harness_ext import models

    models.register()
    if name not in model_registry:
        raise unknown_key(name, list(model_registry), f"model for {place}:")
    if name == "rote-planted" or name == place:
        raise UsageError(f"{place}: model={name} cannot think; name one that generates, such as hf")
    try:
        inner_class = get_model(TELLING.get(name, name))
    except ImportError as error:
        extra = _EXTRAS.get(error.name or "")
        if extra is None:
            raise
        raise MissingExtraError(str(error.name), extra) from error
    _check_arguments(inner_class, name, arguments, outer, place)
    try:
        inner: LM = inner_class.create_from_arg_obj(dict(arguments))
    except TypeError as error:
        if "unexpected keyword argument" in str(error) or "required positional argument" in str(error):
            raise UsageError(f"{place}: model={name}: {error}") from error
        raise
    return told(inner)


def _check_arguments(
    inner_class: type, name: str, arguments: Mapping[str, Any], outer: Sequence[str], place: str
) -> None:
    """Whether the model takes these arguments. hf and vllm hand what they do not know on to their engines."""
    known: set[str] = set()
    for base in inner_class.__mro__:
        if "__init__" in vars(base) and base is not object:
            known |= set(inspect.signature(vars(base)["__init__"]).parameters)
    known -= {"self", "args", "kwargs"}
    hands_on = name in TELLING or name in TELLING.values()
    for key in arguments:
        if key in known or (hands_on and not get_close_matches(key, outer, n=1, cutoff=0.75)):
            continue
        raise unknown_key(key, [*outer, *sorted(known)], f"argument of {place} with model={name}:")


def told(inner: LM) -> LM:
    """The model itself; one behind an API from now on tells what the server says of each response."""
    parse = getattr(inner, "parse_generations", None)
    if parse is None:
        return inner

    def parse_and_tell(outputs: Any, **kwargs: Any) -> list[Any]:
        texts = parse(outputs=outputs, **kwargs)
        facts = [
            f for output in (outputs if isinstance(outputs, list) else [outputs]) for f in _facts(output)
        ]
        if len(facts) != len(texts):
            return list(texts)
        return [
            text if text is None else Response(text, fact) for text, fact in zip(texts, facts, strict=True)
        ]

    inner.parse_generations = parse_and_tell
    return inner


def _facts(output: Any) -> list[Generation]:
    """What one body of an OpenAI-like server says of its choices."""
    choices = sorted(output.get("choices") or (), key=itemgetter("index"))
    usage = output.get("usage") or {}
    alone = len(choices) == 1  # usage is of all choices together
    found = []
    for choice in choices:
        reason = choice.get("finish_reason")
        finish: Finish | None = reason if reason in ("stop", "length") else None
        by = choice.get("stop_reason")  # vllm's servers: the stop string, or none for the end of text
        found.append(
            Generation(
                prompt_tokens=usage.get("prompt_tokens") if alone else None,
                tokens=usage.get("completion_tokens") if alone else None,
                finish=finish,
                stop=by if isinstance(by, str) else None,
            )
        )
    return found


class Asker:
    """Puts prompts to a model in lm-eval's way and counts what comes back.

    Parameters
    ----------
    inner: any model of lm-eval.
    place: opens the messages of errors.
    """

    def __init__(self, inner: LM, place: str) -> None:
        self.inner = inner
        self.place = place

    def ask(self, requests: Sequence[Any], prompts: Sequence[str], kwargs: Sequence[Any]) -> list[str]:
        """Responses to the prompts, which stand in place of the requests' own."""
        asked = [
            dataclasses.replace(
                request,
                arguments=(prompt, how, *request.args[2:]),
                metadata=(request.task_name, request.doc_id, request.repeats),
                resps=[],
                filtered_resps={},
            )
            for request, prompt, how in zip(requests, prompts, kwargs, strict=True)
        ]
        return list(self.inner.generate_until(asked)) if asked else []

    def count(self, text: str) -> int | None:
        """Tokens of a text; None without a tokenizer."""
        if getattr(self.inner, "tokenizer", None) is None or not hasattr(self.inner, "tok_encode"):
            return None
        return len(self.inner.tok_encode(text, add_special_tokens=False)) if text else 0

    def facts(self, response: str, limit: int) -> Generation:
        """What is known of a response, at least its tokens and why it ended.

        A model that does not tell is counted with its tokenizer: a response of as many tokens as it may
        have was cut. Raises UsageError where there is neither.
        """
        found = generation_of(response) or Generation()
        tokens = found.tokens if found.tokens is not None else self.count(response)
        if tokens is None:
            raise UsageError(
                f"{self.place}: this model neither says how many tokens it generates nor has a tokenizer to "
                "count them with; give it one, such as tokenizer=<name> for a model behind an API"
            )
        finish: Finish = found.finish or ("length" if tokens >= limit else "stop")
        return dataclasses.replace(found, tokens=tokens, finish=finish)

    def limit(self, kwargs: Mapping[str, Any]) -> int:
        """The most tokens that a request asks for, or that the model generates when it asks for nothing."""
        for key in LIMITS:
            if kwargs.get(key) is not None:
                return int(kwargs[key])
        return int(getattr(self.inner, "max_gen_toks", getattr(self.inner, "_max_gen_toks", 256)))

    def knows(self, token: str) -> bool | None:
        """Whether the model's tokenizer has the token as one; None where it has no tokenizer to ask."""
        tokenizer = getattr(self.inner, "tokenizer", None)
        if tokenizer is None or isinstance(tokenizer, str):
            return None
        if hasattr(tokenizer, "convert_tokens_to_ids"):
            number = tokenizer.convert_tokens_to_ids(token)
            return number is not None and number != getattr(tokenizer, "unk_token_id", None)
        return self.count(token) == 1


class AroundLM(LM):
    """A model round ``inner``: what lm-eval asks besides responses is the inner model's to say."""

    inner: LM

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> Any:
        """The inner model's own."""
        return self.inner.apply_chat_template(chat_history, add_generation_prompt)

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The inner model's own."""
        return self.inner.chat_template(chat_template)

    def __getattr__(self, name: str) -> Any:
        """What lm-eval looks up besides: tokenizer, max_length, batch_sizes, eot_token_id …"""
        if name.startswith("_") or name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)

    @property
    def tokenizer_name(self) -> str:
        """The inner model's own."""
        return str(self.inner.tokenizer_name)

    @property
    def rank(self) -> int:
        """The inner model's own: it may be one of several processes."""
        return int(self.inner.rank)

    @property
    def world_size(self) -> int:
        """The inner model's own."""
        return int(self.inner.world_size)

    @property
    def device(self) -> Any:
        """The inner model's own."""
        return self.inner.device

    def all_gather(self, tensor: Any) -> Any:
        """The inner model's own."""
        return self.inner.all_gather(tensor)

    def gather_object(self, obj: Any, dst: int = 0) -> Any:
        """The inner model's own."""
        return self.inner.gather_object(obj, dst)

    def barrier(self) -> None:
        """The inner model's own."""
        self.inner.barrier()
