"""Compile a plan to one Python function that draws, checks, solves and writes an instance.

Why: a plan in its obvious form (rationals, jinja2) costs about a millisecond an instance; the
compiled one costs some microseconds, in integers alone. What is compiled is never text from a file:
expressions come from the checked trees of :mod:`rote.perturb.expressions`, variables are renamed, and
literal text enters as constants.

:mod:`rote.perturb.emit_numbers` writes the arithmetic, :mod:`rote.perturb.emit_texts` the texts; here
they are put together.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction
from math import prod
from typing import NamedTuple

from rote.perturb import expressions, keys
from rote.perturb.emit_numbers import Scaled, times
from rote.perturb.emit_texts import TextWriter, f_string
from rote.perturb.plan import Noun, Plan, Step
from rote.perturb.values import PLACES, Person, annotation_text


class Drawn(NamedTuple):
    """What the compiled function returns: an instance without its identity.

    ``detail`` is for whoever made the instance of more than one plan.
    """

    position: int
    question: str
    solution: str
    answer: Fraction
    digits: int
    largest: int | float
    span: tuple[int, int] | None
    detail: object = None


class OpenDrawn(NamedTuple):
    """An instance whose question is still in pieces, so that a clause can be put between two of them.

    ``segments`` make the question when they are joined by spaces; ``known`` are the exact values of the
    plan's numbers and then of its steps.
    """

    segments: tuple[str, ...]
    solution: str
    answer: Fraction
    digits: int
    largest: int | float
    known: tuple[Fraction, ...]


#: The instance at a position of the space of draws, or None when the position is no draw.
At = Callable[[int], "Drawn | None"]
#: Whether a position is a draw; no text is written to learn it.
Accepts = Callable[[int], "bool | None"]
#: The first draw among permuted positions start, start + stride, … below stop.
Walk = Callable[[int, int, int, keys.Key], "Drawn | None"]


def bits_for(space: int) -> int:
    """Bits of the smallest permutation that covers a space of draws."""
    return max(1, (space - 1).bit_length())


def compile_plan(plan: Plan) -> tuple[At, Walk, Accepts]:
    """Compile a plan: the instance at a position, the search for an index's first draw, the bare check."""
    space = prod(plan.sizes)
    writer = TextWriter(plan)
    writer.constants["Drawn"] = Drawn
    _write(writer)
    checks = writer.lines[: writer.checks]
    bits = bits_for(space)
    mask, shift = (1 << bits) - 1, keys.shift_for(bits)
    source = "\n".join(
        [
            "def at(x):",
            "    position = x",
            *writer.lines,
            "def accepts(x):",
            *checks,
            "    return True",
            "def walk(start, stop, stride, key):",
            "    a1, b1, a2, b2, a3, b3 = key",
            "    for x in range(start, stop, stride):",
            f"        x = (x * a1 + b1) & {mask}",
            f"        x ^= x >> {shift}",
            f"        x = (x * a2 + b2) & {mask}",
            f"        x ^= x >> {shift}",
            f"        x = (x * a3 + b3) & {mask}",
            f"        x ^= x >> {shift}",
            f"        if x < {space} and (found := at(x)) is not None:",
            "            return found",
            "    return None",
        ]
    )
    namespace = writer.constants
    # the source holds our own identifiers, integers and repr()-quoted text: nothing from a file runs
    exec(compile(source, "<rote template>", "exec"), namespace)
    return namespace["at"], namespace["walk"], namespace["accepts"]


def compile_open(plan: Plan) -> Callable[[int], OpenDrawn | None]:
    """Compile a plan whose sentences are to stay apart: the instance at a position, in pieces."""
    writer = TextWriter(plan)
    writer.constants["OpenDrawn"] = OpenDrawn
    _numbers_and_nouns(writer)
    segments = "".join(f"{f_string(writer.text(sentence))}, " for sentence in plan.sentences)
    writer.line(f"solution = {f_string(_solution(writer))}")
    values = [writer.scaled[n.name] for n in plan.numbers] + [writer.scaled[s.name] for s in plan.steps]
    known = "".join(
        f"_whole({v.numerator}), " if v.denominator == 1 else f"Fraction({v.numerator}, {v.denominator}), "
        for v in values
    )
    answer = writer.scaled[plan.answer]
    writer.line(
        f"return OpenDrawn(({segments}), solution, {_answer(writer.steps[plan.answer], answer)}, "
        f"{_digits(writer.steps[plan.answer], answer)}, {_largest(writer)}, ({known}))"
    )
    # as in compile_plan: nothing from a file runs
    exec(compile("\n".join(["def at(x):", *writer.lines]), "<rote template>", "exec"), writer.constants)
    at: Callable[[int], OpenDrawn | None] = writer.constants["at"]
    return at


def _write(writer: TextWriter) -> None:
    plan = writer.plan
    _numbers_and_nouns(writer)
    writer.checks = len(writer.lines)
    _question(writer)
    writer.line(f"solution = {f_string(_solution(writer))}")
    answer = writer.scaled[plan.answer]
    writer.line(
        f"return Drawn(position, question, solution, {_answer(writer.steps[plan.answer], answer)}, "
        f"{_digits(writer.steps[plan.answer], answer)}, {_largest(writer)}, span)"
    )


def _solution(writer: TextWriter) -> str:
    plan = writer.plan
    if plan.solution is not None:
        return writer.text(plan.solution)
    lines = [writer.text(step.text, writer.equation(step)) for step in plan.steps]
    last = writer.step_text(writer.steps[plan.answer], annotation_text)
    return "\n".join([*lines, f"#### {last}"])


def _numbers_and_nouns(writer: TextWriter) -> None:
    """What decides whether there is a draw: numbers, constraints, steps, and people's names."""
    plan = writer.plan
    for i, number in enumerate(plan.numbers):
        offset = None
        if len(number.values) > 1:
            offset = f"d{i}"
            writer.line(f"x, {offset} = divmod(x, {len(number.values)})")
        writer.declare_number(number, i, offset)
    waiting = list(plan.constraints)
    known = {number.name for number in plan.numbers}
    waiting = _conditions(writer, waiting, known)
    for i, step in enumerate(plan.steps):
        writer.step(step, i)
        known.add(step.name)
        waiting = _conditions(writer, waiting, known)
    answer = writer.scaled[plan.answer]
    if plan.different is not None:
        left = times(str(plan.different.denominator), answer.numerator)
        right = times(str(plan.different.numerator), answer.denominator)
        writer.line(f"if {left} == {right}: return None")
    _nouns(writer, plan.nouns)


def _conditions(
    writer: TextWriter, waiting: list[tuple[str, ast.expr]], known: set[str]
) -> list[tuple[str, ast.expr]]:
    """Test each condition as soon as all its names are known: most draws fail early."""
    later = []
    for text, condition in waiting:
        if set(expressions.names_in(condition)) <= known:
            writer.line(f"if not {writer.condition(condition)}: return None")
        else:
            later.append((text, condition))
    return later


def _nouns(writer: TextWriter, nouns: tuple[Noun, ...]) -> None:
    people: list[str] = []
    same: list[str] = []
    for i, noun in enumerate(nouns):
        writer.domain[noun.name] = noun.values
        if len(noun.values) > 1:
            digit = f"w{i}"
            writer.digit[noun.name] = digit
            writer.line(f"x, {digit} = divmod(x, {len(noun.values)})")
            if noun.avoid is not None and noun.avoid in noun.values:
                place = noun.values.index(noun.avoid)
                if isinstance(noun.avoid, Person):
                    writer.line(f"if {digit} == {place}: return None")
                same.append(f"{digit} == {place}")
        if isinstance(noun.values[0], Person):
            people.append(noun.name)
    free_words = [n for n in nouns if n.avoid is not None]
    if same and not any(isinstance(n.avoid, Person) for n in free_words):
        writer.line(f"if {' and '.join(same)}: return None")
    if len(people) > 1:
        texts = {}
        for name in people:
            values = writer.domain[name]
            texts[name] = (
                f"{writer.constant('P', [str(v) for v in values])}[{writer.digit[name]}]"
                if name in writer.digit
                else repr(str(values[0]))
            )
        pairs = [
            f"{texts[a]} == {texts[b]}"
            for i, a in enumerate(people)
            for b in people[i + 1 :]
            if a in writer.digit or b in writer.digit
        ]
        if pairs:
            writer.line(f"if {' or '.join(pairs)}: return None")


def _question(writer: TextWriter) -> None:
    plan = writer.plan
    parts = [writer.text(sentence) for sentence in plan.sentences]
    if plan.clause is None:
        writer.line(f"question = {f_string(' '.join(parts))}")
        writer.line("span = None")
        return
    # the clause begins after the space that ends what stands before it
    writer.line(f"before = {f_string(''.join(part + ' ' for part in parts[: plan.clause]))}")
    writer.line(f"clause = {f_string(parts[plan.clause])}")
    writer.line(f"after = {f_string(''.join(' ' + part for part in parts[plan.clause + 1 :]))}")
    writer.line("question = before + clause + after")
    writer.line("span = (len(before), len(before) + len(clause))")


def _answer(step: Step, value: Scaled) -> str:
    places = PLACES[step.kind]
    if places is None:
        return f"Fraction({value.numerator}, {value.denominator})"
    return f"{'_whole' if places == 0 else '_cents'}({value.numerator})"


def _digits(step: Step, value: Scaled) -> str:
    """Source of the number of digits of the answer's integer part."""
    places = PLACES[step.kind]
    if places == 0:
        return f"len(str({value.numerator}))"
    bottom = value.denominator if places is None else 10**places
    return f"len(str({value.numerator} // {bottom}))"


def _largest(writer: TextWriter) -> str:
    """Source of the largest number of the question, as int or, with cents or fractions, as float."""
    whole = []
    other = []
    for number in writer.plan.numbers:
        value = writer.scaled[number.name]
        if value.denominator == 1:
            whole.append(value.numerator)
        else:
            other.append(f"{value.numerator} / {value.denominator}")
    terms = whole + other
    return terms[0] if len(terms) == 1 else f"max({', '.join(terms)})"
