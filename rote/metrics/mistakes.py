"""What kind of mistake a wrong response makes: one class, by rules in a fixed order.

Strong evidence first: that the gold stands in the response, or comes out once its sums are put right, is
hardly chance; that an answer is a trap, off by a factor of units or a step's result is less so; what
remains is told by where the numbers come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import permutations
from typing import Final

from rote.metrics.chain import Chain, Step, corrected, has_source, read_chain, results
from rote.metrics.numbers import Given
from rote.rational import read_items

#: In the order of precedence.
ERROR_CLASSES: Final = (
    "extraction_miss",
    "arithmetic_slip",
    "distractor",
    "unit_scale",
    "premature",
    "verbose",
    "foreign_number",
    "wrong_operation",
    "no_answer",
    "unclassified",
)

#: Factors between units, each with words of which the question has one; powers of ten need none.
_SCALES: Final[tuple[tuple[int, frozenset[str]], ...]] = tuple(
    (factor, frozenset(words.split()))
    for factor, words in (
        (10, ""),
        (100, ""),
        (1000, ""),
        (10_000, ""),
        (7, "week weeks weekly day days daily"),
        (12, "dozen dozens year years yearly annual annually month months monthly inch inches foot feet"),
        (24, "day days daily hour hours hourly"),
        (60, "minute minutes hour hours hourly second seconds"),
        (3600, "hour hours hourly second seconds"),
        (16, "ounce ounces oz pound pounds lb lbs"),
        (52, "week weeks weekly year years yearly annual annually"),
        (365, "day days daily year years yearly annual annually"),
    )
)
#: A visible response of more words than this is over-long, unless the reference is long itself.
LONG_WORDS: Final = 300
_LONG_RATIO: Final = 5
_CLOSING: Final = 400
_MAX_GIVEN: Final = 24


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of the right way: results of its steps before the last, and its length in words."""

    between: frozenset[Fraction] = frozenset()
    steps: int = 0
    words: int = 0


@lru_cache(maxsize=4096)
def read_reference(solution: str) -> Reference:
    """The steps of a reference solution; equations are found as in a response."""
    chain = read_chain(solution)
    return Reference(
        frozenset(step.result for step in chain.steps[:-1]), len(chain.steps), len(solution.split())
    )


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong response, as far as the rules look at it.

    Attributes
    ----------
    said: the response without its thinking.
    words: of that.
    answer: what the grader read, or None.
    gold: the right answer, another number.
    runaway: cut off, going round in circles, or thinking without an end.
    traps, inert: trap answers, and numbers of inert clauses.
    """

    said: str
    words: int
    answer: Fraction | None
    gold: Fraction
    chain: Chain
    given: Given
    reference: Reference
    runaway: bool
    traps: tuple[Fraction, ...]
    inert: tuple[Fraction, ...]


def classify(wrong: Wrong) -> str:
    """The class of a wrong response, one of ``ERROR_CLASSES``: the first whose rule applies."""
    answer = wrong.answer
    if _states_gold(wrong):
        return "extraction_miss"
    if _slipped(wrong):
        return "arithmetic_slip"
    if answer is None:
        return "verbose" if wrong.runaway or _overlong(wrong) else "no_answer"
    path = [wrong.chain.steps[index] for index in wrong.chain.path(answer)]
    if answer in wrong.traps or _uses_inert(wrong, path):
        return "distractor"
    if _is_scaled(wrong, answer):
        return "unit_scale"
    if _is_premature(wrong, answer):
        return "premature"
    if wrong.runaway or _overlong(wrong):
        return "verbose"
    if not wrong.chain.steps:
        return "wrong_operation" if _one_operation(wrong.given, answer) else "unclassified"
    return "foreign_number" if _has_foreign(wrong, path) else "wrong_operation"


def _states_gold(wrong: Wrong) -> bool:
    """Whether the chain ends in the gold, or its closing lines name it, though the answer is another."""
    steps = wrong.chain.steps
    if steps and steps[-1].result == wrong.gold and wrong.gold not in steps[-1].operands:
        return True
    return wrong.answer is None and wrong.gold in _closing_numbers(wrong.said)


def _closing_numbers(text: str) -> set[Fraction]:
    """Numbers of the last two lines, at most 400 characters."""
    lines = [line for line in text[-2 * _CLOSING :].splitlines() if line.strip()]
    closing = "\n".join(lines[-2:])[-_CLOSING:]
    return {item.quantity.value for item in read_items(closing) if item.quantity is not None}


def _slipped(wrong: Wrong) -> bool:
    """Whether the gold comes out once wrong results are put right and pushed through what follows."""
    steps = wrong.chain.steps
    if all(step.equation.correct for step in steps):
        return False
    at = None if wrong.answer is None else wrong.chain.index_of(wrong.answer)
    for keep in (frozenset[Fraction](), frozenset(wrong.given.stated)):
        mended = corrected(steps, keep)
        if mended[len(steps) - 1 if at is None else at] == wrong.gold:
            return True
    return False


def _uses_inert(wrong: Wrong, path: Sequence[Step]) -> bool:
    """Whether a number that only an inert clause has is an operand on the way to the answer."""
    own = {number for number in wrong.inert if wrong.given.stated.get(number, 0) <= 1}
    return bool(own) and any(not own.isdisjoint(step.operands) for step in path)


def _is_scaled(wrong: Wrong, answer: Fraction) -> bool:
    """Whether answer and gold differ by a factor between units that is no number of the question."""
    if not answer or not wrong.gold:
        return False
    ratio = abs(answer / wrong.gold)
    ratio = 1 / ratio if ratio < 1 else ratio
    if ratio in wrong.given.stated:
        return False
    return any(ratio == factor and (not words or words & wrong.given.words) for factor, words in _SCALES)


def _is_premature(wrong: Wrong, answer: Fraction) -> bool:
    """Whether a result on the way, of the reference or of the response itself, is given as the answer."""
    index = wrong.chain.index_of(answer)
    if answer in wrong.reference.between and (index is not None or not wrong.chain.steps):
        return True
    return index is not None and index < len(wrong.chain.steps) - 1


def _overlong(wrong: Wrong) -> bool:
    return wrong.words > max(LONG_WORDS, _LONG_RATIO * wrong.reference.words)


def _has_foreign(wrong: Wrong, path: Sequence[Step]) -> bool:
    """Whether an operand on the way to the answer has no source."""
    earlier = {result for step in wrong.chain.steps for result in results(step)}
    return any(not has_source(operand, wrong.given, earlier) for step in path for operand in step.operands)


def _one_operation(given: Given, answer: Fraction) -> bool:
    """Whether two numbers of the question give the answer by one operation."""
    numbers = list(given.stated)[:_MAX_GIVEN]
    for one, other in permutations(numbers, 2):
        if answer in (one + other, one - other, one * other) or (other and answer == one / other):
            return True
    return False
