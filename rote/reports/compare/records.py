"""What a comparison holds. Data only.

"Before" is the run named first, A; "after" the one named second, B. Changes are after minus before, as
fractions in [-1, 1], positive where the second run is better (of a change in drop: where it drops more).
"""

from __future__ import annotations

from dataclasses import dataclass

from rote.reports.compare.paired import TwoSided
from rote.reports.records import Texts
from rote.reports.statistics import Interval


@dataclass(frozen=True, slots=True)
class Change:
    """Means over templates, each weighing the same; ``interval`` is None with fewer than 2 templates."""

    before: float
    after: float
    change: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class VariantChange:
    """One variant on the documents that both runs answered.

    Attributes
    ----------
    accuracy: graded by value, whatever the format (``exact_match``).
    strict: right and in the format asked for; None where a log has no ``format_ok``.
    format: ``format_ok``; None likewise.
    hidden: right but not in the format: what a strict reader misses. strict = accuracy - hidden, so the
        change in strict is the change in accuracy (capability) less the change in hidden (format).
    drop: accuracy on the original minus accuracy on this variant; None for originals.
    invalid: (before, after) shares, None where a log has none.
    lost, won: documents right then wrong, and wrong then right.
    mcnemar: on documents, as if they were independent. clustered: on templates.
    adjusted: ``clustered.exact`` after Holm over the variants of the comparison.
    """

    variant: str
    templates: int
    documents: int
    accuracy: Change
    strict: Change | None
    format: Change | None
    hidden: Change | None
    drop: Change | None
    invalid: tuple[float, float] | None
    lost: int
    won: int
    mcnemar: TwoSided
    clustered: TwoSided
    adjusted: float


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """A class of wrong answers: documents of it before and after, and regressions that ended in it."""

    name: str
    before: int
    after: int
    regressions: int


@dataclass(frozen=True, slots=True)
class Flip:
    """A document on which the runs differ; ``lost`` when the first was right.

    ``error`` is the class of the wrong one of the two answers, None where the log has none.
    """

    document: str
    template_id: str
    variant: str
    lost: bool
    error: str | None
    before: Texts
    after: Texts


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs of a pair."""

    model: str
    setting: str
    filter: str
    arguments: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PairReport:
    """One series of each run, paired. ``differences`` tell what is set otherwise; ``errors`` is empty
    where the logs carry no classes. ``lost`` and ``won`` count all flips, ``flips`` holds those shown."""

    source: str
    before: Side
    after: Side
    differences: tuple[str, ...]
    variants: tuple[VariantChange, ...]
    errors: tuple[ErrorRow, ...]
    flips: tuple[Flip, ...]
    lost: int
    won: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """All pairs of two runs. ``level`` is the confidence level of the intervals."""

    pairs: tuple[PairReport, ...]
    warnings: tuple[str, ...]
    level: float
    rote_version: str
