"""What is computed of all organisms together: hit rates of the verdicts, AUC, and the dose series."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from findings_catalogue import Catalogue, Expected, found
from findings_logs import Cell, Collected

from rote.errors import DataError
from rote.reports.estimates import Drop, Rate, differences
from rote.reports.records import Sample, Series
from rote.reports.statistics import LEVEL, Interval, wilson_interval

RESAMPLES: Final = 4_999
#: 0.975 quantile of the normal distribution.
_Z: Final = 1.959963984540054


# --- sensitivity and specificity -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HitRate:
    """``hits`` of ``of`` series on which something was planted (or was not) were called so."""

    verdict: str
    kind: str
    hits: int
    of: int
    interval: Interval | None
    wrong: tuple[str, ...]


def hit_rates(cells: Sequence[Cell], catalogue: Catalogue) -> tuple[HitRate, ...]:
    """Sensitivity and specificity of each verdict over all series of which the catalogue tells the truth."""
    memory, inert = "consistent with memorisation", "distractible"

    def labelled(word: str) -> Callable[[Expected], bool | None]:
        return lambda e: True if word in e.says else False if word in e.says_not else None

    def dropping(variant: str) -> Callable[[Expected], bool | None]:
        return lambda e: True if variant in e.drop else False if variant in e.no_drop else None

    asked: list[tuple[str, Callable[[Expected], bool | None], Callable[[Cell], bool | None]]] = [
        (memory, labelled(memory), lambda c: memory in c.report.verdict.conclusions),
        (f"{memory}, each model reported alone", labelled(memory), lambda c: memory in c.alone),
        (inert, labelled(inert), lambda c: inert in c.report.verdict.conclusions),
        ("drop on names", dropping("names"), lambda c: found(c.report, "names")),
        ("drop on numbers", dropping("numbers"), lambda c: found(c.report, "numbers")),
    ]
    rates = []
    for verdict, label, call in asked:
        judged = [
            (c, truth, called)
            for c in cells
            if (e := catalogue[c.organism].sources.get(c.source)) is not None
            and (truth := label(e)) is not None
            and (called := call(c)) is not None
        ]
        for truth_wanted, kind in ((True, "sensitivity"), (False, "specificity")):
            mine = [(c, called) for c, truth, called in judged if truth is truth_wanted]
            wrong = tuple(
                f"{c.organism}-s{c.seed} on {c.source}" for c, called in mine if called is not truth_wanted
            )
            hits = len(mine) - len(wrong)
            interval = wilson_interval(hits, len(mine)) if mine else None
            rates.append(HitRate(verdict, kind, hits, len(mine), interval, wrong))
    return tuple(rates)


# --- AUC -------------------------------------------------------------------------------------------


def auc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Share of pairs in which the positive has the higher score; a tie counts half. Both are not empty."""
    return float(_wins(positives, negatives).mean())


def _wins(positives: Sequence[float], negatives: Sequence[float]) -> npt.NDArray[np.float64]:
    """1, 1/2 or 0 for each pair: shape (positives, negatives)."""
    if not positives or not negatives:
        raise DataError("an AUC takes at least one score on each side")
    difference = np.subtract.outer(np.asarray(positives, float), np.asarray(negatives, float))
    # Means of the same answers differ in their last bits; a tie must stay one.
    return np.where(np.abs(difference) < 1e-9, 0.5, difference > 0).astype(float)


def bootstrap_auc(
    positives: Sequence[float], negatives: Sequence[float], *, level: float = LEVEL, seed: int = 0
) -> Interval:
    """Percentile bootstrap over templates, either side among themselves. Of width 0 at AUC 0 and 1."""
    wins = _wins(positives, negatives)
    m, n = wins.shape
    rng = np.random.default_rng(seed)
    left = rng.multinomial(m, np.full(m, 1 / m), RESAMPLES)
    right = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES)
    drawn = np.einsum("bi,ij,bj->b", left, wins, right, optimize=True) / (m * n)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, "bootstrap over templates")


def newcombe_auc(estimate: float, positives: int, negatives: int) -> Interval:
    """95 % score interval of Newcombe (2006), Statistics in Medicine 25, 559-573, method 5.

    All t with \N{VERTICAL LINE}estimate - t\N{VERTICAL LINE} <= z sqrt(V(t)), V being Hanley and McNeil's
    variance with both sizes less 1 replaced by their mean less 1. Never of width 0.
    """
    m, n = positives, negatives
    size = (m + n) / 2 - 1

    def inside(t: float) -> bool:
        variance = t * (1 - t) * (1 + size * (1 - t) / (2 - t) + size * t / (1 + t)) / (m * n)
        return abs(estimate - t) <= _Z * math.sqrt(max(0.0, variance))

    def end(outer: float) -> float:
        if inside(outer):
            return outer
        inner = estimate if 0 < estimate < 1 else abs(estimate - 1e-9)
        for _ in range(60):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if inside(middle) else (inner, middle)
        return inner

    low, high = (estimate if estimate == 0 else end(0.0)), (estimate if estimate == 1 else end(1.0))
    return Interval(low, high, 0.95, "Newcombe")


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well a score of templates ranks the originals trained on above the others of the bank."""

    organism: str
    seed: int
    score: str
    auc: float
    bootstrap: Interval
    newcombe: Interval
    planted: int
    others: int
    #: template -> (score, trained on)
    scores: Mapping[str, tuple[float, bool]]


def _short(template: str) -> str:
    return template.rpartition("/")[2]


def drops_of(series: Series, variants: Sequence[str]) -> dict[str, float]:
    """D_g = original - mean of all instances of these variants, of each template that has both."""
    originals = series.samples.get("original", {})
    drawn: dict[str, list[Sample]] = {}
    for variant in variants:
        for template, samples in series.samples.get(variant, {}).items():
            drawn.setdefault(template, []).extend(samples)
    both = [t for t in sorted(drawn) if t in originals]
    return dict(zip(both, differences([(originals[t], drawn[t]) for t in both]), strict=True))


#: What a template is scored by, with what that is.
SCORES: Final = {
    "numbers": "D_g on numbers, as in the drop",
    "numbers and symbolic": "D_g on the instances of both, which both have other numbers",
    "less the reasoner's": "D_g on both, less that of the reasoner of the same seed, which saw no original",
}


def rankings(collected: Collected, catalogue: Catalogue) -> tuple[Ranking, ...]:
    """An AUC for each organism with a part of the originals, seed and score."""
    found_ones = []
    for name, organism in catalogue.items():
        if organism.share is None or not 0 < organism.share < 1:
            continue
        for cell in collected.of(name, "bank"):
            planted = collected.planted.get((name, cell.seed))
            if planted is None:
                continue
            both = drops_of(cell.series, ("numbers", "symbolic"))
            reasoner = [c for c in collected.of("reasoner", "bank") if c.seed == cell.seed]
            there = drops_of(reasoner[0].series, ("numbers", "symbolic")) if reasoner else {}
            by_score = zip(
                SCORES,
                (
                    drops_of(cell.series, ("numbers",)),
                    both,
                    {t: d - there[t] for t, d in both.items() if t in there},
                ),
                strict=True,
            )
            for score, values in by_score:
                scores = {_short(t): (d, _short(t) in planted.originals) for t, d in values.items()}
                yes = [d for d, is_planted in scores.values() if is_planted]
                no = [d for d, is_planted in scores.values() if not is_planted]
                if not yes or not no:
                    continue
                estimate = auc(yes, no)
                found_ones.append(
                    Ranking(
                        name,
                        cell.seed,
                        score,
                        estimate,
                        bootstrap_auc(yes, no),
                        newcombe_auc(estimate, len(yes), len(no)),
                        len(yes),
                        len(no),
                        scores,
                    )
                )
    return tuple(found_ones)


# --- dose and response -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dose:
    """One model of a dose series on the bank. ``dose``: share of the originals, or how often each came."""

    organism: str
    seed: int
    dose: float
    originals: Rate | None
    drop: Drop | None
    says: bool


def dose_series(collected: Collected, catalogue: Catalogue) -> dict[str, tuple[Dose, ...]]:
    """``share``: by the share of originals trained on; ``epochs``: by how often all of them were seen."""
    by: dict[str, list[Dose]] = {"share": [], "epochs": []}
    for name, organism in catalogue.items():
        for cell in collected.of(name, "bank"):
            if organism.share is not None:
                by["share"].append(_dose(cell, organism.share))
            if organism.epochs is not None:
                told = collected.planted.get((name, cell.seed))
                planted_epochs = told.epochs if told is not None and organism.epochs > 0 else None
                # Seeds differ by some rows of two hundred.
                by["epochs"].append(_dose(cell, float(round(planted_epochs or organism.epochs))))
    return {k: tuple(sorted(v, key=lambda d: (d.dose, d.organism, d.seed))) for k, v in by.items()}


def _dose(cell: Cell, dose: float) -> Dose:
    row = next((v for v in cell.report.variants if v.variant == "numbers"), None)
    says = "consistent with memorisation" in cell.report.verdict.conclusions
    return Dose(cell.organism, cell.seed, dose, cell.report.original, None if row is None else row.drop, says)
