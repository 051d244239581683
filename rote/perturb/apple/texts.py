"""The two texts of a template: a question of ``{name,own value}``, a solution of ``{expression}``.

A drawn value keeps the sentence in order: it takes a capital where one begins, and the article before it
fits it. Where it is the question's own value, the question's own text stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from rote.perturb.apple import expressions
from rote.perturb.apple.domains import is_default
from rote.perturb.apple.expressions import Env, Expression
from rote.perturb.apple.refusal import RefusedError
from rote.perturb.apple.values import EvaluationError, Value, number, shown, worked
from rote.perturb.language import article

_SLOT: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = re.compile(r"\s*\$?([A-Za-z_]\w*)\s*(?:,(.*))?\Z", re.DOTALL)
_ARTICLE: Final = re.compile(r"(?:(?<=\s)|\A)([Aa]n?) \Z")
_SIGNS: Final = ("$", "€", "£")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a variable in the question."""

    name: str
    text: str | None
    begins: bool
    article: str | None
    money: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A place for an expression in the solution."""

    value: Expression
    begins: bool
    article: str | None


def read_question(text: str, variables: frozenset[str], field: str) -> tuple[str | Slot, ...]:
    """Cut a question at its slots. RefusedError for a slot that is none."""
    parts: list[str | Slot] = []
    at = 0
    for match in _SLOT.finditer(text):
        inner = _NAME.match(match[1])
        if inner is None or inner[1] not in variables:
            raise RefusedError(
                "unknown_name", f"{match[0]!r} is no {{variable,value}} of the template", field=field
            )
        own = inner[2].strip() if inner[2] is not None else None
        literal = text[at : match.start()]
        money = literal.endswith(_SIGNS) or (
            not literal and bool(parts) and isinstance(parts[-1], Slot) and parts[-1].text in _SIGNS
        )
        literal, begins, leading = _cut(literal, first=not at)
        if literal:
            parts.append(literal)
        parts.append(Slot(inner[1], own or None, begins, leading, money))
        at = match.end()
    if text[at:]:
        parts.append(text[at:])
    _no_braces(parts, field)
    return tuple(parts)


def read_solution(
    text: str, variables: frozenset[str], field: str
) -> tuple[tuple[str | Cell, ...], Expression]:
    """Cut a solution at its cells; the expression behind ``####`` comes apart from the text before it."""
    before, mark, last = text.rpartition("####")
    if not mark:
        raise RefusedError("syntax", "has no last line '#### {expression}'", field=field)
    final = braced(last)
    if final is None:
        final = re.sub(r"[$€£%,\s]", "", last)
    parts: list[str | Cell] = []
    at = 0
    for match in _SLOT.finditer(before):
        literal, begins, leading = _cut(before[at : match.start()], first=not at)
        if literal:
            parts.append(literal)
        parts.append(Cell(expressions.parse(match[1], variables, field), begins, leading))
        at = match.end()
    parts.append(before[at:].rstrip())
    _no_braces(parts, field)
    return tuple(part for part in parts if part != ""), expressions.parse(final, variables, field)


def braced(text: str) -> str | None:
    """What stands in the one pair of braces of a text, with signs round it at most; else None."""
    found = _SLOT.findall(text)
    outside = _SLOT.sub("", text).strip(" \t\n$€£%.")
    return found[0] if len(found) == 1 and not outside else None


def _no_braces(parts: list[str | Slot] | list[str | Cell], field: str) -> None:
    for part in parts:
        if isinstance(part, str) and ("{" in part or "}" in part):
            raise RefusedError("syntax", f"a brace without its partner in {part[:60]!r}", field=field)


def _cut(literal: str, *, first: bool) -> tuple[str, bool, str | None]:
    """The text before a slot without its article, whether a sentence begins there, and the article."""
    leading = _ARTICLE.search(literal)
    if leading is not None:
        return literal[: leading.start(1)], False, leading[1]
    begins = (first and not literal) or re.search(r"(?:[.!?][\"')]*\s+|\n\s*)\Z", literal) is not None
    return literal, begins, None


def write_question(parts: tuple[str | Slot, ...], env: Env, defaults: Mapping[str, Value]) -> str:
    """The question at these values."""
    written = []
    for part in parts:
        if isinstance(part, str):
            written.append(part)
            continue
        value = env[part.name]
        if part.text is not None and is_default(value, defaults.get(part.name)):
            text = f"{part.article} {part.text}" if part.article else part.text
        else:
            text = _placed(shown(value, money=part.money), part.article)
        written.append(text[:1].upper() + text[1:] if part.begins else text)
    return "".join(written)


def write_solution(parts: tuple[str | Cell, ...], env: Env) -> str:
    """The solution at these values, without its last line. EvaluationError for what has no text."""
    written = []
    for part in parts:
        if isinstance(part, str):
            written.append(part)
            continue
        value = part.value.run(env)
        text = _placed(worked(value), part.article)
        written.append(text[:1].upper() + text[1:] if part.begins else text)
    return "".join(written)


def _placed(text: str, leading: str | None) -> str:
    if leading is None:
        return text
    fitting = _article(text)
    return f"{fitting.capitalize() if leading[0] == 'A' else fitting} {text}"


@cache
def _article(text: str) -> str:
    digits = re.match(r"\d+", text)
    if digits is not None:
        return "an" if digits[0][0] == "8" or digits[0] in ("11", "18") else "a"
    return article(text).split(" ", 1)[0] if text[:1].isalpha() else "a"


def final_number(value: Value) -> Value:
    """The number of a last line. EvaluationError when it is none."""
    try:
        return number(value)
    except EvaluationError:
        raise EvaluationError(f"the last line gives {value!r}, not a number") from None
