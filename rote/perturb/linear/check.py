"""What must hold for every problem, checked from its text and its equations by other means than made it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from rote.perturb.linear.problems import LinearProblem
from rote.perturb.linear.splits import split_of
from rote.perturb.linear.system import cramer, determinant, gauss, size
from rote.rational import format_number
from rote.steps import ExpressionError, evaluate

_ANNOTATION: Final = re.compile(r"<<([^<>\n]*)=([^<>=\n]*)>>([^\s;,.]*)")
_DIGITS: Final = re.compile(r"[0-9]+")
_LAST: Final = re.compile(r"#### (?:[a-z] = -?[0-9]+(?:/[0-9]+)?)(?:, [a-z] = -?[0-9]+(?:/[0-9]+)?)*")
#: Cells in which negative values make sense.
_SIGNED: Final = ("equations", "riddle")
#: Cells whose unknowns are counted.
_COUNTED: Final = ("hire", "savers", "tables", "stamps", "ages", "siblings")


def faults(problem: LinearProblem) -> list[str]:
    """What is wrong with a problem, one sentence each; nothing is."""
    found = [*_solution_faults(problem), *_text_faults(problem), *_working_faults(problem)]
    return [f"{problem.problem.id}: {fault}" for fault in found]


def _solution_faults(problem: LinearProblem) -> Iterable[str]:
    system, answers = problem.system, tuple(problem.answers.values())
    matrix, totals = system.matrix, system.totals
    if not determinant(matrix):
        yield "the determinant is zero: not exactly one solution"
    if gauss(matrix, totals) != answers:
        yield f"elimination gives {gauss(matrix, totals)}, the answers are {answers}"
    if cramer(matrix, totals) != answers:
        yield f"determinants give {cramer(matrix, totals)}, the answers are {answers}"
    for made in system.equations:
        left = sum((a * v for a, v in zip(made.left, answers, strict=True)), Fraction(made.left_constant))
        right = sum((a * v for a, v in zip(made.right, answers, strict=True)), Fraction(made.right_constant))
        if left != right:
            yield f"the answers do not satisfy {made}"
    if split_of(answers) != problem.split:
        yield f"its solution belongs to the split {split_of(answers)}"
    kind = problem.cell.partition("-")[0]
    if kind not in _SIGNED and min(answers) <= 0:
        yield "a value of a story is not positive"
    if kind in _COUNTED and any(v.denominator != 1 for v in answers):
        yield "a counted thing is not whole"
    if problem.problem.answer != answers[0]:
        yield "answer is not the first unknown's"


def _text_faults(problem: LinearProblem) -> Iterable[str]:
    question = problem.question
    if question != question.strip() or "  " in question or "{" in question or "None" in question:
        yield f"the question is badly set: {question!r}"
    shown = set(_DIGITS.findall(question))
    if problem.form == "equations":
        for made in problem.system.equations:
            if made.text(tuple(problem.answers)) not in question:
                yield f"the question lacks {made}"
    elif not problem.cell.startswith(("mixture", "ages", "siblings")):
        # there the story says percent, and an age in some years
        for made in problem.system.equations:
            for value in (size(made.right_constant), *map(size, made.right)):
                if value not in (0, 1) and not set(_DIGITS.findall(str(value))) <= shown:
                    yield f"the question lacks {value}"
    for letter in problem.answers:
        if re.search(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", question) is None:
            yield f"the question does not name {letter}"


def _working_faults(problem: LinearProblem) -> Iterable[str]:
    solution = problem.solution
    for match in _ANNOTATION.finditer(solution):
        try:
            value, stated = evaluate(match[1]), evaluate(match[2])
        except (ExpressionError, ZeroDivisionError) as error:
            yield f"{match[0]} cannot be worked out: {error}"
            continue
        if value != stated or match[2] != match[3]:
            yield f"{match[0]} is wrong: {match[1]} is {format_number(value)}"
        if not solution[: match.start()].endswith(f"{match[1]} = "):
            yield f"{match[0]} is not what stands before it"
    if len(_ANNOTATION.findall(solution)) != solution.count("<<"):
        yield "an annotation is malformed"
    body, _, last = solution.rpartition("\n")
    if _LAST.fullmatch(last) is None or "####" in body:
        yield f"the last line is {last!r}"
    line = dict(part.split(" = ") for part in last.removeprefix("#### ").split(", "))
    if {name: Fraction(value) for name, value in line.items()} != dict(problem.answers):
        yield f"the last line is {last!r}, the answers are {dict(problem.answers)}"
    for name, number in problem.answers.items():
        if not re.search(rf"{name} = (?:[^.\n]*>>)?{re.escape(str(number))}\.", body):
            yield f"the working never states {name} = {number}"


def lint(problems: Iterable[LinearProblem]) -> list[str]:
    """The faults of all problems, and every question that comes twice."""
    found: list[str] = []
    seen: dict[str, str] = {}
    for problem in problems:
        found += faults(problem)
        first = seen.setdefault(problem.question, problem.problem.id)
        if first != problem.problem.id:
            found.append(f"{problem.problem.id}: the question of {first}")
    return found
