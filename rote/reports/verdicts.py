"""Every rule by which a report turns numbers into words, in one place.

Findings, one a variant (``Finding``)
-------------------------------------
``not estimable``  fewer than two paired templates; or every original or every variant answer was
                   invalid (an error is neither a failure nor a pass); or not one instance on either
                   side was answered right, so that nothing could be lost.
``drop``           the whole interval of the drop lies above 0.
``gain``           the whole interval lies below 0: variants are answered better than originals.
``no drop``        the interval contains 0. This is no proof of absence: the upper end of the interval
                   is the largest drop that the data leave possible, and the sentence says it.

Conclusions, one a series
-------------------------
``consistent with memorisation``  only where the drop on *numbers* is found AND the exchangeability test
                   on *numbers* rejects (mid-p < ALPHA) AND *symbolic*, which changes numbers too, does not
                   contradict it (a drop there as well, or symbolic not evaluated). Where one of them
                   fails, the sentence says which. Other changes never support this conclusion. Still
                   open then: harder draws, which this version does not adjust for.
``distractible``   a drop on *noop* is found AND, where the original was right, at least half of the wrong
                   answers to inert-clause instances are traps.
``sensitive``      a drop on any other variant, named. p1 and p2 add steps, so a drop there shows difficulty.
``no drop found``  none of the variants shows a drop.
``inconclusive``   nothing could be estimated.

Intervals and p-values are per row: no correction for looking at several models or variants is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from rote.reports.report import VariantResult

#: Size of the exchangeability test in a conclusion.
ALPHA: Final = 0.05
#: Share of trapped answers among the wrong ones from which a drop on noop is called distraction.
TRAPPED_SHARE: Final = 0.5
#: Share of invalid answers from which a finding carries a caution.
CAUTION_INVALID: Final = 0.2

#: Signs for display: a minus, and "no value".
MINUS: Final = "\N{MINUS SIGN}"
NO_VALUE: Final = "\N{EN DASH}"

Kind = Literal["drop", "gain", "no drop", "not estimable"]
Conclusion = Literal[
    "consistent with memorisation", "distractible", "sensitive", "no drop found", "inconclusive"
]

#: What each variant changes, as sentences call it.
CHANGE: Final = {
    "original": "nothing",
    "names": "other names",
    "numbers": "other numbers",
    "symbolic": "other names and numbers",
    "noop": "an inert clause",
    "p1": "one more step",
    "p2": "two more steps",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one variant shows: its kind, a sentence, and cautions to be shown beside it."""

    kind: Kind
    sentence: str
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one series shows: its conclusions, strongest first, and one sentence for each."""

    conclusions: tuple[Conclusion, ...]
    sentences: tuple[str, ...]


def points(value: float, *, signed: bool = False) -> str:
    """A fraction in percentage points with one decimal; never "-0.0"."""
    text = f"{100 * value:+.1f}" if signed else f"{100 * value:.1f}"
    return "0.0" if text in ("-0.0", "+0.0") else text.replace("-", MINUS)


def p_value(p: float) -> str:
    """A p-value as "< 0.0001", "0.0012", "0.049" or "0.12"."""
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.4f}" if p < 0.01 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def percent(value: float) -> str:
    """A fraction as a percentage: whole, with one decimal where that would hide something."""
    whole = f"{100 * value:.0f}"
    return f"{100 * value:.1f} %" if whole in ("0", "100") and value not in (0.0, 1.0) else f"{whole} %"


def find(result: VariantResult) -> Finding:
    """The finding of one variant (never of "original")."""
    drop = result.drop
    if drop is None:
        return Finding("not estimable", f"not estimable: {result.reason}", _cautions(result))
    low, high = points(drop.interval.low), points(drop.interval.high)
    span = f"[{low}, {high}]"
    if drop.interval.low > 0:
        return Finding("drop", f"drop found: {points(drop.estimate)} points {span}", _cautions(result))
    if drop.interval.high < 0:
        return Finding("gain", f"gain found: {points(-drop.estimate)} points better than the originals, "
                       f"drop {span}", _cautions(result))  # fmt: skip
    largest = f"no more than {high} points" if drop.interval.high > 0 else "none"
    return Finding(
        "no drop",
        f"no drop found: the interval {span} contains 0; drops it leaves possible: {largest}",
        _cautions(result),
    )


def _cautions(result: VariantResult) -> tuple[str, ...]:
    cautions = []
    for label, rate in (("of the variant", result.invalid), ("of the originals", result.invalid_original)):
        if rate is not None and rate.estimate >= CAUTION_INVALID:
            cautions.append(
                f"{percent(rate.estimate)} of the answers {label} commit to no number; "
                "they count as wrong, so the drop may be one of format"
            )
    return tuple(cautions)


def conclude(results: Sequence[VariantResult]) -> Verdict:
    """The verdict on one series from the results of its variants (without "original")."""
    by_variant = {r.variant: r for r in results}
    conclusions: list[Conclusion] = []
    sentences: list[str] = []
    named: set[str] = set()

    numbers = by_variant.get("numbers")
    if numbers is not None and numbers.drop is not None and numbers.exchangeability is not None:
        found = numbers.finding.kind == "drop"
        p = numbers.exchangeability.p_mid
        rejects = p < ALPHA
        symbolic = by_variant.get("symbolic")
        contradicted = symbolic is not None and symbolic.finding.kind in ("no drop", "gain")
        if found and rejects and symbolic is not None and contradicted:
            named.add("numbers")
            conclusions.append("sensitive")
            sentences.append(
                f"Sensitive to numbers: accuracy falls by {_amount(numbers)}. Not called memorisation: "
                f"symbolic, which changes numbers too, shows no drop {_span(symbolic)}."
            )
        elif found and rejects:
            named.add("numbers")
            conclusions.append("consistent with memorisation")
            sentences.append(
                f"Consistent with memorisation: accuracy falls by {_amount(numbers)} when only numbers "
                "change, and originals are answered better than exchangeable instances would be "
                f"(p {_p(p)})."
            )
        elif found:
            named.add("numbers")
            conclusions.append("sensitive")
            sentences.append(
                f"Sensitive to numbers: accuracy falls by {_amount(numbers)}. Not called memorisation: "
                f"the exchangeability test does not reject (p {_p(p)})."
            )
        elif rejects:
            sentences.append(
                f"On numbers the exchangeability test rejects (p {_p(p)}), but the interval of the drop "
                f"{_span(numbers)} contains 0: not called memorisation."
            )

    noop = by_variant.get("noop")
    if noop is not None and noop.finding.kind == "drop":
        share = noop.trapped_share_of_losses
        if share is not None and share >= TRAPPED_SHARE:
            named.add("noop")
            conclusions.append("distractible")
            rate = noop.trapped_given_right
            trapped = (
                "" if rate is None else f"; trapped on {percent(rate.estimate)} of those it solves without"
            )
            sentences.append(f"Distractible: an inert clause costs {_amount(noop)}{trapped}.")

    rest = [r for r in results if r.finding.kind == "drop" and r.variant not in named]
    plain = [r for r in rest if r.variant not in ("p1", "p2")]
    harder = [r for r in rest if r.variant in ("p1", "p2")]
    if plain:
        conclusions.append("sensitive")
        listed = "; ".join(f"{CHANGE[r.variant]} ({r.variant}) {_amount(r)}" for r in plain)
        sentences.append(f"Drop found on {listed}.")
    if harder:
        conclusions.append("sensitive")
        listed = "; ".join(f"{r.variant} {_amount(r)}" for r in harder)
        sentences.append(f"Drop where steps are added, which makes problems harder: {listed}.")

    estimated = [r for r in results if r.drop is not None]
    if not estimated:
        conclusions.append("inconclusive")
        reasons = sorted({r.reason for r in results if r.reason})
        sentences.append(f"Inconclusive: no drop could be estimated ({'; '.join(reasons) or 'no variants'}).")
    elif not conclusions:
        conclusions.append("no drop found")
        most = max(estimated, key=lambda r: r.drop.interval.high if r.drop else -1.0)
        listed = ", ".join(r.variant for r in estimated)
        high = most.drop.interval.high if most.drop else 0.0
        sentences.append(
            f"No drop found on {listed}; the largest drop any of these intervals leaves possible is "
            f"{points(max(0.0, high))} points ({most.variant})."
        )
    elif clear := [r.variant for r in estimated if r.finding.kind == "no drop"]:
        sentences.append(f"No drop found on {', '.join(clear)}.")
    if gains := [r for r in results if r.finding.kind == "gain"]:
        sentences.append(f"Variants answered better than originals: {', '.join(r.variant for r in gains)}.")
    if estimated and (lost := [r for r in results if r.drop is None]):
        sentences.append("Not estimable: " + "; ".join(f"{r.variant} ({r.reason})" for r in lost) + ".")
    return Verdict(tuple(dict.fromkeys(conclusions)), tuple(sentences))


def _span(result: VariantResult) -> str:
    drop = result.drop
    return "" if drop is None else f"[{points(drop.interval.low)}, {points(drop.interval.high)}]"


def _amount(result: VariantResult) -> str:
    drop = result.drop
    return "" if drop is None else f"{points(drop.estimate)} points {_span(result)}"


def _p(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"
