"""From the series of two runs to a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Final

from rote.errors import LogError
from rote.metrics import ERROR_CLASSES
from rote.problem import VARIANTS
from rote.reports import fields, statistics
from rote.reports.compare import match
from rote.reports.compare.match import Document, Key
from rote.reports.compare.paired import mcnemar, sign_flip
from rote.reports.compare.records import Change, Comparison, ErrorRow, Flip, PairReport, Side, VariantChange
from rote.reports.inference.multiple import holm
from rote.reports.records import Runs, Sample, Series
from rote.reports.texts import read_texts

#: Flips shown for each pair of series, unless another number is asked for.
FLIPS: Final = 20

_Flag = Callable[[Sample], bool | None]


def build_comparison(
    before: Runs,
    after: Runs,
    *,
    before_model: str | None = None,
    after_model: str | None = None,
    level: float = statistics.LEVEL,
    flips: int = FLIPS,
) -> Comparison:
    """Compare two runs, each of one model (the one named, where its logs hold several).

    ``flips`` bounds how many are shown with their texts; all are counted. Raises
    :class:`~rote.errors.LogError` where nothing can be paired, where a document differs between the runs,
    and where every answer of a run is invalid.
    """
    from rote import __version__

    mine = match.only_model(before, before_model, "--before-model")
    theirs = match.only_model(after, after_model, "--after-model")
    pairs, warnings = match.match(mine, theirs)
    said = [f"first run: {w}" for w in before.warnings] + [f"second run: {w}" for w in after.warnings]
    reports = []
    for a, b in pairs:
        documents, about = match.shared(a, b)
        warnings += about
        reports.append(_pair(a, b, documents, level, flips))
    return Comparison(tuple(reports), tuple(fields.showable(w) for w in said + warnings), level, __version__)


def _pair(a: Series, b: Series, documents: Mapping[Key, Document], level: float, flips: int) -> PairReport:
    for series, samples in (
        (a, [d.before for d in documents.values()]),
        (b, [d.after for d in documents.values()]),
    ):
        if all(s.invalid is True for s in samples):
            raise LogError(
                f"every answer of {series.model.name} is invalid; an error is not a wrong answer",
                path=series.results_files[0],
            )
    names = [v for v in VARIANTS if any(key[1] == v for key in documents)]
    variants = [_variant(v, documents, level) for v in names]
    adjusted = holm([v.clustered.exact for v in variants])
    lost = [d for d in documents.values() if d.before.correct and not d.after.correct]
    won = [d for d in documents.values() if d.after.correct and not d.before.correct]
    return PairReport(
        source=a.source,
        before=_side(a),
        after=_side(b),
        differences=match.differences(a, b),
        variants=tuple(replace(v, adjusted=p) for v, p in zip(variants, adjusted, strict=True)),
        errors=_errors(documents.values(), lost),
        flips=tuple(_flip(d) for d in [*lost, *won][:flips]),
        lost=len(lost),
        won=len(won),
    )


def _side(series: Series) -> Side:
    return Side(series.model.name, series.setting, series.filter, series.model.arguments)


# --- a variant -------------------------------------------------------------------------------------


def _variant(variant: str, documents: Mapping[Key, Document], level: float) -> VariantChange:
    own = _by_template(variant, documents)
    groups = list(own.values())
    accuracy = change(groups, lambda s: s.correct, level)
    if accuracy is None:  # the variant is there because a document of it is
        raise LogError(f"variant {variant} holds no documents")
    flat = [d for group in groups for d in group]
    lost = sum(d.before.correct and not d.after.correct for d in flat)
    won = sum(d.after.correct and not d.before.correct for d in flat)
    nets = [sum(d.after.correct - d.before.correct for d in group) for group in groups]
    invalid = change(groups, lambda s: s.invalid, level)
    clustered = sign_flip(nets)
    return VariantChange(
        variant=variant,
        templates=len(groups),
        documents=len(flat),
        accuracy=accuracy,
        strict=change(groups, _strict, level),
        format=change(groups, lambda s: s.format_ok, level),
        hidden=change(groups, _hidden, level),
        drop=None if variant == "original" else _drop(own, _by_template("original", documents), level),
        invalid=None if invalid is None else (invalid.before, invalid.after),
        lost=lost,
        won=won,
        mcnemar=mcnemar(lost, won),
        clustered=clustered,
        adjusted=clustered.exact,
    )


def _strict(sample: Sample) -> bool | None:
    return None if sample.format_ok is None else sample.correct and sample.format_ok


def _hidden(sample: Sample) -> bool | None:
    return None if sample.format_ok is None else sample.correct and not sample.format_ok


def _by_template(variant: str, documents: Mapping[Key, Document]) -> dict[str, list[Document]]:
    groups: dict[str, list[Document]] = {}
    for (template, own, _, _), document in documents.items():
        if own == variant:
            groups.setdefault(template, []).append(document)
    return groups


def change(groups: Sequence[Sequence[Document]], flag: _Flag, level: float) -> Change | None:
    """Mean over templates of ``flag`` before and after; None where any answer has no such flag."""
    before, after = [], []
    for group in groups:
        a, b = [flag(d.before) for d in group], [flag(d.after) for d in group]
        if any(v is None for v in (*a, *b)):
            return None
        before.append(sum(map(bool, a)) / len(a))
        after.append(sum(map(bool, b)) / len(b))
    if not groups:
        return None
    differences = [y - x for x, y in zip(before, after, strict=True)]
    interval = statistics.drop_interval(differences, level) if len(groups) > 1 else None
    return Change(fmean(before), fmean(after), fmean(differences), interval)


def _drop(
    own: Mapping[str, Sequence[Document]], originals: Mapping[str, Sequence[Document]], level: float
) -> Change | None:
    """The drop before and after over the templates whose original is there too."""
    shared = [t for t in own if t in originals]
    if not shared:
        return None

    def drop(template: str, side: Callable[[Document], Sample]) -> float:
        means = [
            sum(side(d).correct for d in group[template]) / len(group[template]) for group in (originals, own)
        ]
        return means[0] - means[1]

    before = [drop(t, lambda d: d.before) for t in shared]
    after = [drop(t, lambda d: d.after) for t in shared]
    differences = [y - x for x, y in zip(before, after, strict=True)]
    return Change(fmean(before), fmean(after), fmean(differences), wide_interval(differences, level))


def wide_interval(differences: Sequence[float], level: float) -> statistics.Interval | None:
    """The headline interval for differences of differences, in [-2, 2]: of their halves, doubled."""
    if len(differences) < 2:
        return None
    half = statistics.drop_interval([d / 2 for d in differences], level)
    return statistics.Interval(2 * half.low, 2 * half.high, half.level, half.method)


# --- errors and flips ------------------------------------------------------------------------------


def _errors(documents: Iterable[Document], lost: Iterable[Document]) -> tuple[ErrorRow, ...]:
    """Classes with any answer, most regressions first."""
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    regressions: dict[str, int] = {}
    for document in documents:
        _count(before, document.before.error)
        _count(after, document.after.error)
    for document in lost:
        _count(regressions, document.after.error)
    rows = [
        ErrorRow(k, before.get(k, 0), after.get(k, 0), regressions.get(k, 0))
        for k in ERROR_CLASSES
        if k in before or k in after
    ]
    return tuple(sorted(rows, key=lambda r: (-r.regressions, r.before - r.after)))


def _count(counts: dict[str, int], name: str | None) -> None:
    if name is not None:
        counts[name] = counts.get(name, 0) + 1


def _flip(document: Document) -> Flip:
    lost = document.before.correct
    wrong = document.after if lost else document.before
    return Flip(
        document=fields.one_line(document.after.id),
        template_id=fields.one_line(document.after.template_id),
        variant=document.after.variant,
        lost=lost,
        error=wrong.error,
        before=read_texts(document.before),
        after=read_texts(document.after),
    )
