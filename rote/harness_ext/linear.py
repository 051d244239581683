"""The tasks on systems of linear equations: their data, prompts and scores, as lm-eval calls them.

The user's settings stand under the metadata key ``rote``: ``seed``, which all tasks share, and ``linear``, a
mapping that only these tasks read (:class:`LinearSettings`).

====================  ==========  =========================================================
``exact_match``       higher      1 when every unknown that the response states is right and none is missing
``unknowns_right``    higher      the share of unknowns that are right, 0 to 1
``format_ok``         higher      1 when the response ends as the prompt asks
``invalid``           lower       1 when the response states no unknown at all
====================  ==========  =========================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from rote.answers.systems import grade_system
from rote.errors import UsageError
from rote.harness_ext.documents import Documents
from rote.harness_ext.settings import Settings, parse_settings, unknown_key, whole_number
from rote.perturb.linear import DIFFICULTIES, FORM_CHOICES, UNKNOWNS, capacity, problems, shots
from rote.perturb.linear import prompts as linear_prompts

#: Metric names in the order of ``metric_list``.
METRICS: Final = ("exact_match", "unknowns_right", "format_ok", "invalid")

#: Problems when nothing is said: 16 or 17 of each combination of unknowns, level and form.
DEFAULT_N: Final = 500


@dataclass(frozen=True, slots=True)
class LinearSettings:
    """What ``{"rote": {"linear": {...}}}`` may say.

    Attributes
    ----------
    unknowns: how many unknowns a system may have: numbers from 1 to 3.
    difficulty: levels, numbers from 1 to 5.
    form: ``equations``, ``words`` or ``both``.
    n: how many problems, at least 1.
    """

    unknowns: tuple[int, ...] = UNKNOWNS
    difficulty: tuple[int, ...] = DIFFICULTIES
    form: str = "both"
    n: int = DEFAULT_N


def parse_linear(raw: Any) -> tuple[LinearSettings, int]:
    """The settings of these tasks and the seed, from the value under the metadata key ``rote``.

    Raises UsageError: not a mapping, an unknown key (with the nearest known one), a value out of its range,
    more problems than there are different ones.
    """
    if raw is not None and not isinstance(raw, Mapping):
        raise UsageError(
            'metadata key \'rote\' must hold a mapping such as {"linear": {"n": 500}, "seed": 1}, '
            f"got {raw!r}"
        )
    shared = dict(raw or {})
    own = shared.pop("linear", None)
    known = [*(f.name for f in fields(Settings) if f.name != "linear"), "linear"]
    for key in shared:
        if key not in known:
            raise unknown_key(str(key), known, "key under metadata 'rote':")
    seed = parse_settings(shared).seed
    return _parse_own({} if own is None else own), seed


def _parse_own(raw: Any) -> LinearSettings:
    known = [f.name for f in fields(LinearSettings)]
    if not isinstance(raw, Mapping):
        raise UsageError(
            f'metadata rote.linear must hold a mapping such as {{"unknowns": [2], "n": 500}}, got {raw!r}'
        )
    for key in raw:
        if key not in known:
            raise unknown_key(str(key), known, "key under metadata 'rote.linear':")
    defaults = LinearSettings()
    form = raw.get("form", defaults.form)
    if form not in FORM_CHOICES:
        raise UsageError(f"metadata rote.linear.form must be one of {', '.join(FORM_CHOICES)}, got {form!r}")
    settings = LinearSettings(
        unknowns=_numbers(raw, "unknowns", UNKNOWNS),
        difficulty=_numbers(raw, "difficulty", DIFFICULTIES),
        form=form,
        n=whole_number(raw.get("n", defaults.n), "metadata rote.linear.n", 1),
    )
    most = capacity("test", unknowns=settings.unknowns, difficulty=settings.difficulty, form=settings.form)
    if settings.n > most:
        raise UsageError(
            f"metadata rote.linear.n: {settings.n:,} problems would repeat a question; of these unknowns, "
            f"levels and forms there are {most:,} different ones"
        )
    return settings


def _numbers(raw: Mapping[str, Any], key: str, choices: tuple[int, ...]) -> tuple[int, ...]:
    """A number of the choices or a list of them, each once, ascending."""
    value = raw.get(key)
    if value is None:
        return choices
    listed = value if isinstance(value, (list, tuple)) else [value]
    for number in listed:
        if isinstance(number, bool) or number not in choices:
            raise UsageError(
                f"metadata rote.linear.{key} must be a list of numbers from {choices[0]} to {choices[-1]}, "
                f"got {value!r}"
            )
    if not listed:
        raise UsageError(f"metadata rote.linear.{key} must name at least one number, got {value!r}")
    return tuple(sorted({int(number) for number in listed}))


def load_systems(*, rote: Any = None, **_others: Any) -> dict[str, Documents]:
    """The splits of the tasks: ``test``, and the eight examples as ``shots``.

    Raises what :func:`parse_linear` raises.
    """
    settings, seed = parse_linear(rote)
    made = problems(
        "test",
        settings.n,
        seed,
        unknowns=settings.unknowns,
        difficulty=settings.difficulty,
        form=settings.form,
    )
    splits = {"test": made, "shots": shots()}
    return {name: Documents(problem.to_doc() for problem in split) for name, split in splits.items()}


def fewshot_text(doc: Mapping[str, Any]) -> str:
    """A problem, to follow exemplars or to be one."""
    return linear_prompts.question_text(doc["question"])


def zeroshot_text(doc: Mapping[str, Any]) -> str:
    """A problem with the instruction before it."""
    return linear_prompts.question_text(doc["question"], zeroshot=True)


def target_text(doc: Mapping[str, Any]) -> str:
    """The solution as exemplars show it, which is also what a perfect response would be."""
    return linear_prompts.target_text(doc["solution"])


def score(doc: Mapping[str, Any], response: str) -> dict[str, int | float]:
    """Score one response to one document (:meth:`rote.perturb.linear.LinearProblem.to_doc`)."""
    grade = grade_system(response, doc["answers"])
    return {
        "exact_match": int(grade.correct),
        "unknowns_right": grade.share,
        "format_ok": int(linear_prompts.FORMAT.complies(response)),
        "invalid": int(not grade.solved.values),
    }


def process_results(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, int | float]:
    """``results`` is what the one filter passes: the raw response."""
    # A backend that gives nothing at all (an API's null content) has answered nothing.
    return score(doc, results[0] or "")
