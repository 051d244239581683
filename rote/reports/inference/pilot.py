"""The paired answers of one series, for planning."""

from __future__ import annotations

from rote.errors import UsageError
from rote.reports.records import Runs


def pilot_of(runs: Runs, variant: str, model: str | None = None) -> tuple[str, list[float], list[list[bool]]]:
    """(name, originals, draws) of the only series with ``variant`` and originals, or of ``model``'s.

    UsageError where there is none or several.
    """
    fits = [
        s
        for s in runs.series
        if (model is None or s.model.name == model) and {"original", variant} <= set(s.samples)
    ]
    if len(fits) != 1:
        have = "; ".join(f"{s.model.name} ({s.setting}): {', '.join(s.samples)}" for s in runs.series[:8])
        what = "no series" if not fits else f"{len(fits)} series"
        raise UsageError(
            f"{what} with originals and {variant!r}"
            f"{'' if model is None else f' of {model!r}'}; one is needed. The logs hold {have}"
        )
    series = fits[0]
    originals = series.samples["original"]
    paired = [t for t in series.samples[variant] if t in originals]
    return (
        f"{series.model.name}, {series.setting}",
        [float(originals[t][0].correct) for t in paired],
        [[s.correct for s in series.samples[variant][t]] for t in paired],
    )
