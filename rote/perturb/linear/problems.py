"""Problems for evaluation and training: which cells they come from, and what their documents hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from rote.errors import UsageError
from rote.perturb.linear import splits
from rote.perturb.linear.cells import FORMS, Cell, cells, find
from rote.perturb.linear.levels import DIFFICULTIES, UNKNOWNS, check_difficulty
from rote.perturb.linear.system import Number, System
from rote.perturb.linear.working import answer_line, work_out
from rote.problem import Problem
from rote.rational import format_number

SOURCE: Final = "linear"

#: What ``form`` may be.
FORM_CHOICES: Final = (*FORMS, "both")

#: Few-shot examples: (cell, index) of the split ``shots`` at seed 0, from easy to hard, both forms, one to
#: three unknowns.
_SHOTS: Final = (
    ("hire-1-1", 0),
    ("equations-2-2", 0),
    ("equations-1-3", 0),
    ("tickets-2-3", 0),
    ("equations-3-2", 0),
    ("crates-2-4", 0),
    ("equations-2-5", 0),
    ("wages-3-2", 0),
)


@dataclass(frozen=True, slots=True)
class LinearProblem:
    """A system of linear equations as a problem.

    Attributes
    ----------
    problem: what every problem has. Its variant is ``original``, and each system is a template of its own:
        ``template_id`` is ``linear/<split>/<cell>/<seed>/<index>``. ``answer`` is the value of the first
        unknown; the whole solution is ``answers``.
    answers: the value of each unknown, in the order in which the question names them.
    cell, unknowns, difficulty, form, split: where it comes from.
    system: the equations.
    """

    problem: Problem
    answers: Mapping[str, Fraction]
    cell: str
    unknowns: int
    difficulty: int
    form: str
    split: str
    system: System

    @property
    def question(self) -> str:
        return self.problem.question

    @property
    def solution(self) -> str:
        return self.problem.solution

    def to_doc(self) -> dict[str, Any]:
        """:meth:`rote.problem.Problem.to_doc` with ``answers`` (unknown to number as text), ``cell``,
        ``unknowns`` (how many), ``difficulty``, ``form`` and ``split`` beside it."""
        return {
            **self.problem.to_doc(),
            "answers": {name: format_number(value) for name, value in self.answers.items()},
            "cell": self.cell,
            "unknowns": self.unknowns,
            "difficulty": self.difficulty,
            "form": self.form,
            "split": self.split,
        }


@cache
def _by_id() -> Mapping[str, Cell]:
    return {cell.id: cell for cell in cells()}


def instance(cell_id: str, split: str, seed: int, index: int) -> LinearProblem:
    """The problem of a cell, split, seed and index: a function of these four and of nothing else.

    Raises UsageError for an unknown cell or split and an index beyond the cell's capacity.
    """
    cell = _by_id().get(cell_id)
    if cell is None:
        raise UsageError(f"unknown kind of linear problem {cell_id!r}; known: {', '.join(_by_id())}")
    return _made(cell, split, seed, index)


def _made(cell: Cell, split: str, seed: int, index: int) -> LinearProblem:
    question, letters, system = cell.draw(split, seed, index)
    working = work_out(system, letters, words=cell.form == "words")
    name = f"{SOURCE}/{split}/{cell.id}/{seed}/{index}"
    answers = {letter: Fraction(value) for letter, value in zip(letters, system.solution, strict=True)}
    problem = Problem(
        id=f"{name}/original",
        source=SOURCE,
        template_id=name,
        original_id=f"{name}/original",
        variant="original",
        seed=seed,
        index=index,
        question=question,
        solution=f"{working.text}\n{answer_line(letters, system.solution)}",
        answer=Fraction(system.solution[0]),
        covariates={
            "largest_number": _largest(system),
            "answer_digits": max(len(str(abs(int(v)))) for v in system.solution),
            "operations": working.operations,
            "characters": len(question),
            "unknowns": cell.unknowns,
            "difficulty": cell.difficulty,
            "eliminations": working.eliminations,
        },
    )
    return LinearProblem(
        problem,
        MappingProxyType(answers),
        cell.id,
        cell.unknowns,
        cell.difficulty,
        cell.form,
        split,
        system,
    )


def _largest(system: System) -> int:
    """The largest numerator or denominator that stands in the equations."""
    written: list[Number] = []
    for made in system.equations:
        written += (*made.right, made.right_constant)
        written += made.bracket if made.bracket is not None else (*made.left, made.left_constant)
    return max(max(abs(v.numerator), v.denominator) for v in written)


def _groups(unknowns: Sequence[int], difficulty: Sequence[int], form: str) -> list[tuple[Cell, ...]]:
    if not unknowns or not difficulty:
        raise UsageError("unknowns and difficulty: name at least one each")
    for number in unknowns:
        if number not in UNKNOWNS:
            raise UsageError(f"unknowns must be from {UNKNOWNS[0]} to {UNKNOWNS[-1]}, got {number!r}")
    for level in difficulty:
        check_difficulty(level)
    if form not in FORM_CHOICES:
        raise UsageError(f"form must be one of {', '.join(FORM_CHOICES)}, got {form!r}")
    forms = FORMS if form == "both" else (form,)
    return [
        find(number, level, shape)
        for level in dict.fromkeys(difficulty)
        for number in dict.fromkeys(unknowns)
        for shape in forms
    ]


def capacity(
    split: str,
    *,
    unknowns: Sequence[int] = UNKNOWNS,
    difficulty: Sequence[int] = DIFFICULTIES,
    form: str = "both",
) -> int:
    """The largest ``n`` that :func:`problems` gives without a question twice."""
    groups = _groups(unknowns, difficulty, form)
    splits.check_split(split)
    return len(groups) * min(len(group) * min(c.capacity(split) for c in group) for group in groups)


def problems(
    split: str,
    n: int,
    seed: int = 0,
    *,
    unknowns: Sequence[int] = UNKNOWNS,
    difficulty: Sequence[int] = DIFFICULTIES,
    form: str = "both",
) -> list[LinearProblem]:
    """The first ``n`` problems of a split: unknowns, levels and forms in turn, in equal shares.

    Fewer are a prefix of more. ``split`` is ``train``, ``test`` or ``shots``; ``form`` is ``equations``,
    ``words`` or ``both``. Raises UsageError for an unknown name, a number out of range, and more problems
    than there are different questions (:func:`capacity`).
    """
    groups = _groups(unknowns, difficulty, form)
    most = capacity(split, unknowns=unknowns, difficulty=difficulty, form=form)
    if not 0 <= n <= most:
        raise UsageError(
            f"n must be from 0 to {most:,} (so many different questions have these unknowns, levels and "
            f"forms in the split {split!r}), got {n}"
        )
    if seed < 0:
        raise UsageError(f"seed must be at least 0, got {seed}")
    made = []
    for at in range(n):
        turn, place = divmod(at, len(groups))
        group = groups[place]
        index, kind = divmod(turn, len(group))
        made.append(_made(group[kind], split, seed, index))
    return made


@cache
def shots() -> tuple[LinearProblem, ...]:
    """The eight worked examples of few-shot prompts; no test or training problem has their solutions."""
    return tuple(instance(cell, "shots", 0, index) for cell, index in _SHOTS)
