"""Everything that a leaderboard shows, as data: a row for each model and setting, with its ranks.

Ranks are taken within a *field*: the rows of one source and one filter, on the variants that all of them
have. Two measures are ranked: the accuracy that is left on variants, and the drop. A model that knows
nothing has no drop either, so accuracy comes first.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from rote.errors import LogError
from rote.logs.files import read_results
from rote.problem import VARIANTS
from rote.reports.cost import ModelCost
from rote.reports.fields import one_line
from rote.reports.leaderboard.ranks import Rank, rank
from rote.reports.records import Runs, Series
from rote.reports.report import SeriesReport, VariantResult, build_report

#: Variants that no rank is built on: p1 and p2 add steps, a control is noop less the number.
UNRANKED: Final = ("original", "noop_control", "p1", "p2")


@dataclass(frozen=True, slots=True)
class Row:
    """One model under one setting. ``slug`` names its page: stable, ASCII, safe in any file system.

    ``by_accuracy`` and ``by_drop`` are None where the row lacks originals or ranked variants; ``mean_drop``
    and ``robust_accuracy`` are means over the variants that are ranked in its field.
    """

    slug: str
    report: SeriesReport
    series: Series
    robust_accuracy: float | None
    mean_drop: float | None
    by_accuracy: Rank | None
    by_drop: Rank | None


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it was run: its version, the source and a hash over ids and texts of its documents."""

    name: str
    version: str
    source: str
    documents: str


@dataclass(frozen=True, slots=True)
class Board:
    """All rows, by source and filter and then best first.

    ``variants`` are those that occur, ``ranked`` the ranked ones by source and filter.
    """

    rows: tuple[Row, ...]
    variants: tuple[str, ...]
    ranked: tuple[tuple[str, str, tuple[str, ...]], ...]
    tasks: tuple[Task, ...]
    warnings: tuple[str, ...]
    rote_version: str
    level: float
    costs: tuple[ModelCost, ...] = ()
    price: float | None = None


def build_board(runs: Runs, *, price: float | None = None) -> Board:
    """Estimate and rank; ``price`` is that of a GPU hour, for the cost of each model.

    Raises :class:`LogError` where two rows saw different versions of one document.
    """
    report = build_report(runs, unpaired=True, examples=0, price=price)
    _require_same_documents(runs.series)
    ranked: dict[tuple[str, str], tuple[str, ...]] = {}
    results: dict[int, tuple[Rank, Rank, float, float]] = {}
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, series in enumerate(runs.series):
        members[series.source, series.filter].append(i)
    for key, rows in sorted(members.items()):
        able = [i for i in rows if "original" in runs.series[i].samples and _rankable(report.series[i])]
        common = tuple(v for v in VARIANTS if able and all(v in _rankable(report.series[i]) for i in able))
        ranked[key] = common
        if common:
            scores = [_scores(runs.series[i], common) for i in able]
            accuracy, drop = [a for a, _ in scores], [d for _, d in scores]
            for i, a, d, left, lost in zip(
                able, rank(accuracy), rank(drop, reach=2.0), accuracy, drop, strict=True
            ):
                results[i] = (a, d, fmean(left.values()), -fmean(lost.values()))
    table = []
    for i, (series, one) in enumerate(zip(runs.series, report.series, strict=True)):
        by_accuracy, by_drop, left_over, lost_here = results.get(i, (None, None, None, None))
        table.append(Row(slug_of(series), one, series, left_over, lost_here, by_accuracy, by_drop))
    table.sort(key=_place)
    return Board(
        rows=tuple(table),
        variants=tuple(v for v in VARIANTS if any(x.variant == v for r in table for x in r.report.variants)),
        ranked=tuple((s, f, v) for (s, f), v in sorted(ranked.items())),
        tasks=tasks_of(runs),
        warnings=report.warnings,
        rote_version=report.rote_version,
        level=report.level,
        costs=report.costs,
        price=price,
    )


def slug_of(series: Series) -> str:
    """File name of a row's page, without suffix: readable part, then a hash of what identifies the row."""
    identity = "\0".join((series.model.key, series.setting, series.filter, series.source))
    readable = re.sub(r"[^a-z0-9]+", "-", series.model.name.lower()).strip("-")[-40:].strip("-")
    return f"{readable or 'model'}-{hashlib.sha256(identity.encode('utf-8', 'replace')).hexdigest()[:8]}"


def result_of(row: Row, variant: str) -> VariantResult | None:
    """The row's result on one variant; None where it was not evaluated."""
    return next((v for v in row.report.variants if v.variant == variant), None)


def tasks_of(runs: Runs) -> tuple[Task, ...]:
    """Each task with its version and the hash of its documents; several entries where runs differ."""
    versions: dict[str, set[str]] = defaultdict(set)
    for file in sorted({f for s in runs.series for f in s.results_files}):
        stated = read_results_file(file).get("versions")
        for name, version in stated.items() if isinstance(stated, dict) else ():
            versions[str(name)].add(one_line(str(version), 40))
    found = set()
    for series in runs.series:
        for variant, names in series.tasks.items():
            text = hashlib.sha256()
            for samples in series.samples[variant].values():
                for s in samples:
                    text.update(s.id.encode("utf-8", "replace") + b"\0" + s.document_digest)
            for name in names:
                version = ", ".join(sorted(versions.get(name, {"unknown"})))
                found.add((one_line(name), version, series.source, text.hexdigest()[:16]))
    return tuple(Task(*t) for t in sorted(found))


def read_results_file(path: str) -> dict[str, object]:
    """A results file as a table."""
    from pathlib import Path

    return dict(read_results(Path(path)))


def _place(row: Row) -> tuple[str, str, bool, int, str]:
    r, rank_ = row.report, row.by_accuracy
    return r.source, r.filter, rank_ is None, rank_.place if rank_ else 0, r.label


def _rankable(report: SeriesReport) -> tuple[str, ...]:
    return tuple(v.variant for v in report.variants if v.drop is not None and v.variant not in UNRANKED)


def _scores(series: Series, variants: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """(accuracy on variants, minus the drop) by template, over templates that have all of ``variants``."""
    originals = series.samples["original"]
    accuracy: dict[str, float] = {}
    drop: dict[str, float] = {}
    for template, first in originals.items():
        groups = [series.samples[v].get(template) for v in variants]
        means = [sum(s.correct for s in g) / len(g) for g in groups if g]
        if len(means) == len(variants):
            accuracy[template] = fmean(means)
            drop[template] = accuracy[template] - float(first[0].correct)
    if not accuracy:  # templates of the variants do not overlap; each variant then speaks for its own
        for variant in variants:
            for template, group in series.samples[variant].items():
                if template in originals:
                    accuracy[template] = sum(s.correct for s in group) / len(group)
                    drop[template] = accuracy[template] - float(originals[template][0].correct)
    return accuracy, drop


def _require_same_documents(series: Sequence[Series]) -> None:
    seen: dict[str, tuple[bytes, str]] = {}
    for one in series:
        for templates in one.samples.values():
            for samples in templates.values():
                for s in samples:
                    digest, path = seen.setdefault(s.id, (s.document_digest, s.where.path))
                    if digest != s.document_digest:
                        raise LogError(
                            f"document {one_line(s.id, 80)} has another question or answer than in {path}: "
                            "the runs used two versions of the templates and cannot stand on one leaderboard",
                            path=s.where.path,
                            line=s.where.line,
                        )
