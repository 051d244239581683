"""From series of samples to estimates, findings and examples: the whole content of a report.

The unit is the template. Of each template that has both an original and instances of a variant,
D_g = original_g - mean(variants_g); accuracies, rates and drops are means over templates with equal
weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rote.problem import VARIANTS
from rote.reports import (
    cost,
    estimates,
    inert,
    pairing,
    rows,
    series_runs,
    shots,
    standings,
    statistics,
    verdicts,
)
from rote.reports.fields import one_line
from rote.reports.records import Runs, Sample, Series
from rote.reports.results import Example, Report, SeriesReport, VariantResult
from rote.reports.texts import read_texts

__all__ = ["EXAMPLES", "Example", "Report", "SeriesReport", "VariantResult", "build_report"]

#: Flips (original right, variant wrong) shown for each variant of a series.
EXAMPLES: Final = 3


def build_report(
    runs: Runs,
    *,
    level: float = statistics.LEVEL,
    unpaired: bool = False,
    examples: int = EXAMPLES,
    references: Sequence[str] = (),
    price: float | None = None,
) -> Report:
    """Estimate everything.

    ``references`` names models that cannot have seen the originals; the drop on numbers of each other model
    is compared with theirs. A name that no model has is a :class:`~rote.errors.UsageError`.

    ``price`` is that of a GPU hour, in any unit, from which the cost of each model follows.

    ``unpaired`` allows a model and setting for which originals or variants are missing altogether: its
    accuracies and rates are then reported without a drop. Otherwise that is a
    :class:`~rote.errors.LogError` that names the tasks and templates.
    """
    from rote import __version__

    warnings = list(runs.warnings)
    if not unpaired:
        pairing.require_pairs(runs.series)
    table = [
        [rows.variant_result(series, v, level) for v in VARIANTS if v != "original" and v in series.samples]
        for series in runs.series
    ]
    table = rows.with_checks(runs.series, table, references, level)
    reports = []
    for series, results, label in zip(runs.series, table, pairing.labels(runs.series), strict=True):
        warnings += [f"{label}: {w}" for w in pairing.warnings_of(series)]
        reports.append(_series_report(series, results, label, level, examples))
    joined = series_runs.pooled(runs.series)
    return Report(
        tuple(reports),
        tuple(warnings),
        runs.files,
        runs.harness_versions,
        __version__,
        level,
        shots.contrasts(joined, level),
        series_runs.spreads(runs.series),
        standings.standings(joined, level),
        cost.model_costs(runs.costs, {s.model.key: s.model.name for s in runs.series}, price),
        price,
    )


def _series_report(
    series: Series, made: Sequence[VariantResult], label: str, level: float, examples: int
) -> SeriesReport:
    results = [replace(r, finding=verdicts.find(r)) for r in made]
    results = rows.with_bca(series, results, level)
    originals = list(series.samples.get("original", {}).values())
    contrast = inert.contrast(series, level)
    return SeriesReport(
        label=label,
        model=series.model.name,
        backend=series.model.backend,
        arguments=series.model.arguments,
        setting=series.setting,
        shots=series.shots,
        filter=series.filter,
        source=series.source,
        original=estimates.rate(originals, estimates.is_correct, level),
        original_tasks=series.tasks.get("original", ()),
        original_invalid=estimates.rate(originals, lambda s: s.invalid, level),
        variants=tuple(results),
        traps=inert.trap_counts(series),
        factors=inert.factor_rows(series, level),
        contrast=contrast,
        verdict=verdicts.conclude(results, contrast),
        examples=tuple(e for r in results for e in _examples(series, r.variant, examples)),
    )


def _examples(series: Series, variant: str, limit: int) -> list[Example]:
    """The first flip of each template, trapped ones first, in template order; at most ``limit``."""
    originals = series.samples.get("original", {})
    flips: list[tuple[Sample, Sample]] = []
    for template, samples in series.samples[variant].items():
        original = originals.get(template, (None,))[0]
        wrong = sorted((s for s in samples if not s.correct), key=lambda s: s.trapped is not True)
        if original is not None and original.correct and wrong:
            flips.append((original, wrong[0]))
    flips.sort(key=lambda pair: pair[1].trapped is not True)  # stable: template order within
    return [
        Example(
            one_line(changed.template_id),
            variant,
            one_line(changed.id),
            changed.trapped,
            changed.trap,
            read_texts(original),
            read_texts(changed),
        )
        for original, changed in flips[:limit]
    ]
