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

from rote.metrics.chain import Chain, Step, carried, corrected, has_source, read_chain
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

#: Factors between units, each with words of which the question has one ("%" is a word here).
_SCALES: Final[tuple[tuple[int, frozenset[str]], ...]] = tuple(
    (factor, frozenset(words.split()))
    for factor, words in (
        (7, "week weeks weekly day days daily"),
        (10, "decade decades dime dimes cm mm centimeters millimeters centimetres millimetres"),
        (12, "dozen dozens year years yearly annual annually month months monthly inch inches foot feet"),
        (16, "ounce ounces oz pound pounds lb lbs"),
        (24, "day days daily hour hours hourly"),
        (30, "day days daily month months monthly april june september november"),
        (52, "week weeks weekly year years yearly annual annually"),
        (60, "minute minutes hour hours hourly second seconds"),
        (100, "% percent percentage cent cents penny pennies century cm meter meters metre metres"),
        (365, "day days daily year years yearly annual annually"),
        (1000, "km kilometer kilometers kilometre kilometres kg kilogram kilograms kilo kilos gram grams"),
        (1000, "liter liters litre litres ml thousand meter meters metre metres"),
        (3600, "hour hours hourly second seconds"),
    )
)
#: A visible response of more words than this is over-long, unless the reference is long itself.
LONG_WORDS: Final = 300
_LONG_RATIO: Final = 5
_CLOSING: Final = 400
_MAX_GIVEN: Final = 24


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of the right way: its equations, and its length in words."""

    chain: Chain
    words: int


NO_REFERENCE: Final = Reference(Chain(()), 0)


@lru_cache(maxsize=4096)
def read_reference(solution: str) -> Reference:
    """A reference solution; its equations are found as in a response."""
    return Reference(read_chain(solution), len(solution.split()))


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
    if answer is not None and answer in wrong.traps:
        # whoever works the problem out and then counts the inert number in has not been misread
        return "distractor"
    if _states_gold(wrong):
        return "extraction_miss"
    if _slipped(wrong):
        return "arithmetic_slip"
    if answer is None:
        return "verbose" if wrong.runaway or _overlong(wrong) else "no_answer"
    path = [wrong.chain.steps[index] for index in wrong.chain.path(answer)]
    if _uses_inert(wrong, path):
        return "distractor"
    if _is_scaled(wrong, answer, path):
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


def _is_scaled(wrong: Wrong, answer: Fraction, path: Sequence[Step]) -> bool:
    """Whether answer and gold differ by a factor between units, and its use is what tells them apart.

    The question must speak of such units and not state the factor. With a reference, the factor must
    be an operand of one of the two, or stand between an operand of the response and one that the
    reference starts from.
    """
    if not answer or not wrong.gold:
        return False
    ratio = abs(answer / wrong.gold)
    ratio = 1 / ratio if ratio < 1 else ratio
    if ratio.denominator > 1 or ratio in wrong.given.stated:
        return False
    words = wrong.given.words
    if not any(ratio == factor and not units.isdisjoint(words) for factor, units in _SCALES):
        return False
    if not wrong.reference.chain.steps or not path:
        return True
    reference = wrong.reference.chain.steps
    own = {operand for step in path for operand in step.operands}
    other = {operand for step in reference for operand in step.operands}
    factors = {ratio, 1 / ratio}
    if not factors.isdisjoint(own ^ other):
        return True
    inputs = other - {step.result for step in reference}
    return any(number * factor in inputs for number in own - {0} for factor in factors)


def _is_premature(wrong: Wrong, answer: Fraction) -> bool:
    """Whether a result on the way is given as the answer: of the response itself, or of the reference.

    To be the reference's, it must come by an equation over the same numbers: small numbers meet by chance.
    """
    steps = wrong.chain.steps
    index = wrong.chain.index_of(answer)
    between = [step for step in wrong.reference.chain.steps[:-1] if step.result == answer]
    if index is None:
        return not steps and bool(between)
    own = sorted(steps[index].operands)
    return index < len(steps) - 1 or any(sorted(step.operands) == own for step in between)


def _overlong(wrong: Wrong) -> bool:
    return wrong.words > max(LONG_WORDS, _LONG_RATIO * wrong.reference.words)


def _has_foreign(wrong: Wrong, path: Sequence[Step]) -> bool:
    """Whether an operand on the way to the answer has no source.

    A result that stands after an equals sign is one, though its equation could not be read.
    """
    earlier: set[Fraction] = set()
    stated = iter(wrong.chain.stated)
    ahead = next(stated, None)
    on_path = {id(step) for step in path}
    for step in wrong.chain.steps:
        while ahead is not None and ahead[0] < step.equation.span[0]:
            earlier.add(ahead[1])
            ahead = next(stated, None)
        if id(step) in on_path and any(
            not has_source(operand, wrong.given, earlier) for operand in step.operands
        ):
            return True
        earlier.update(carried(step))
    return False


def _one_operation(given: Given, answer: Fraction) -> bool:
    """Whether two numbers of the question give the answer by one operation."""
    numbers = list(given.stated)[:_MAX_GIVEN]
    for one, other in permutations(numbers, 2):
        if answer in (one + other, one - other, one * other) or (other and answer == one / other):
            return True
    return False
