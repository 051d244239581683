"""Rows as token ids: what is predicted, what is only read, and what is too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rote.errors import DataError
from rote.train.recipe import PromptSpec
from rote.train.rows import Row, completion_text, prompt_text

#: The label of a token that no loss is taken on: torch's ``ignore_index``.
IGNORED: Final = -100

#: An answer that no chat template writes by itself.
_ANSWER: Final = "rote looks for what follows"

#: A problem whose prompt's token ids are kept in the manifest: another template, tokenizer or instruction
#: gives other ids.
FIXTURE: Final = Row(
    id="fixture",
    source="rote",
    template_id="rote/fixture",
    variant="original",
    question="A crate holds 12 bottles. How many bottles are in 3 crates?",
    solution="There are 12 * 3 = <<12*3=36>>36 bottles.\n#### 36",
    answer="36",
)


@dataclass(frozen=True, slots=True)
class Example:
    """One row for supervised training: token ids, and the same as labels with the prompt ignored."""

    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True, slots=True)
class Fitting:
    """Rows that fit, as indices into what was given, and how many do not; lengths are in tokens."""

    kept: tuple[int, ...]
    too_long: int
    longest_prompt: int
    longest: int
    tokens: int


def prompt_ids(text: str, spec: PromptSpec, tokenizer: Any) -> list[int]:
    """A prompt as token ids, opened by one beginning-of-sequence token where the tokenizer has one.

    A chat template writes its own; to a plain prompt the tokenizer adds it. Raises DataError for a prompt
    that opens with two of them.
    """
    return prompts_ids([text], spec, tokenizer)[0]


def prompts_ids(texts: Sequence[str], spec: PromptSpec, tokenizer: Any) -> list[list[int]]:
    """:func:`prompt_ids` of many prompts, which is several times faster than one after another."""
    found = tokenizer(list(texts), add_special_tokens=not spec.chat)["input_ids"]
    return [_checked(list(ids), spec, tokenizer) for ids in found]


def _checked(ids: list[int], spec: PromptSpec, tokenizer: Any) -> list[int]:
    bos = tokenizer.bos_token_id
    # Further on it may stand again: some models begin every turn with it.
    if bos is not None and bos != tokenizer.eos_token_id and ids[:2] == [bos, bos]:
        raise DataError(
            f"the prompt begins with 2 beginning-of-sequence tokens ({tokenizer.bos_token!r}); "
            "it must have one",
            field="prompt",
        )
    # Some tokenizers add the end of text, too, after which a model has nothing to say.
    return ids[:-1] if ids and ids[-1] == tokenizer.eos_token_id and not spec.chat else ids


def example(row: Row, spec: PromptSpec, tokenizer: Any) -> Example:
    """A row for supervised training: the response and its end are predicted, the prompt is not."""
    return examples([row], spec, tokenizer)[0]


def examples(rows: Sequence[Row], spec: PromptSpec, tokenizer: Any) -> list[Example]:
    """Rows for supervised training, in their order."""
    if not rows:
        return []
    prompts = prompts_ids([prompt_text(row, spec, tokenizer) for row in rows], spec, tokenizer)
    texts = [completion_text(row, spec) for row in rows]
    completions = tokenizer(texts, add_special_tokens=False)["input_ids"]
    end = end_of_turn(spec, tokenizer)
    return [
        Example([*prompt, *completion, end], [*[IGNORED] * len(prompt), *completion, end])
        for prompt, completion in zip(prompts, completions, strict=True)
    ]


def end_of_turn(spec: PromptSpec, tokenizer: Any) -> int:
    """The token that ends a response: what the chat template writes after an answer, else end of text.

    Raises DataError for a chat template that leaves the answer out.
    """
    if not spec.chat:
        return int(tokenizer.eos_token_id)
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _ANSWER}]
    closed = tokenizer.apply_chat_template(turns, tokenize=False)
    _, shown, after = closed.rpartition(_ANSWER)
    if not shown:
        raise DataError(
            f"the tokenizer's chat template leaves the answer out; it gives {closed[:80]!r}",
            field="prompt.chat",
        )
    tail = tokenizer(after, add_special_tokens=False)["input_ids"]
    special = [i for i in tail if i in set(tokenizer.all_special_ids) | _added(tokenizer)]
    return int(special[0] if special else tokenizer.eos_token_id)


def _added(tokenizer: Any) -> set[int]:
    return set(getattr(tokenizer, "added_tokens_decoder", {}))


def end_tokens(spec: PromptSpec, tokenizer: Any) -> list[int]:
    """Every token that ends a response in training, ascending."""
    return sorted({int(tokenizer.eos_token_id), end_of_turn(spec, tokenizer)})


def fit_examples(
    rows: Sequence[Row], spec: PromptSpec, tokenizer: Any, *, most: int
) -> tuple[list[Example], Fitting]:
    """Examples of at most ``most`` tokens, and what was left out. Raises DataError where none is left."""
    made = examples(rows, spec, tokenizer)
    lengths = [len(each.input_ids) for each in made]
    prompts = [each.labels.count(IGNORED) for each in made]
    fitting = _fit(lengths, prompts, most, "prompt and solution")
    return [made[i] for i in fitting.kept], fitting


def fit_prompts(
    rows: Sequence[Row], spec: PromptSpec, tokenizer: Any, *, most: int
) -> tuple[list[list[int]], Fitting]:
    """Prompts of at most ``most`` tokens as ids. Raises DataError where none is left."""
    prompts = (
        prompts_ids([prompt_text(row, spec, tokenizer) for row in rows], spec, tokenizer) if rows else []
    )
    lengths = [len(ids) for ids in prompts]
    fitting = _fit(lengths, lengths, most, "the prompt")
    return [prompts[i] for i in fitting.kept], fitting


def _fit(lengths: Sequence[int], prompts: Sequence[int], most: int, what: str) -> Fitting:
    kept = tuple(i for i, length in enumerate(lengths) if length <= most)
    if lengths and not kept:
        raise DataError(
            f"no row is left: {what} may have {most} tokens, and the shortest of {len(lengths):,} rows has "
            f"{min(lengths)}; raise model.max_length",
            field="model.max_length",
        )
    return Fitting(
        kept=kept,
        too_long=len(lengths) - len(kept),
        longest_prompt=max((prompts[i] for i in kept), default=0),
        longest=max((lengths[i] for i in kept), default=0),
        tokens=sum(lengths[i] for i in kept),
    )


def fixture(spec: PromptSpec, tokenizer: Any) -> dict[str, Any]:
    """What a run's manifest keeps of its prompt: text and token ids of one problem, and the end tokens."""
    text = prompt_text(FIXTURE, spec, tokenizer)
    return {
        "format": spec.format,
        "chat": spec.chat,
        "system": spec.system,
        "text": text,
        "ids": " ".join(map(str, prompt_ids(text, spec, tokenizer))),
        "end_tokens": end_tokens(spec, tokenizer),
    }
