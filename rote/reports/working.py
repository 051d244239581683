"""How much working a problem takes, read off its solution: covariates beside those that a document brings.

Rounder numbers are easier: a sum of tens is done where one of odd numbers slips. Who writes a problem takes
round ones, a draw takes any, and so a model that has learned nothing by heart loses on draws. The organisms
(``docs/organisms.md``) showed it: without these two measures several of them were called memorising.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

#: Calculator annotations say an equation a second time, and not every solution has them.
_ANNOTATION: Final = re.compile(r"<<[^<>]*>>")
_NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?")
#: Digits of a number beyond which it is taken for no number of a problem.
_DIGITS: Final = 30


def working(doc: Mapping[str, Any]) -> dict[str, float]:
    """Covariates of a logged document, where it has a question and a solution; else none.

    ``largest_worked``: the largest number in the question or in the steps of the solution. ``digits_worked``:
    the significant digits of all numbers in these steps, summed: 1,200 has two, 1.05 has three. The line with
    the final answer repeats the last step and does not count.
    """
    question, solution = doc.get("question"), doc.get("solution")
    if not isinstance(question, str) or not isinstance(solution, str):
        return {}
    steps = _NUMBER.findall(_ANNOTATION.sub("", solution.partition("####")[0]))
    numbers = [*steps, *_NUMBER.findall(question)]
    if not steps or any(len(number) > _DIGITS for number in numbers):
        return {}
    return {
        "largest_worked": max(float(number.replace(",", "")) for number in numbers),
        "digits_worked": float(sum(map(_significant, steps))),
    }


def _significant(number: str) -> int:
    return len(number.replace(",", "").replace(".", "").strip("0")) or 1
