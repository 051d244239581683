"""Systems of linear equations with one to three unknowns: each solvable, each with exactly one solution.

``problems(split, n, seed)`` gives them, ``instance(cell, split, seed, index)`` one of them, ``lint`` checks
them. See ``docs/linear-equations.md``.
"""

from __future__ import annotations

from rote.perturb.linear.check import lint
from rote.perturb.linear.levels import DIFFICULTIES, UNKNOWNS
from rote.perturb.linear.problems import (
    FORM_CHOICES,
    SOURCE,
    LinearProblem,
    capacity,
    instance,
    problems,
    shots,
)
from rote.perturb.linear.splits import SPLITS

__all__ = [
    "DIFFICULTIES",
    "FORM_CHOICES",
    "SOURCE",
    "SPLITS",
    "UNKNOWNS",
    "LinearProblem",
    "capacity",
    "instance",
    "lint",
    "problems",
    "shots",
]
