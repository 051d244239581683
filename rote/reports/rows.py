"""The rows of a series: each variant against its originals, and what takes several rows to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rote.errors import DataError, LogError, UsageError
from rote.reports import estimates, pairing, statistics
from rote.reports.estimates import Drop
from rote.reports.inference import multiple, resampling
from rote.reports.inference.checks import Checks, check, difference_in_differences
from rote.reports.inference.spread import Sets, Spread, fixed_interval, sets, spread
from rote.reports.records import Series
from rote.reports.results import VariantResult
from rote.reports.statistics import Exchangeability
from rote.reports.verdicts import Finding


def variant_result(series: Series, variant: str, level: float) -> VariantResult:
    """One variant against its originals; its finding is not yet made. Raises LogError: it has no samples."""
    templates = series.samples[variant]
    originals = series.samples.get("original", {})
    paired = pairing.paired(series, variant)
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


def _differences(series: Series, variant: str) -> dict[str, float]:
    """D_g of each paired template."""
    originals, paired = series.samples.get("original", {}), pairing.paired(series, variant)
    pairs = [(originals[t], series.samples[variant][t]) for t in paired]
    return dict(zip(paired, estimates.differences(pairs), strict=True))


def with_checks(
    all_series: Sequence[Series],
    rows: Sequence[Sequence[VariantResult]],
    references: Sequence[str],
    level: float,
) -> list[list[VariantResult]]:
    """The rows with what takes more than one of them: adjusted p-values, and the checks of *numbers*.

    Raises UsageError where a name among ``references`` is no model's.
    """
    names = {s.model.name for s in all_series}
    for name in references:
        if name not in names:
            raise UsageError(
                f"reference {name!r} is no model of these logs; they hold {pairing.few(sorted(names), 8)}"
            )
    p_values = [r.exchangeability.p_mid for row in rows for r in row if r.exchangeability is not None]
    q_values = iter(multiple.benjamini_hochberg(p_values))
    tested = [[r if r.exchangeability is None else replace(r, q=next(q_values)) for r in row] for row in rows]
    numbers = [r.exchangeability for row in rows for r in row if r.variant == "numbers" and r.exchangeability]
    claims = iter(multiple.holm([e.p_mid for e in numbers]))

    def checked(series: Series, r: VariantResult) -> VariantResult:
        if r.variant != "numbers" or r.exchangeability is None:
            return r
        originals, paired = series.samples["original"], pairing.paired(series, r.variant)
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


def with_bca(series: Series, results: Sequence[VariantResult], level: float) -> list[VariantResult]:
    """The results with the bootstrap's interval in every drop; one bootstrap for all variants."""
    columns = {r.variant: _differences(series, r.variant) for r in results if r.drop is not None}
    intervals = resampling.bca_intervals(columns, level)
    return [
        replace(r, drop=replace(r.drop, bca=intervals[r.variant])) if r.drop is not None else r
        for r in results
    ]
