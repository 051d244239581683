"""The chain of arithmetic in a response: does each step hold, is it grounded, does it lead to the answer?

Equations are found by :mod:`rote.steps`; here they are put in relation to the question, to each other and
to the answer that the grader read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.metrics.numbers import CONSTANTS, Given
from rote.rational import format_number
from rote.steps import Equation, ExpressionError, evaluate, find_equations

#: Characters of a response in which equations are looked for. Of a longer one, its beginning and its end
#: are read, half each: a chain of such a length is a loop, and its equations would cost seconds.
MAX_CHAIN: Final = 40_000

_OPERAND: Final = re.compile(r"((?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)(%?)")
#: A letter joined to a number (less the letters that are units) or to an operator, as an unknown is.
_UNKNOWN: Final = re.compile(
    r"[0-9][abefijnqruvwxyz](?![^\W_])(?!\s?[0-9(.$])"
    r"|(?<![^\W_'’])[a-wyz]\s?[-+*/×÷](?=\s)|[-+*/×÷]\s?[b-wyz](?![^\W_'’])"
    r"|(?<![^\W_])x\s?[-+*/×÷]|[-+*/×÷]\s?x(?![^\W_])"
)
#: Numbers that a response states as results, wherever an equation cannot be read.
_STATED: Final = re.compile(
    r"(?:=|>>)\s{0,3}[$€£]?\s?(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,100})(?:\.[0-9]{1,100})?)"
)
_MAX_BITS: Final = 300
_LEAST_DECIMALS: Final = 2


@dataclass(frozen=True, slots=True)
class Step:
    """One equation of a chain.

    Attributes
    ----------
    equation: as :func:`rote.steps.find_equations` gives it.
    operands: the numbers on its left, in order; ``20%`` is 1/5.
    holds: whether it is arithmetically right; a result rounded to the two or more decimals shown is.
    """

    equation: Equation
    operands: tuple[Fraction, ...]
    holds: bool

    @property
    def result(self) -> Fraction:
        """The value that the response states."""
        return self.equation.rhs


@dataclass(frozen=True, slots=True)
class Chain:
    """The equations of a response.

    Attributes
    ----------
    steps: all of them, in order.
    distinct: each once, where it stands first: what is written again says nothing new.
    stated: (offset, number) of what stands to the right of any equals sign, read as an equation or not.
    """

    steps: tuple[Step, ...]
    distinct: tuple[Step, ...] = ()
    stated: tuple[tuple[int, Fraction], ...] = ()

    def consistency(self) -> float | None:
        """Share of the different equations that hold, 0 to 1; None without equations."""
        if not self.distinct:
            return None
        return sum(step.holds for step in self.distinct) / len(self.distinct)

    def agreement(self, answer: Fraction | None) -> int | None:
        """Whether the last expression, worked out, is ``answer``; None without one or the other.

        Where the last equation holds by rounding, its stated result will do.
        """
        if not self.steps or answer is None:
            return None
        last = self.steps[-1]
        return int(answer == last.equation.value or (last.holds and answer == last.result))

    def grounded(self, given: Given) -> float | None:
        """Share of the operands with a source, 0 to 1: question, earlier result or plain constant.

        Of the different equations; None without equations.
        """
        total = sourced = 0
        earlier: set[Fraction] = set()
        for step in self.distinct:
            total += len(step.operands)
            sourced += sum(has_source(operand, given, earlier) for operand in step.operands)
            earlier.update(carried(step))
        return sourced / total if total else None

    def linked(self, answer: Fraction | None) -> int:
        """How many different equations have a result that a later one takes up, or that is the answer."""
        wanted = set() if answer is None else {answer}
        count = 0
        for step in reversed(self.distinct):
            count += not wanted.isdisjoint(carried(step))
            wanted.update(step.operands)
        return count

    def index_of(self, answer: Fraction) -> int | None:
        """The last equation that gives ``answer``, as stated or worked out."""
        for index in range(len(self.steps) - 1, -1, -1):
            if answer in results(self.steps[index]):
                return index
        return None

    def path(self, answer: Fraction) -> tuple[int, ...]:
        """Indices of the equations that the answer rests on; all of them when none gives it."""
        index = self.index_of(answer)
        if index is None:
            return tuple(range(len(self.steps)))
        wanted: set[Fraction] = {answer}
        found = []
        for at in range(index, -1, -1):
            if not wanted.isdisjoint(results(self.steps[at])):
                found.append(at)
                wanted.update(self.steps[at].operands)
        return tuple(reversed(found))


def results(step: Step) -> tuple[Fraction, ...]:
    """The stated result, and the true one where it is another."""
    value = step.equation.value
    return (step.result,) if value is None or value == step.result else (step.result, value)


def carried(step: Step) -> tuple[Fraction, ...]:
    """What later steps may take up: the results, and whole numbers beside one that is not whole."""
    found = results(step)
    if all(value.denominator == 1 for value in found):
        return found
    return (*found, *(Fraction(whole(value)) for value in found for whole in (math.floor, math.ceil)))


def has_source(operand: Fraction, given: Given, earlier: set[Fraction]) -> bool:
    """Whether an operand comes from the question, from an earlier result or is a plain constant."""
    return operand in CONSTANTS or operand in given.usable or operand in earlier or -operand in earlier


def read_chain(text: str) -> Chain:
    """The chain of ``text``, of which at most ``MAX_CHAIN`` characters are read.

    An equation with an unknown in it (``2r + 2 = 42``) is no arithmetic and left out.
    """
    if "=" not in text:
        return Chain(())
    if len(text) > MAX_CHAIN:
        text = text[: MAX_CHAIN // 2] + "\n" + text[-MAX_CHAIN // 2 :]
    steps = tuple(
        Step(equation, _operands(equation.lhs), holds(equation))
        for equation in find_equations(text)
        if not _is_algebra(text, equation)
    )
    first: dict[tuple[str, Fraction], Step] = {}
    for step in steps:
        first.setdefault((step.equation.lhs, step.result), step)
    stated = tuple(
        (match.start(), Fraction(match["number"].replace(",", ""))) for match in _STATED.finditer(text)
    )
    return Chain(steps, tuple(first.values()), stated)


def _is_algebra(text: str, equation: Equation) -> bool:
    if equation.annotated:
        return False
    start, end = equation.span
    return _UNKNOWN.search(text, max(0, start - 3), end) is not None


def holds(equation: Equation) -> bool:
    """Whether an equation is right, exactly or rounded to the two or more decimals it shows.

    ``10 / 3 = 3.33`` holds; ``10 / 3 = 3`` and ``7 / 2 = 4`` do not.
    """
    if equation.correct or equation.value is None:
        return equation.correct
    shown = equation.rhs.denominator
    decimals = len(str(shown)) - 1 if shown > 1 else 0
    while decimals < 100 and 10**decimals % shown:
        decimals += 1
        if decimals > 12:
            return False
    if decimals < _LEAST_DECIMALS:
        return False
    return abs(equation.value - equation.rhs) * 2 <= Fraction(1, 10**decimals)


def _operands(lhs: str) -> tuple[Fraction, ...]:
    return tuple(_value(match) for match in _OPERAND.finditer(lhs))


def _value(match: re.Match[str]) -> Fraction:
    digits = match[1].replace(",", "").rstrip(".")
    value = Fraction("0" + digits if digits.startswith(".") else digits)
    return value / 100 if match[2] else value


def corrected(steps: Sequence[Step], keep: frozenset[Fraction]) -> list[Fraction | None]:
    """What each equation gives when wrong results are corrected and pushed through later ones.

    ``keep``: numbers that are never replaced by a correction, though an earlier wrong result equals them.
    None stands for a division by zero or for a number that outgrew all measure.
    """
    mended: dict[Fraction, Fraction] = {}
    found: list[Fraction | None] = []
    for step in steps:
        value = step.equation.value
        if mended and any(operand in mended for operand in step.operands):
            value = _evaluate_with(step.equation.lhs, mended)
        if (
            value is not None
            and max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS
        ):
            value = None
        found.append(value)
        if value is None or value == step.result or step.result in keep:
            mended.pop(step.result, None)
        else:
            mended[step.result] = value
    return found


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _evaluate_with(lhs: str, mended: dict[Fraction, Fraction]) -> Fraction | None:
    def replaced(match: re.Match[str]) -> str:
        value = mended.get(_value(match))
        return match[0] if value is None else f"({format_number(value)})"

    try:
        return evaluate(_OPERAND.sub(replaced, lhs))
    except (ExpressionError, ZeroDivisionError):
        return None
