"""The arithmetic inside a chain of thought: find its equations and work them out exactly.

Two kinds are found: GSM8K's calculator annotations (``<<48/2=24>>``) and equations written in the
text (``12 * 3 = 36``, ``$5 x 4 = $20``, ``20% of 50 = 10``). Nothing is handed to ``eval``: the
expressions are parsed here, by recursive descent, into exact rationals. Work is bounded by
``MAX_EXPRESSION`` characters an expression and ``MAX_DEPTH`` nested parentheses, so a text costs a
constant times its length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rote.rational import format_number, read_quantity

MAX_EXPRESSION: Final = 300
MAX_DEPTH: Final = 40
MAX_DIGITS: Final = 100


class ExpressionError(ValueError):
    """An expression that cannot be worked out; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Equation:
    """An equation as written.

    Attributes
    ----------
    lhs: text of the expression on the left.
    rhs: the value stated on the right.
    value: the exact value of ``lhs``; None when it divides by zero.
    correct: whether the two are equal; no rounding is forgiven.
    annotated: whether it is a calculator annotation.
    span: half-open character range in the text.
    """

    lhs: str
    rhs: Fraction
    value: Fraction | None
    correct: bool
    annotated: bool
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rederivation:
    """What comes out when a solution's annotations are worked out again.

    ``answer`` is the value of the last annotation, exact, when every annotation holds and the last
    one is the answer stated after ``####``; otherwise None, and ``faults`` says what is wrong, one
    sentence each.
    """

    answer: Fraction | None
    faults: tuple[str, ...]
    equations: tuple[Equation, ...]


_NUMBER: Final = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+")
_SPACE: Final = re.compile(r"[\s$€£\u00a0\u2009\u202f]*")
_SIGNS: Final = str.maketrans(
    {"×": "*", "·": "*", "⋅": "*", "x": "*", "X": "*", "÷": "/", "⁄": "/", "−": "-", "–": "-"}
)


class _Parser:
    """``sum := product (("+"|"-") product)*``; ``product := factor (("*"|"/") factor)*``;
    ``factor := ("+"|"-")* (number | "(" sum ")") "%"*``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self._space()

    def whole(self) -> Fraction:
        value = self._sum()
        if self.at < len(self.text):
            raise self._error("an operator or the end")
        return value

    def _space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def _error(self, wanted: str) -> ExpressionError:
        got = repr(self.text[self.at]) if self.at < len(self.text) else "the end"
        return ExpressionError(f"in {self.text!r} at character {self.at}: expected {wanted}, got {got}")

    def _take(self, signs: str) -> str:
        if self.at < len(self.text) and self.text[self.at] in signs:
            sign = self.text[self.at]
            self.at += 1
            self._space()
            return sign
        return ""

    def _sum(self) -> Fraction:
        value = self._product()
        while sign := self._take("+-"):
            operand = self._product()
            value = value + operand if sign == "+" else value - operand
        return value

    def _product(self) -> Fraction:
        value = self._factor()
        while sign := self._take("*/"):
            operand = self._factor()
            if sign == "/" and not operand:
                raise ZeroDivisionError(f"division by zero in {self.text!r}")
            value = value * operand if sign == "*" else value / operand
        return value

    def _factor(self) -> Fraction:
        negative = False
        while sign := self._take("+-"):
            negative ^= sign == "-"
        if self._take("("):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise ExpressionError(f"more than {MAX_DEPTH} nested parentheses")
            value = self._sum()
            if not self._take(")"):
                raise self._error("')'")
            self.depth -= 1
        else:
            value = self._number()
        while self._take("%"):
            value /= 100
        return -value if negative else value

    def _number(self) -> Fraction:
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            raise self._error("a number or '('")
        digits = match[0].replace(",", "")
        if len(digits) > MAX_DIGITS:
            raise ExpressionError(f"a number of more than {MAX_DIGITS} digits")
        self.at = match.end()
        self._space()
        return Fraction(digits.rstrip(".") if not digits.startswith(".") else "0" + digits)


def evaluate(expression: str) -> Fraction:
    """The exact value of ``+ - * /`` (also ``× · x ÷ −``), parentheses, decimals and percent.

    ``1/3`` stays a third, ``20%`` is 1/5; currency signs and thousands commas are read over. Raises
    ExpressionError for anything else and for more than ``MAX_EXPRESSION`` characters, and
    ZeroDivisionError for a division by zero.
    """
    if len(expression) > MAX_EXPRESSION:
        raise ExpressionError(f"an expression of {len(expression)} characters (at most {MAX_EXPRESSION})")
    return _Parser(expression.translate(_SIGNS)).whole()


_ANNOTATION: Final = re.compile(r"<<([^<>\n]*)>>")
_VALUE: Final = re.compile(
    r"\s{0,3}(-?)\s?[$€£]?\s?(-?)((?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]{1,100})(?:\.[0-9]{1,100})?|\.[0-9]{1,100})(?![0-9])"
    r"(/[0-9]{1,20}(?![0-9.]))?(%?)"
)
#: One piece of an expression, read backwards from an equals sign: a number with its unit words, a sign.
_PIECE: Final = re.compile(
    r"(?P<number>[$€£]?(?:[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|\.[0-9]+)%?)"
    r"|(?P<sign>[-+*/×·⋅÷−–()])"
    r"|(?P<times>(?<![^\W\d_])[xX](?![^\W\d_]))"
    r"|(?P<of>\bof\b)"
    r"|(?P<word>[^\W\d_]+(?:[-'’][^\W\d_]+)*)"
    r"|(?P<gap>[ \t\u00a0]+|\\?\$)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_BREAKS: Final = frozenset("=:;?!\n<>≈")
_MAX_UNIT_WORDS: Final = 3


def find_equations(text: str) -> list[Equation]:
    """All equations of a text, in order of their equals signs.

    An equation is an expression with at least one operator, an equals sign and a number; a unit of up
    to three words may follow each number (``3 boxes * 4 pens = 12 pens``). A plain equation whose
    result is a calculator annotation (``2 * 3 = <<2*3=6>>6``) is the annotation's, and counted once.
    """
    found: list[Equation] = []
    plain: list[str] = []
    end = 0
    for match in _ANNOTATION.finditer(text):
        plain += [text[end : match.start()], "<" * (match.end() - match.start())]
        end = match.end()
        lhs, equals, rhs = match[1].rpartition("=")
        if not equals or len(match[1]) > MAX_EXPRESSION:
            continue
        try:
            stated = evaluate(rhs)
        except (ExpressionError, ZeroDivisionError):
            continue
        equation = _equation(lhs, stated, True, match.span())
        if equation is not None:
            found.append(equation)
    plain.append(text[end:])
    without = "".join(plain)
    at = without.find("=")
    while at >= 0:
        value = _VALUE.match(without, at + 1)
        if value is not None:
            equation = _plain_equation(without, at, value)
            if equation is not None:
                found.append(equation)
        at = without.find("=", at + 1)
    return sorted(found, key=lambda equation: equation.span)


def _equation(lhs: str, stated: Fraction, annotated: bool, span: tuple[int, int]) -> Equation | None:
    try:
        value = evaluate(lhs)
    except ExpressionError:
        return None
    except ZeroDivisionError:
        return Equation(lhs.strip(), stated, None, False, annotated, span)
    return Equation(lhs.strip(), stated, value, value == stated, annotated, span)


def _plain_equation(text: str, equals: int, value: re.Match[str]) -> Equation | None:
    """The equation round the equals sign at ``equals``, or None when no expression ends there."""
    rest = text[value.end() : value.end() + 8].lstrip()
    if rest[:1] in tuple("+*/×÷") or (rest[:1] in ("x", "-") and rest[1:].lstrip()[:1].isdigit()):
        return None  # "a = 2 + 3": the right-hand side is itself an expression
    start = max(0, equals - MAX_EXPRESSION)
    pieces, offset = _expression_before(text[start:equals])
    if not any(sign in pieces for sign in "+-*/") or not pieces[-1:].strip():
        return None
    digits = Fraction(("0" if value[3].startswith(".") else "") + value[3].replace(",", ""))
    if value[4]:
        if not int(value[4][1:]):
            return None
        digits /= int(value[4][1:])
    stated = -digits if bool(value[1]) != bool(value[2]) else digits
    span = (start + offset, value.end())
    equation = _equation(pieces, stated, False, span)
    if equation is None or not value[5] or equation.correct:
        return equation
    # "20 / 80 = 25%": the right-hand side may be meant in hundredths.
    return _equation(pieces, stated / 100, False, span) if equation.value != stated else equation


def _expression_before(text: str) -> tuple[str, int]:
    """The longest well-formed expression at the end of ``text`` (units left out), and where it begins."""
    tokens: list[tuple[str, str, int]] = []
    floor = max(map(text.rfind, _BREAKS)) + 1
    for match in _PIECE.finditer(text, floor):
        kind = match.lastgroup or "other"
        if kind == "other":
            tokens.clear()
        elif kind != "gap":
            tokens.append((kind, match[0], match.start()))
    kept: list[str] = []
    begin = len(text)
    operand_next = True  # reading backwards: whether an operand must come now
    words = 0
    for kind, piece, at in reversed(tokens):
        if kind == "word":
            words += 1
            if not operand_next or words > _MAX_UNIT_WORDS:
                break
            continue
        if kind == "number":
            if not operand_next:
                break
            operand_next = False
        elif kind == "sign" and piece in "()":
            if (piece == ")") != operand_next:
                break
        elif operand_next:
            if piece == "/" and words:
                continue  # "60 minutes/hour": part of the unit
            break
        else:
            operand_next = True
        words = 0
        kept.append("*" if kind in ("times", "of") else piece)
        begin = at
    expression = "".join(reversed(kept)).translate(_SIGNS)
    while expression and (
        expression[0] in "*/+" or (expression[0] == "(" and expression.count("(") > expression.count(")"))
    ):
        expression = expression[1:]
    return expression, begin


_FINAL: Final = re.compile(r"####[ \t]*([^\n]{1,200}?)\s*\Z")


def rederive(solution: str) -> Rederivation:
    """Work out the calculator annotations of a gold solution again, one after the other.

    Every ``<<expression=value>>`` must hold exactly, and the last value must be the number after
    ``####``. Independent of whatever made the solution: only its text is read.
    """
    faults: list[str] = []
    equations: list[Equation] = []
    for match in _ANNOTATION.finditer(solution):
        lhs, equals, rhs = match[1].rpartition("=")
        if not equals:
            faults.append(f"no equals sign in <<{match[1][:80]}>>")
            continue
        try:
            value, stated = evaluate(lhs), evaluate(rhs)
        except (ExpressionError, ZeroDivisionError) as error:
            faults.append(f"<<{match[1][:80]}>> cannot be worked out: {error}")
            continue
        equations.append(Equation(lhs, stated, value, value == stated, True, match.span()))
        if value != stated:
            faults.append(f"<<{match[1][:80]}>> is wrong: {lhs} is {format_number(value)}")
    final = _FINAL.search(solution[-400:])
    if not equations:
        faults.append("no calculator annotation")
    if final is None:
        faults.append("no '#### <answer>' on the last line")
    if faults or final is None:
        return Rederivation(None, tuple(faults), tuple(equations))
    try:
        stated = read_quantity(final[1]).value
    except ValueError as error:
        return Rederivation(None, (f"the line after '####': {error}",), tuple(equations))
    last = equations[-1].rhs
    if last != stated:
        gives, says = format_number(last), format_number(stated)
        fault = f"the last equation gives {gives}, but the stated answer is {says}"
        return Rederivation(None, (fault,), tuple(equations))
    return Rederivation(last, (), tuple(equations))
