"""From series of samples to estimates, findings and examples: the whole content of a report.

The unit is the template. Of each template that has both an original and instances of a variant,
D_g = original_g - mean(variants_g); accuracies, rates and drops are means over templates with equal
weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from rote.errors import DataError, LogError, UsageError
from rote.problem import VARIANTS
from rote.reports import estimates, inert, statistics, verdicts
from rote.reports.estimates import Drop, Rate
from rote.reports.fields import one_line
from rote.reports.inert import Contrast, FactorRow, TrapCount
from rote.reports.inference import multiple, resampling
from rote.reports.inference.checks import Checks, check, difference_in_differences
from rote.reports.inference.spread import Sets, Spread, fixed_interval, sets, spread
from rote.reports.records import Runs, Sample, Series, Texts
from rote.reports.statistics import Exchangeability
from rote.reports.texts import read_texts
from rote.reports.verdicts import Finding, Verdict

#: Flips (original right, variant wrong) shown for each variant of a series.
EXAMPLES: Final = 3


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
    """Everything that the renderers show. ``level`` is the confidence level of all intervals."""

    series: tuple[SeriesReport, ...]
    warnings: tuple[str, ...]
    files: tuple[str, ...]
    harness_versions: tuple[str, ...]
    rote_version: str
    level: float


def build_report(
    runs: Runs,
    *,
    level: float = statistics.LEVEL,
    unpaired: bool = False,
    examples: int = EXAMPLES,
    references: Sequence[str] = (),
) -> Report:
    """Estimate everything.

    ``references`` names models that cannot have seen the originals; the drop on numbers of each other model
    is compared with theirs. A name that no model has is a :class:`~rote.errors.UsageError`.

    ``unpaired`` allows a model and setting for which originals or variants are missing altogether: its
    accuracies and rates are then reported without a drop. Otherwise that is a
    :class:`~rote.errors.LogError` that names the tasks and templates.
    """
    from rote import __version__

    warnings = list(runs.warnings)
    if not unpaired:
        _require_pairs(runs.series)
    rows = [
        [_variant_result(series, v, level) for v in VARIANTS if v != "original" and v in series.samples]
        for series in runs.series
    ]
    rows = _with_checks(runs.series, rows, references, level)
    reports = []
    for series, results, label in zip(runs.series, rows, _labels(runs.series), strict=True):
        warnings += [f"{label}: {w}" for w in _pairing_warnings(series)]
        reports.append(_series_report(series, results, label, level, examples))
    return Report(tuple(reports), tuple(warnings), runs.files, runs.harness_versions, __version__, level)


# --- pairing ---------------------------------------------------------------------------------------


def _labels(series: Sequence[Series]) -> list[str]:
    """Short and distinct: the model's name, and of setting, source and filter what varies."""
    several = [a for a in ("setting", "source", "filter") if len({getattr(s, a) for s in series}) > 1]
    labels: list[str] = []
    for s in series:
        label = one_line(s.model.name, 60) + "".join(f" · {getattr(s, a)}" for a in several)
        # Long names may coincide once their middle is cut out.
        copies = sum(other == label or other.startswith(f"{label} #") for other in labels)
        labels.append(f"{label} #{copies + 1}" if copies else label)
    return labels


def _few(names: Sequence[str], limit: int = 3) -> str:
    shown = ", ".join(one_line(n, 80) for n in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _paired(series: Series, variant: str) -> list[str]:
    originals = series.samples.get("original", {})
    return [t for t in series.samples[variant] if t in originals]


def _require_pairs(all_series: Sequence[Series]) -> None:
    """Every (model, setting) must have at least one template with an original and a variant."""
    for series in all_series:
        peers = [s for s in all_series if s.model.key == series.model.key]
        alike = [s for s in peers if s.shots == series.shots and s.filter == series.filter]
        if any(_paired(s, v) for s in alike for v in s.samples if v != "original"):
            continue
        have = ", ".join(t for s in alike for tasks in s.tasks.values() for t in tasks)
        present = {v for s in alike for v in s.samples}
        who = f"{series.model.name} ({series.setting})"
        elsewhere = sorted(
            {
                f"{t} ({s.setting}, filter {s.filter})"
                for s in peers
                if s not in alike
                for v, tasks in s.tasks.items()
                if (v == "original") != ("original" in present) or present > {"original"}
                for t in tasks
            }
        )
        hint = (
            f" Found only under another setting, which does not compare: {_few(elsewhere)}."
            if elsewhere
            else ""
        )
        way_out = " Or pass --unpaired to report accuracies without a drop."
        if present == {"original"}:
            what = f"has originals ({have}) but no variants: evaluate variants in the same setting."
        elif "original" not in present:
            what = f"has variants ({have}) but no originals: evaluate the originals in the same setting."
        else:
            first = _few(list(series.samples.get("original", {})))
            other = _few([t for v, ts in series.samples.items() if v != "original" for t in ts])
            what = (
                f"has originals and variants ({have}) of different templates "
                f"(originals: {first or 'none'}; variants: {other or 'none'}): "
                "evaluate both on the same ones."
            )
        raise LogError(f"{who} {what}{hint}{way_out}", path=series.results_files[0])


def _pairing_warnings(series: Series) -> list[str]:
    warnings = []
    originals = series.samples.get("original", {})
    for variant, templates in series.samples.items():
        if variant == "original":
            if len(series.samples) == 1:
                warnings.append("originals only; there is no variant to compare with.")
            continue
        orphans = [t for t in templates if t not in originals]
        if orphans:
            warnings.append(
                f"{variant}: {len(orphans)} of {len(templates)} templates have no original "
                f"({_few(orphans)}); they count in the accuracy, not in the drop."
            )
        lacking = [t for t in originals if t not in templates]
        if lacking and variant not in ("p1", "p2"):  # not every template has these clauses
            warnings.append(
                f"{variant}: {len(lacking)} of {len(originals)} originals have no such variant "
                f"({_few(lacking)}); they are left out of its drop."
            )
        counts = sorted({len(s) for s in templates.values()})
        if len(counts) > 1:
            warnings.append(
                f"{variant}: between {counts[0]} and {counts[-1]} instances a template; "
                "templates weigh the same."
            )
    return warnings


# --- estimates -------------------------------------------------------------------------------------


def _variant_result(series: Series, variant: str, level: float) -> VariantResult:
    templates = series.samples[variant]
    originals = series.samples.get("original", {})
    paired = _paired(series, variant)
    groups = list(templates.values())
    accuracy = estimates.rate(groups, estimates.is_correct, level)
    if accuracy is None:  # a variant exists only through its samples
        raise LogError(f"variant {variant} holds no samples", path=series.results_files[0])

    pairs = [(originals[t], templates[t]) for t in paired]
    reason: str | None = "no originals were evaluated"
    if originals:
        reason = estimates.refusal(pairs, "an original and this variant", ("originals", "variants"))

    drop: Drop | None = None
    exchangeability: Exchangeability | None = None
    varied: Spread | None = None
    by_set: Sets | None = None
    if reason is None:
        drop = estimates.drop(pairs, level)
        before, after = [float(o[0].correct) for o, _ in pairs], [[s.correct for s in ss] for _, ss in pairs]
        drop = replace(drop, fixed=fixed_interval(before, after, level))
        varied = spread(before, after)
        by_set = sets(before, [{(s.seed, s.index): s.correct for s in ss} for _, ss in pairs])
        exchangeability = statistics.exchangeability_test(
            [float(originals[t][0].correct) for t in paired],
            [float(sum(s.correct for s in templates[t])) for t in paired],
            [float(len(templates[t])) for t in paired],
        )

    right = [t for t in paired if originals[t][0].correct]
    right_set = set(right)
    losses = [s for t in right for s in templates[t] if estimates.is_trapped(s) is not None and not s.correct]
    return VariantResult(
        variant=variant,
        tasks=series.tasks.get(variant, ()),
        accuracy=accuracy,
        original_accuracy=estimates.rate([originals[t] for t in paired], estimates.is_correct, level),
        drop=drop,
        exchangeability=exchangeability,
        trapped=estimates.rate([templates[t] for t in right], estimates.is_trapped, level),
        trapped_all=estimates.rate(groups, estimates.is_trapped, level),
        trapped_share_of_losses=sum(s.trapped is True for s in losses) / len(losses) if losses else None,
        invalid=estimates.rate(groups, lambda s: s.invalid, level),
        invalid_original=estimates.rate([originals[t] for t in paired], lambda s: s.invalid, level),
        format_ok=estimates.rate(groups, lambda s: s.format_ok, level),
        lost=sum(not s.correct for t in right for s in templates[t]),
        won=sum(s.correct for t in paired if t not in right_set for s in templates[t]),
        reason=reason,
        finding=Finding("not estimable", ""),  # the caller finds it from the rest
        spread=varied,
        sets=by_set,
    )


def _series_report(
    series: Series, rows: Sequence[VariantResult], label: str, level: float, examples: int
) -> SeriesReport:
    results = [replace(r, finding=verdicts.find(r)) for r in rows]
    results = _with_bca(series, results, level)
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


def _differences(series: Series, variant: str) -> dict[str, float]:
    """D_g of each paired template."""
    originals, paired = series.samples.get("original", {}), _paired(series, variant)
    pairs = [(originals[t], series.samples[variant][t]) for t in paired]
    return dict(zip(paired, estimates.differences(pairs), strict=True))


def _with_checks(
    all_series: Sequence[Series],
    rows: Sequence[Sequence[VariantResult]],
    references: Sequence[str],
    level: float,
) -> list[list[VariantResult]]:
    """The rows with what takes more than one of them: adjusted p-values, and the checks of *numbers*."""
    names = {s.model.name for s in all_series}
    for name in references:
        if name not in names:
            raise UsageError(
                f"reference {name!r} is no model of these logs; they hold {_few(sorted(names), 8)}"
            )
    p_values = [r.exchangeability.p_mid for row in rows for r in row if r.exchangeability is not None]
    q_values = iter(multiple.benjamini_hochberg(p_values))
    tested = [[r if r.exchangeability is None else replace(r, q=next(q_values)) for r in row] for row in rows]
    numbers = [r.exchangeability for row in rows for r in row if r.variant == "numbers" and r.exchangeability]
    claims = iter(multiple.holm([e.p_mid for e in numbers]))

    def checked(series: Series, r: VariantResult) -> VariantResult:
        if r.variant != "numbers" or r.exchangeability is None:
            return r
        originals, paired = series.samples["original"], _paired(series, r.variant)
        made = check(
            [originals[t][0] for t in paired], [series.samples[r.variant][t] for t in paired], next(claims)
        )
        return replace(r, checks=_against(made, series, all_series, references, level))

    return [[checked(s, r) for r in row] for s, row in zip(all_series, tested, strict=True)]


def _against(
    made: Checks, series: Series, all_series: Sequence[Series], references: Sequence[str], level: float
) -> Checks:
    """The checks with the comparison with reference models in the same setting, where some are named."""
    if not references or series.model.name in references:
        return made
    alike = [
        s
        for s in all_series
        if s.model.name in references
        and (s.setting, s.source, s.filter) == (series.setting, series.source, series.filter)
        and "numbers" in s.samples
    ]
    named = tuple(s.model.name for s in alike)
    if not alike:
        return replace(made, against_reason="no reference model was evaluated in this setting")
    try:
        drop = difference_in_differences(
            _differences(series, "numbers"), [_differences(s, "numbers") for s in alike], level
        )
    except DataError as error:
        return replace(made, references=named, against_reason=str(error))
    return replace(made, references=named, against=drop)


def _with_bca(series: Series, results: Sequence[VariantResult], level: float) -> list[VariantResult]:
    """The results with the bootstrap's interval in every drop; one bootstrap for all variants."""
    columns = {r.variant: _differences(series, r.variant) for r in results if r.drop is not None}
    intervals = resampling.bca_intervals(columns, level)
    return [
        replace(r, drop=replace(r.drop, bca=intervals[r.variant])) if r.drop is not None else r
        for r in results
    ]


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
