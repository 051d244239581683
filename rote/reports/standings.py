"""Ranks of several models under one setting, as intervals, on the templates that all of them answered.

What is ranked is what the leaderboard ranks: the mean accuracy over the variants that every model has
(without *noop_control*, *p1* and *p2*, whose documents differ from originals in more than what should not
matter), and the drop from the originals to them. :mod:`rote.reports.inference.ranks` tells models apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np
import numpy.typing as npt

from rote.problem import VARIANTS
from rote.reports.inference.ranks import Rank, constant_told_apart, ranks
from rote.reports.records import Series

#: Variants that no rank is built on, as on the leaderboard.
UNRANKED: Final = ("original", "noop_control", "p1", "p2")


@dataclass(frozen=True, slots=True)
class Standing:
    """One model: its ranks by accuracy on variants (high first) and by drop (small first).

    ``by_drop.estimate`` is minus the drop. It is None where some model was not asked the originals.
    """

    model: str
    by_accuracy: Rank
    by_drop: Rank | None


@dataclass(frozen=True, slots=True)
class Standings:
    """At least 2 models under one setting, the most accurate first, on ``templates`` that all answered.

    ``changed`` counts templates left out because models saw different texts of one document. ``constant``
    counts pairs that differ in accuracy by the same amount on every template and are not told apart: a
    difference without any spread is judged by the rule of three. Where there are no ``rows``, ``reason``
    says why.
    """

    setting: str
    source: str
    filter: str
    variants: tuple[str, ...]
    templates: int
    changed: int
    rows: tuple[Standing, ...]
    reason: str | None
    constant: int = 0


def standings(all_series: Sequence[Series], level: float) -> tuple[Standings, ...]:
    """One for each setting, source and filter under which several models were run."""
    groups: dict[tuple[str, str, str], list[Series]] = defaultdict(list)
    for s in all_series:
        groups[s.setting, s.source, s.filter].append(s)
    return tuple(
        _standings(key, series, level)
        for key, series in groups.items()
        if len({s.model.key for s in series}) > 1
    )


def _standings(key: tuple[str, str, str], series: Sequence[Series], level: float) -> Standings:
    variants = tuple(v for v in VARIANTS if v not in UNRANKED and all(v in s.samples for s in series))
    paired = all("original" in s.samples for s in series)
    needed = (*variants, "original") if paired else variants
    asked = [set(s.samples[v]) for s in series for v in needed] if variants else [set[str]()]
    shared = sorted(set.intersection(*asked))
    alike = [t for t in shared if _same_documents(series, needed, t)]
    changed = len(shared) - len(alike)
    reason = None
    if not variants:
        reason = f"no variant was asked of all {len(series)} models"
    elif len(alike) < 2:
        reason = f"{len(alike)} template(s) were asked alike of all {len(series)} models; 2 are needed"
    if reason is not None:
        return Standings(*key, variants, len(alike), changed, (), reason)

    def accuracy(s: Series, names: Sequence[str]) -> list[float]:
        means = [[_mean(s, v, t) for v in names] for t in alike]
        return [fmean(row) for row in means]

    columns = np.array([accuracy(s, variants) for s in series]).T
    by_accuracy = ranks(columns, level)
    by_drop: list[Rank] | None = None
    if paired:
        originals = np.array([accuracy(s, ("original",)) for s in series]).T
        by_drop = ranks(columns - originals, level, reach=2.0)
    rows = [
        Standing(s.model.name, by_accuracy[i], by_drop[i] if by_drop is not None else None)
        for i, s in enumerate(series)
    ]
    rows.sort(key=lambda r: (-round(r.by_accuracy.estimate, 12), r.model))
    return Standings(*key, variants, len(alike), changed, tuple(rows), None, _constant(columns, level))


def _constant(columns: npt.NDArray[np.float64], level: float) -> int:
    """Pairs of accuracies whose difference is the same in every row, not 0, and too small to tell."""
    templates, models = columns.shape
    pairs = [columns[:, i] - columns[:, j] for i in range(models) for j in range(i)]
    gaps = [float(pair[0]) for pair in pairs if float(np.ptp(pair)) < 1e-9 < abs(float(pair[0]))]
    return int(np.sum(~constant_told_apart(gaps, templates, models, level, reach=1.0)))


def _mean(series: Series, variant: str, template: str) -> float:
    samples = series.samples[variant][template]
    return sum(s.correct for s in samples) / len(samples)


def _same_documents(series: Sequence[Series], variants: Sequence[str], template: str) -> bool:
    seen: dict[str, bytes] = {}
    return all(
        seen.setdefault(sample.id, sample.document_digest) == sample.document_digest
        for s in series
        for v in variants
        for sample in s.samples[v][template]
    )
