"""Everything that can be said of one response to one problem: :func:`measure`, and what it is made of.

Pure functions over text, exact numbers and nothing else; see docs/metrics.md for each metric's formula.
"""

from __future__ import annotations

from rote.metrics.measures import LABELS, NUMBERS, OPTIONAL, Measures, TrapLike, mean_present, measure
from rote.metrics.mistakes import ERROR_CLASSES
from rote.metrics.validity import INVALID_REASONS

__all__ = [
    "ERROR_CLASSES",
    "INVALID_REASONS",
    "LABELS",
    "NUMBERS",
    "OPTIONAL",
    "Measures",
    "TrapLike",
    "mean_present",
    "measure",
]
