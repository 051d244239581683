"""Which systems are for training and which for testing: decided by the solution alone.

Every rational number has a weight from 0 to 15, a hash of its text. The weights of a solution's numbers,
added up modulo 16, give its class, and each class belongs to exactly one split. The sum does not depend on
the order of the unknowns, on their names, on the order of the equations or on their scale. So two systems
that differ in these ways alone have one class and lie in one split: no test system, however it is
rewritten, is a training system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from rote.errors import UsageError
from rote.perturb import keys
from rote.perturb.linear.system import Number

CLASSES: Final = 16

#: The classes of each split. ``shots`` are the worked examples of few-shot prompts.
SPLITS: Final[Mapping[str, frozenset[int]]] = {
    "train": frozenset(range(6, CLASSES)),
    "test": frozenset(range(4)),
    "shots": frozenset({4, 5}),
}


@cache
def weight(value: Number) -> int:
    """The weight of a number: 0 to 15, the same for 2 and 4/2."""
    # of twenty numberings one under which the small whole numbers fall evenly into the splits
    return keys.digest("linear", "weight 20", value.numerator, value.denominator)[0] % CLASSES


def class_of(solution: Iterable[Number]) -> int:
    """The class of a solution, 0 to 15; its order does not matter."""
    return sum([weight(value) for value in solution]) % CLASSES


def split_of(solution: Iterable[Number]) -> str:
    """The one split that a solution belongs to."""
    found = class_of(solution)
    return next(split for split, classes in SPLITS.items() if found in classes)


def check_split(split: str) -> str:
    """The split itself; UsageError when there is none of that name."""
    if split not in SPLITS:
        raise UsageError(f"unknown split {split!r} of the linear systems; known: {', '.join(SPLITS)}")
    return split
