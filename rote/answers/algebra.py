"""Telling ``x + 3``, which states no number, from ``18 m/s`` and ``$5/h``, which state one."""

from __future__ import annotations

import re
from typing import Final

from rote.rational import Item

OPERATORS: Final = frozenset({"+", "-", "*", "**", "×", "·", "÷", "/", "^", "~"})
OPERATOR_WORDS: Final = frozenset({"times", "plus", "minus", "multiplied", "divided"})

_VARIABLE: Final = re.compile(r"[a-zα-ω](?:_?\d)?")
_BRACKETS: Final = frozenset({"(", ")", "[", "]", "{", "}", "\\"})
#: Signs that also join units: ``5 m/s``, ``3 N·m``, ``5-l bottle``.
_UNIT_SIGNS: Final = frozenset({"/", "-", "·", "*"})
#: Letters that stand for an unknown even where a unit might stand. The newton excludes n beside a letter.
_UNKNOWNS: Final = frozenset({"x", "y", "z", "n"})
_UNKNOWNS_BESIDE_UNITS: Final = frozenset({"x", "y", "z"})
#: ``B - 18`` names a choice.
_CHOICES: Final = frozenset("abcde")


def is_algebra(items: list[Item], numbers: list[int]) -> bool:
    """Whether a number of ``items`` (``numbers``: indices) is a term of an expression with a letter in it.

    The letter and the number need not touch: ``3(x + y)``. In ``A + B have 18`` they do not belong together.
    """
    if not any(item.type == "word" and _VARIABLE.fullmatch(item.text) for item in items):
        return False
    terms = {items[index].start for index in numbers}
    flat = [item for item in items if item.type != "currency" and item.text not in _BRACKETS]
    number = letter = False  # whether the run of terms and operators so far holds them
    for at, item in enumerate(flat):
        if _is_number(item):
            number = number or item.start in terms
            letter = letter or _adds_to_a_letter(flat, at)
        elif _is_operator(item):
            letter = letter or _joins_a_letter(flat, at)
        elif not _is_variable(flat, at):
            number = letter = False
        if number and letter:
            return True
    return False


def _is_number(item: Item) -> bool:
    return item.type in ("quantity", "bad")


def _is_operator(item: Item) -> bool:
    return (
        item.text in OPERATORS or (item.text in OPERATOR_WORDS and item.type == "word") or item.text == "by"
    )


def _is_variable(flat: list[Item], at: int) -> bool:
    """A single letter, less the article in ``3 times a week`` and the pronoun in ``18 - I think``."""
    if not 0 <= at < len(flat) or flat[at].type != "word" or _VARIABLE.fullmatch(flat[at].text) is None:
        return False
    following = flat[at + 1] if at + 1 < len(flat) else None
    return (
        flat[at].text not in ("a", "i")
        or following is None
        or following.type != "word"
        or _is_operator(following)
    )


def _adds_to_a_letter(flat: list[Item], at: int) -> bool:
    """Whether the number at ``at`` has a sign and follows a letter: ``x -3``, ``$x$ + $3$``."""
    if not _is_variable(flat, at - 1):
        return False
    number = flat[at].text.lstrip("$ ")
    if number.startswith(("-", "minus")):
        return flat[at - 1].text not in _CHOICES
    return number.startswith("+")


def _joins_a_letter(flat: list[Item], at: int) -> bool:
    """Whether the operator at ``at`` has a letter on one side, and a letter or a number on the other."""
    operator, left = flat[at], at - 1
    right = at + 2 if at + 1 < len(flat) and flat[at + 1].text == "by" else at + 1
    if left < 0 or right >= len(flat):
        return False
    free = flat[left].end < operator.start
    if operator.text in ("*", "**", "/") and free != (operator.end < flat[at + 1].start):
        return False  # emphasis, and "w/ 18 eggs"
    if operator.text == "/" and flat[left].text == "s":
        return False  # S/18: soles
    if _is_variable(flat, left) and _is_number(flat[right]):
        return not (operator.text == "-" and flat[left].text in _CHOICES)
    if not _is_variable(flat, right):
        return False
    unit = operator.text in _UNIT_SIGNS and not (operator.text == "-" and free)
    if _is_number(flat[left]):
        return not unit or flat[right].text in _UNKNOWNS
    if not _is_variable(flat, left):
        return False
    after_number = left > 0 and _is_number(flat[left - 1])
    beside = {flat[left].text, flat[right].text}
    return not (unit and after_number) or not beside.isdisjoint(_UNKNOWNS_BESIDE_UNITS)
