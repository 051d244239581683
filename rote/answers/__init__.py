"""THE grader: find the one answer that an output commits to, and compare it exactly.

It scores evaluation, rewards training and checks gold, so there is one decision procedure and no
option. See :mod:`rote.answers.grader` for the rules.
"""

from __future__ import annotations

from rote.answers.grader import REASONS, STAGES, Extraction, Grade, extract, grade, is_correct, read_gold
from rote.answers.records import grade_lines

__all__ = [
    "REASONS",
    "STAGES",
    "Extraction",
    "Grade",
    "extract",
    "grade",
    "grade_lines",
    "is_correct",
    "read_gold",
]
