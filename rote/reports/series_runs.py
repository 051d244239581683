"""Several runs of one model under one setting: mean and standard deviation of accuracy over runs.

Runs differ in one thing:

``problems``   the seed that problems are drawn with (``rote eval --seeds``): the same templates, other draws;
``sampling``   lm-eval's own seeds, where responses are sampled: the same problems, other responses;
``repeats``    the turn of the response (``rote eval --repeats``): the same problems in one run.

The accuracy of a run is the mean over the templates that all runs have, each weighing the same. The standard
deviation (n - 1 in the denominator) is the spread over runs. It is no confidence interval: runs share their
templates, so it says how far the seed moves the number and nothing of other templates.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rote.problem import VARIANTS
from rote.reports.records import Sample, Series

Kind = Literal["problems", "sampling", "repeats"]

#: Of one run, the answers of each template as 0 or 1.
_Answers = Mapping[str, Sequence[bool]]


@dataclass(frozen=True, slots=True)
class RunsRow:
    """One variant over at least 2 runs: ``names`` and ``accuracies`` run by run, as fractions.

    ``templates`` are those that every run has.
    """

    variant: str
    names: tuple[str, ...]
    accuracies: tuple[float, ...]
    mean: float
    deviation: float
    templates: int


@dataclass(frozen=True, slots=True)
class RunsSpread:
    """Runs of one model under one setting, which differ in ``kind`` alone; rows in the order of variants."""

    model: str
    setting: str
    source: str
    filter: str
    kind: Kind
    rows: tuple[RunsRow, ...]


def spreads(all_series: Sequence[Series]) -> tuple[RunsSpread, ...]:
    """Every group of at least 2 runs, in the order of series; empty where each was run once."""
    found = []
    for series in all_series:
        found += [_told([series], series.setting, kind, split) for kind, split in _WITHIN]
    for runs in _sampled(all_series):
        found.append(_told(runs, runs[0].setting_of_runs, "sampling", None))
    return tuple(spread for spread in found if spread.rows)


def pooled(all_series: Sequence[Series]) -> list[Series]:
    """The series with those joined that differ in the seeds of sampling alone.

    A template then has the answers of all runs: a comparison rests on all that was asked.
    """
    groups = {id(runs[0]): runs for runs in _sampled(all_series)}
    later = {id(s) for runs in groups.values() for s in runs[1:]}
    return [_joined(groups.get(id(s), [s])) for s in all_series if id(s) not in later]


def _joined(runs: Sequence[Series]) -> Series:
    if len(runs) == 1:
        return runs[0]
    samples: dict[str, dict[str, tuple[Sample, ...]]] = defaultdict(dict)
    for run in runs:
        for variant, templates in run.samples.items():
            for template, answers in templates.items():
                samples[variant][template] = (*samples[variant].get(template, ()), *answers)
    return replace(runs[0], samples=samples, prompt=runs[0].run_of, seeds=None)


def _sampled(all_series: Sequence[Series]) -> list[list[Series]]:
    """Series that differ in the seeds of sampling and nothing else."""
    alike: dict[tuple[str, ...], list[Series]] = defaultdict(list)
    for s in all_series:
        if s.seeds is not None:
            alike[s.model.key, s.setting_of_runs, s.filter, s.source].append(s)
    return [runs for runs in alike.values() if len(runs) > 1]


def _told(
    series: Sequence[Series],
    setting: str,
    kind: Kind,
    split: Callable[[Mapping[str, Sequence[Sample]]], dict[str, _Answers]] | None,
) -> RunsSpread:
    rows = []
    for variant in VARIANTS:
        if split is None:
            runs = {str(s.seeds): _answers(s.samples[variant]) for s in series if variant in s.samples}
        else:
            runs = split(series[0].samples.get(variant, {}))
        row = _row(variant, runs)
        rows += [row] if row is not None else []
    first = series[0]
    return RunsSpread(first.model.name, setting, first.source, first.filter, kind, tuple(rows))


def _answers(templates: Mapping[str, Sequence[Sample]]) -> _Answers:
    return {template: [s.correct for s in samples] for template, samples in templates.items()}


def _by_problem_seed(templates: Mapping[str, Sequence[Sample]]) -> dict[str, _Answers]:
    runs: dict[int, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for template, samples in templates.items():
        for s in samples:
            if s.variant != "original":  # it does not depend on the seed
                runs[s.seed][template].append(s.correct)
    return {str(seed): runs[seed] for seed in sorted(runs)}


def _by_repeat(templates: Mapping[str, Sequence[Sample]]) -> dict[str, _Answers]:
    repeated = {t: [s for s in samples if len(s.runs) > 1] for t, samples in templates.items()}
    repeated = {template: samples for template, samples in repeated.items() if samples}
    count = min((len(s.runs) for samples in repeated.values() for s in samples), default=0)
    return {
        str(turn + 1): {t: [s.runs[turn] for s in samples] for t, samples in repeated.items()}
        for turn in range(count)
    }


_WITHIN: tuple[tuple[Kind, Callable[[Mapping[str, Sequence[Sample]]], dict[str, _Answers]]], ...] = (
    ("problems", _by_problem_seed),
    ("repeats", _by_repeat),
)


def _row(variant: str, runs: Mapping[str, _Answers]) -> RunsRow | None:
    """None where there are fewer than 2 runs, or they share no template."""
    if len(runs) < 2:
        return None
    shared = set.intersection(*(set(answers) for answers in runs.values()))
    if not shared:
        return None
    accuracies = tuple(
        statistics.fmean(statistics.fmean(answers[t]) for t in sorted(shared)) for answers in runs.values()
    )
    return RunsRow(
        variant,
        tuple(runs),
        accuracies,
        statistics.fmean(accuracies),
        statistics.stdev(accuracies),
        len(shared),
    )
