"""The equations of a published solution as expression trees.

Calculator annotations are taken as they stand; equations in plain text only when they are exactly true.
An annotation that only repeats its value (``<<40=40>>``) takes its expression from the text before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from rote.perturb.gsm8k.trees import Leaf, Tree, UnreadableError, compute, parse
from rote.perturb.gsm8k.unknowns import linear_equations
from rote.steps import find_equations


@dataclass(frozen=True, slots=True)
class Equation:
    """``lhs = value``: the tree over its leaves, and where it stands in the solution.

    ``line`` is the 0-based line of the solution, ``words`` the words of that line, ``dollars`` whether
    the result is written with a dollar sign, ``span`` the characters of the equation (of the annotation,
    brackets included, when it is one).
    """

    tree: Tree
    leaves: tuple[Leaf, ...]
    value: Fraction
    line: int
    words: frozenset[str]
    dollars: bool
    annotated: bool
    span: tuple[int, int]


_WORD: Final = re.compile(r"[A-Za-z]{2,}")
# fmt: off
_STOP: Final = frozenset((
    "the", "of", "and", "to", "in", "is", "are", "was", "were", "for", "with", "that", "this", "from",
    "by", "on", "at", "it", "he", "she", "they", "his", "her", "their", "there", "then", "so", "total",
    "each", "per", "will", "has", "have", "had", "be", "as", "an", "if", "or", "than", "how", "many",
    "much", "more", "less", "after", "before", "one", "two",
))
# fmt: on


def words_of(text: str) -> frozenset[str]:
    """Content words in a crude singular: enough to see that two places speak of the same thing."""
    found = set()
    for word in _WORD.findall(text.lower()):
        if word not in _STOP:
            found.add(stem(word))
    return frozenset(found)


def stem(word: str) -> str:
    """``boxes`` → ``box``, ``cherries`` → ``cherry``, ``cost`` → ``cost``."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        return word[:-1]
    return word


_ANNOTATION: Final = re.compile(r"<<[^<>]*>>")
_SPOKEN: Final = re.compile(r"\b(plus|minus|times|multiplied by|divided by|equals)\b")
_SIGNS: Final = {
    "plus": "+",
    "minus": "-",
    "times": "*",
    "multiplied by": "*",
    "divided by": "/",
    "equals": "=",
}


def _as_sign(match: re.Match[str]) -> str:
    """A spoken operator as its sign, padded so that no other character moves.

    The sign stands last: a reader allows less room after an equals sign than before it.
    """
    return _SIGNS[match[1]].rjust(len(match[0]))


#: An equation that leaves out its multiplication sign: ``2(40+9) = 98``, ``(1/4)24 = 6``.
_IMPLIED: Final = re.compile(
    r"(?<![\w.=])([\d.(][\d.,$()\s+\-*/×÷−–]*)=\s*\$?((?:\d[\d,]*)?\.?\d+)(?![\d/%])"
)


def read_solution(solution: str) -> tuple[list[Equation], Fraction]:
    """The equations of a solution in order, and the final answer.

    Raises UnreadableError: ``no_answer``, ``no_equations``, ``false_equation`` (an annotation that is not
    exactly true: rounded somewhere), ``unreadable_expression``.
    """
    body, mark, tail = solution.rpartition("####")
    if not mark:
        raise UnreadableError("no_answer")
    try:
        answer = Fraction(tail.strip().replace(",", "").replace("$", ""))
    except (ValueError, ZeroDivisionError):
        raise UnreadableError("no_answer") from None
    starts = [0]
    for match in re.finditer("\n", body):
        starts.append(match.end())
    lines = [_ANNOTATION.sub(" ", line) for line in body.split("\n")]
    bags = [words_of(line) for line in lines]
    equations = []
    for found in find_equations(_SPOKEN.sub(_as_sign, body)):
        if not found.correct:
            if found.annotated:
                raise UnreadableError("false_equation")
            continue
        line = max(i for i, start in enumerate(starts) if start <= found.span[0])
        lhs = found.lhs
        if not re.search(r"[\d)]\s*[-+*/(]", lhs):
            if not found.annotated:
                continue
            before = _expression_before(body[starts[line] : found.span[0]], found.rhs)
            if before is None:
                unknown = _solved(body, starts, line, found.rhs, bags, found.span)
                if unknown is not None:
                    equations.append(unknown)
                continue
            lhs = before
        try:
            tree, leaves = parse(lhs)
        except UnreadableError:
            if found.annotated:
                raise
            continue
        dollars = body[: found.span[0]].rstrip().endswith("$") if found.annotated else False
        equations.append(
            Equation(tree, leaves, found.rhs, line, bags[line], dollars, found.annotated, found.span)
        )
    equations = sorted([*equations, *_implied(body, starts, bags, equations)], key=lambda e: e.span)
    if not any(e.value in (answer, answer / 100) for e in equations):
        unknown = _solved_last(body, starts, answer, bags)
        if unknown is not None:
            equations.append(unknown)
    if not equations:
        raise UnreadableError("no_equations")
    last = equations[-1]
    if last.value != answer and last.value * 100 == answer and "%" in lines[last.line]:
        # "4/20 x 100% = 20%": the value is a fifth, the answer counts hundredths
        hundred = Leaf("100", Fraction(100))
        equations[-1] = replace(
            last, tree=("*", last.tree, len(last.leaves)), leaves=(*last.leaves, hundred), value=answer
        )
    return equations, answer


def _expression_before(text: str, value: Fraction) -> str | None:
    """The expression that stands before ``<<value=value>>``, if it has that value."""
    clean = re.sub(r"[$,]", "", text).replace("×", "*").replace("÷", "/").replace("x", "*")
    match = re.search(r"([\d.][\d.\s()+\-*/]*)=\s*$", clean)
    if match is None:
        return None
    try:
        tree, leaves = parse(match[1])
        if isinstance(tree, int) or compute(tree, [leaf.value for leaf in leaves]) != value:
            return None
    except (UnreadableError, ZeroDivisionError):
        return None
    return match[1]


def _implied(
    body: str, starts: list[int], bags: list[frozenset[str]], known: list[Equation]
) -> list[Equation]:
    """Plain equations with implied multiplication, where none of the known ones stands."""
    found = []
    blank = _ANNOTATION.sub(lambda match: "=" * len(match[0]), body)
    for match in _IMPLIED.finditer(blank):
        if "(" not in match[1] or any(e.span[0] < match.end() and match.start() < e.span[1] for e in known):
            continue
        try:
            tree, leaves = parse(re.sub(r"[−–]", "-", match[1]).replace("×", "*").replace("÷", "/"))
            value = compute(tree, [leaf.value for leaf in leaves])
        except (UnreadableError, ZeroDivisionError):
            continue
        if isinstance(tree, int) or value != Fraction(match[2].replace(",", "")):
            continue
        line = max(i for i, start in enumerate(starts) if start <= match.start())
        found.append(Equation(tree, leaves, value, line, bags[line], False, False, match.span()))
    return found


def _solved(
    body: str,
    starts: list[int],
    line: int,
    value: Fraction,
    bags: list[frozenset[str]],
    span: tuple[int, int],
) -> Equation | None:
    """The equation of an unknown whose value is only stated: the first line before it that says so.

    None when no line does: the annotation then repeats a number of the question or an earlier result.
    """
    for earlier in range(line + 1):
        end = starts[earlier + 1] if earlier + 1 < len(starts) else len(body)
        for tree, leaves in linear_equations(body[starts[earlier] : min(end, span[0])]):
            try:
                if compute(tree, [leaf.value for leaf in leaves]) == value:
                    return Equation(tree, leaves, value, line, bags[earlier] | bags[line], False, True, span)
            except ZeroDivisionError:
                continue
    return None


def _solved_last(
    body: str, starts: list[int], answer: Fraction, bags: list[frozenset[str]]
) -> Equation | None:
    """An equation of an unknown, in plain text, whose solution is the answer."""
    for line, start in enumerate(starts):
        end = starts[line + 1] if line + 1 < len(starts) else len(body)
        for tree, leaves in linear_equations(body[start:end]):
            try:
                if compute(tree, [leaf.value for leaf in leaves]) == answer:
                    last = len(starts) - 1
                    return Equation(tree, leaves, answer, last, bags[line], False, False, (end - 1, end - 1))
            except ZeroDivisionError:
                continue
    return None
