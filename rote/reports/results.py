"""What a report holds: plain data, which every renderer reads and the JSON form writes as it is."""

from __future__ import annotations

from dataclasses import dataclass

from rote.reports.cost import ModelCost
from rote.reports.estimates import Drop, Rate
from rote.reports.inert import Contrast, FactorRow, TrapCount
from rote.reports.inference.checks import Checks
from rote.reports.inference.spread import Sets, Spread
from rote.reports.records import Texts
from rote.reports.series_runs import RunsSpread
from rote.reports.shots import ShotsContrast
from rote.reports.standings import Standings
from rote.reports.statistics import Exchangeability
from rote.reports.verdicts import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Example:
    """A flip: the original was answered right, this instance of the variant wrong.

    ``trap`` says how the trap arises that the wrong answer is, where it is one that is found again.
    """

    template_id: str
    variant: str
    sample_id: str
    trapped: bool | None
    trap: str | None
    original: Texts
    changed: Texts


@dataclass(frozen=True, slots=True)
class VariantResult:
    """One row of a report: a variant of one series.

    ``accuracy`` is over all its instances, ``original_accuracy`` over the originals of the paired
    templates. ``trapped`` is over instances that have traps and whose original the same run answered right,
    ``trapped_all`` over all that have traps; ``trapped_share_of_losses`` is the share of traps among the
    wrong answers of the former. Metrics that the logs lack are None. ``lost`` and ``won`` count instances
    that flipped right to wrong and wrong to right against their original. Where ``drop`` is None,
    ``reason`` says why. ``checks`` are made of *numbers*, on which the verdict on memory rests; ``q`` is the
    exact test's mid-p, adjusted over all rows of the report (Benjamini and Hochberg). ``spread`` and
    ``sets`` say how much templates and draws differ.
    """

    variant: str
    tasks: tuple[str, ...]
    accuracy: Rate
    original_accuracy: Rate | None
    drop: Drop | None
    exchangeability: Exchangeability | None
    trapped: Rate | None
    trapped_all: Rate | None
    trapped_share_of_losses: float | None
    invalid: Rate | None
    invalid_original: Rate | None
    format_ok: Rate | None
    lost: int
    won: int
    reason: str | None
    finding: Finding
    checks: Checks | None = None
    q: float | None = None
    spread: Spread | None = None
    sets: Sets | None = None


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """One model under one setting: its originals, a row for each variant, a verdict, examples.

    Of inert clauses also the traps taken, the rows of their factors, and the contrast with clauses that
    have no number; empty or None where no such documents were evaluated.
    """

    label: str
    model: str
    backend: str
    arguments: tuple[tuple[str, str], ...]
    setting: str
    shots: int | None
    filter: str
    source: str
    original: Rate | None
    original_tasks: tuple[str, ...]
    original_invalid: Rate | None
    variants: tuple[VariantResult, ...]
    traps: tuple[TrapCount, ...]
    factors: tuple[FactorRow, ...]
    contrast: Contrast | None
    verdict: Verdict
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the renderers show. ``level`` is the confidence level of all intervals.

    ``shots``, ``runs`` and ``standings`` go beyond one series: the same documents with and without examples,
    runs of one model that differ in their seed, and ranks of several models; empty where there are none.
    ``costs`` are those of each model, ``price`` that of a GPU hour, where one was given.
    """

    series: tuple[SeriesReport, ...]
    warnings: tuple[str, ...]
    files: tuple[str, ...]
    harness_versions: tuple[str, ...]
    rote_version: str
    level: float
    shots: tuple[ShotsContrast, ...] = ()
    runs: tuple[RunsSpread, ...] = ()
    standings: tuple[Standings, ...] = ()
    costs: tuple[ModelCost, ...] = ()
    price: float | None = None
