"""One row of training data, and the texts that a model sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rote.errors import DataError
from rote.perturb.linear import prompts as linear_prompts
from rote.problem import Problem
from rote.prompts import TARGET_DELIMITER, Format, fold_system, get_format, messages, render, target_text
from rote.rational import format_number
from rote.train.recipe import PromptSpec

#: What a chat template is asked, to see whether it shows a system turn.
_PROBE: Final = "rote asks whether this is shown"


@dataclass(frozen=True, slots=True)
class Row:
    """A problem with a worked solution.

    Attributes
    ----------
    id: of the problem; rows of one data set differ in it.
    source, template_id, variant: where it comes from; rows of one template are siblings.
    question: the problem.
    solution: a chain of thought that ends in ``#### <answer>``, calculator annotations included.
    answer: the gold as text (``18``, ``5/3``); of a system, that of its first unknown.
    unknowns: of a system of equations the gold of each unknown, else empty.
    traps: wrong answers that let an inert clause in, as text.
    thinking: what a reasoning trace thought before the solution; empty without one.
    """

    id: str
    source: str
    template_id: str
    variant: str
    question: str
    solution: str
    answer: str
    unknowns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    traps: tuple[str, ...] = ()
    thinking: str = ""

    @property
    def is_system(self) -> bool:
        return bool(self.unknowns)


def problem_row(problem: Problem) -> Row:
    """A problem of any source as a row."""
    return Row(
        id=problem.id,
        source=problem.source,
        template_id=problem.template_id,
        variant=problem.variant,
        question=problem.question,
        solution=problem.solution,
        answer=format_number(problem.answer),
        traps=tuple(format_number(trap.value) for trap in problem.traps),
    )


def format_of(row: Row, spec: PromptSpec) -> Format:
    """The format that a response to the row must keep: systems have their own."""
    return linear_prompts.FORMAT if row.is_system else get_format(spec.format)


def prompt_turns(row: Row, spec: PromptSpec) -> list[dict[str, str]]:
    """The chat messages of a prompt, a system turn first where the recipe has one."""
    if not row.is_system:
        return messages(row.question, (), spec.format, system=spec.system)
    system = [{"role": "system", "content": spec.system}] if spec.system else []
    return [
        *system,
        {"role": "user", "content": linear_prompts.question_text(row.question, zeroshot=True)},
    ]


def prompt_text(row: Row, spec: PromptSpec, tokenizer: Any = None) -> str:
    """The whole prompt, byte for byte what the zero-shot tasks send (``tokenizer``: for chat alone)."""
    if spec.chat:
        return chat_text(prompt_turns(row, spec), tokenizer)
    if row.is_system:
        return linear_prompts.question_text(row.question, zeroshot=True)
    return render(row.question, (), spec.format)


def completion_text(row: Row, spec: PromptSpec) -> str:
    """The response that is trained on, as the format writes it; a blank opens it after a plain prompt."""
    if row.is_system:
        text = linear_prompts.target_text(row.solution)
    else:
        text = target_text(row.solution, spec.format)
    if row.thinking:
        text = f"<think>\n{row.thinking.strip()}\n</think>\n\n{text}"
    return text if spec.chat else TARGET_DELIMITER + text


def chat_text(turns: list[dict[str, str]], tokenizer: Any) -> str:
    """Turns as the tokenizer's chat template renders them, with the mark that opens a response.

    A system turn opens the first user turn where the template refuses it or leaves it out. Raises DataError
    for a tokenizer without a template, and for a template that refuses the user's turn or leaves it out.
    """
    if not tokenizer.chat_template:
        raise DataError(
            "is true, and the tokenizer has no chat template; use prompt.chat=false, or a model that was "
            "tuned for chat",
            field="prompt.chat",
        )
    from jinja2 import TemplateError

    def rendered(asked: list[dict[str, str]]) -> str:
        return str(tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True))

    if turns[0]["role"] == "system":
        asked = [{"role": "system", "content": _PROBE}, {"role": "user", "content": "."}]
        try:
            shown = _PROBE in rendered(asked)
        except TemplateError:
            shown = False
        turns = turns if shown else fold_system(turns)
    try:
        text = rendered(turns)
    except TemplateError as error:
        raise DataError(f"the tokenizer's chat template fails: {error}", field="prompt.chat") from None
    if turns[-1]["content"].strip() not in text:
        raise DataError(
            f"the tokenizer's chat template leaves the user's turn out; it gives {text[:80]!r}",
            field="prompt.chat",
        )
    return text
