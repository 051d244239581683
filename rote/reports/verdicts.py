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
``consistent with memorisation``  only where all of these agree; where one does not, the sentence says which:
                   the drop on *numbers* is found; the exact exchangeability test on *numbers* rejects
                   (mid-p, Holm-adjusted over the series of the report, < ALPHA); *symbolic*, which changes
                   numbers too, does not contradict it (a drop there as well, or not evaluated); the
                   conditional logit, adjusted for the measured covariates, rejects too (p < ALPHA); the
                   placebo, each draw in the original's place, does not (p >= ALPHA); and where reference
                   models are named, the drop exceeds theirs (the interval of the difference lies above
                   0). A check that could not be made has not agreed. Other changes never support this
                   conclusion. No verdict rests on the conditional logit alone: it rejects too often where
                   its covariates do not tell all of the difficulty, so it can only withhold this one.
``distractible``   a drop on *noop* is found AND, where the original was right, at least half of the wrong
                   answers to inert-clause instances are traps. Its sentence also names drops on *noop2*
                   and *symbolic_noop* of which the same holds; alone these are no ground for it.
``sensitive``      a drop on any other variant, named. p1 and p2 add steps, so a drop there shows difficulty.
``no drop found``  none of the variants shows a drop.
``inconclusive``   nothing could be estimated.

Where *noop_control* was evaluated, a drop on *noop* is followed by what the number in the clause adds: the
difference to the same clauses without a number, paired by template and index. It is said that length or
novelty of a clause, not its number, explains the drop where the control shows a drop too, no cost of the
number is found (the interval of the difference does not lie above 0), and the whole interval lies below
``NUMBER_SHARE`` of the drop. Where only some of this holds, the cause stays open.

Intervals and p-values are per row; only the test behind the first conclusion is adjusted for several series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from rote.reports.estimates import Drop
    from rote.reports.inert import Contrast
    from rote.reports.report import VariantResult

#: Size of the exchangeability test in a conclusion.
ALPHA: Final = 0.05
#: Share of trapped answers among the wrong ones from which a drop on noop is called distraction.
TRAPPED_SHARE: Final = 0.5
#: Share of the drop on noop that the difference to its control must stay below to be called no cause of it.
NUMBER_SHARE: Final = 0.5
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
    "noop2": "two inert clauses",
    "noop_control": "an inert clause without a number",
    "symbolic_noop": "other names and numbers, and an inert clause",
    "p1": "one more step",
    "p2": "two more steps",
}

#: Classes of badges on pages, by what they say.
_BADGES: Final = {
    "consistent with memorisation": "bad",
    "distractible": "bad",
    "sensitive": "note",
    "drop": "bad",
    "no drop found": "good",
    "inconclusive": "note",
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


def badge(word: str) -> str:
    """The class of the badge of a conclusion or a kind of finding: bad, note, good or plain."""
    return _BADGES.get(word, "plain")


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


def find_contrast(cost: Drop | None, reason: str | None) -> Finding:
    """What the number in an inert clause costs beyond a clause without one (``cost``)."""
    if cost is None:
        return Finding("not estimable", f"not estimable: {reason}")
    amount, span = points(abs(cost.estimate)), _of(cost)
    if cost.interval.low > 0:
        return Finding(
            "drop", f"the number itself costs {amount} points {span} beyond a clause without a number"
        )
    if cost.interval.high < 0:
        return Finding(
            "gain",
            f"a clause without a number costs {amount} points more than one with a number, "
            f"cost of the number {span}",
        )
    return Finding(
        "no drop",
        f"no cost of the number itself found beyond a clause without a number: {points(cost.estimate)} "
        f"points {span}, which contains 0",
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


def conclude(results: Sequence[VariantResult], contrast: Contrast | None = None) -> Verdict:
    """The verdict on one series from the results of its variants (without "original").

    ``contrast`` is that of *noop* with *noop_control*, where both were evaluated.
    """
    by_variant = {r.variant: r for r in results}
    conclusions: list[Conclusion] = []
    sentences: list[str] = []
    named: set[str] = set()

    numbers = by_variant.get("numbers")
    if numbers is not None and numbers.drop is not None and numbers.exchangeability is not None:
        found = numbers.finding.kind == "drop"
        p = numbers.exchangeability.p_mid if numbers.checks is None else numbers.checks.p_holm
        against = _against_memory(numbers, by_variant.get("symbolic"), p)
        if found:
            named.add("numbers")
            conclusions.append("sensitive" if against else "consistent with memorisation")
        if found and against:
            sentences.append(
                f"Sensitive to numbers: accuracy falls by {_amount(numbers)}. Not called memorisation: "
                f"{'; '.join(against)}."
            )
        elif found:
            sentences.append(
                f"Consistent with memorisation: accuracy falls by {_amount(numbers)} when only numbers "
                "change, and originals are answered better than exchangeable instances would be "
                f"(p {_p(p)}){_agreeing(numbers)}."
            )
        elif p < ALPHA:
            sentences.append(
                f"On numbers the exchangeability test rejects (p {_p(p)}), but the interval of the drop "
                f"{_span(numbers)} contains 0: not called memorisation."
            )

    noop = by_variant.get("noop")
    added = _of_the_number(contrast, by_variant.get("noop_control"), noop)
    if noop is not None and _falls_into_traps(noop):
        also = [r for v in ("noop2", "symbolic_noop") if (r := by_variant.get(v)) and _falls_into_traps(r)]
        named |= {"noop", *(r.variant for r in also)}
        conclusions.append("distractible")
        listed = "; ".join(f"{CHANGE[r.variant]} ({r.variant}) {_amount(r)}" for r in also)
        rest_of_it = f" Likewise {listed}." if also else ""
        sentences.append(
            f"Distractible: an inert clause costs {_amount(noop)}{_trapped(noop)}.{added}{rest_of_it}"
        )

    rest = [r for r in results if r.finding.kind == "drop" and r.variant not in named]
    plain = [r for r in rest if r.variant not in ("p1", "p2")]
    harder = [r for r in rest if r.variant in ("p1", "p2")]
    if plain:
        conclusions.append("sensitive")
        listed = "; ".join(f"{CHANGE[r.variant]} ({r.variant}) {_amount(r)}" for r in plain)
        told = added if any(r is noop for r in plain) else ""
        sentences.append(f"Drop found on {listed}.{told}")
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


def _against_memory(numbers: VariantResult, symbolic: VariantResult | None, p: float) -> list[str]:
    """What does not agree with memorisation, beside the drop itself; empty where all does."""
    reasons = []
    if p >= ALPHA:
        reasons.append(f"the exchangeability test does not reject (p {_p(p)})")
    if symbolic is not None and symbolic.finding.kind in ("no drop", "gain"):
        reasons.append(f"symbolic, which changes numbers too, shows no drop {_span(symbolic)}")
    checks = numbers.checks
    if checks is None:
        return [*reasons, "the measured covariates and the placebo were not looked at"]
    if checks.adjusted is None:
        reasons.append(f"no adjustment for the measured covariates is possible ({checks.adjusted_reason})")
    elif checks.adjusted.p >= ALPHA:
        reasons.append(
            f"adjusted for the measured covariates, originals are not special (p {_p(checks.adjusted.p)})"
        )
    if checks.placebo is None:
        reasons.append(f"no placebo is possible ({checks.placebo_reason})")
    elif checks.placebo.p < ALPHA:
        reasons.append(f"the placebo rejects, too: draws differ among themselves (p {_p(checks.placebo.p)})")
    if checks.against is not None and checks.against.interval.low <= 0:
        reasons.append(
            "reference models lose as much: the drop exceeds theirs by "
            f"{points(checks.against.estimate)} points {_of(checks.against)}"
        )
    elif checks.against_reason is not None:
        reasons.append(f"no comparison with reference models is possible ({checks.against_reason})")
    return reasons


def _agreeing(numbers: VariantResult) -> str:
    """The checks that agree, as the end of a sentence."""
    checks = numbers.checks
    if checks is None or checks.adjusted is None or checks.placebo is None:
        return ""
    text = f", adjusted for the measured covariates, too (p {_p(checks.adjusted.p)})"
    text += f"; the placebo does not reject (p {_p(checks.placebo.p)})"
    if checks.against is not None:
        text += (
            f"; the drop exceeds that of the reference models by {points(checks.against.estimate)} points "
        )
        text += _of(checks.against)
    return text


def _falls_into_traps(result: VariantResult) -> bool:
    """Whether a drop is found and at least ``TRAPPED_SHARE`` of the answers lost are traps."""
    share = result.trapped_share_of_losses
    return result.finding.kind == "drop" and share is not None and share >= TRAPPED_SHARE


def _trapped(result: VariantResult) -> str:
    rate = result.trapped
    if rate is None:
        return ""
    return (
        f"; trapped on {percent(rate.estimate)} of {rate.instances:,} instances of the {rate.templates:,} "
        "problems it solves without"
    )


_KINDS: Final = {"drop": "a drop", "gain": "a gain", "no drop": "no drop", "not estimable": "nothing"}


def _of_the_number(
    contrast: Contrast | None, control: VariantResult | None, noop: VariantResult | None
) -> str:
    """What the control says about a drop on *noop*: a sentence to follow that drop's, after a space."""
    if contrast is None or control is None or noop is None or noop.drop is None:
        return ""
    cost = contrast.cost
    if cost is None or control.drop is None:
        reason = contrast.reason or control.reason
        return f" What a clause without a number costs is not estimable: {reason}."
    if contrast.finding.kind == "drop":
        return f" Of this {contrast.finding.sentence}."
    adds = f"the number adds {points(cost.estimate)} points {_of(cost)}"
    if control.finding.kind == "drop" and cost.interval.high < NUMBER_SHARE * noop.drop.estimate:
        return (
            f" A clause without a number costs as much ({_amount(control)}; {adds}): "
            "length or novelty, not the number, explains it."
        )
    return (
        f" Whether the number is the cause stays open: a clause without one shows "
        f"{_KINDS[control.finding.kind]} {_span(control)}, and {adds}."
    )


def _of(drop: Drop) -> str:
    return f"[{points(drop.interval.low)}, {points(drop.interval.high)}]"


def _span(result: VariantResult) -> str:
    drop = result.drop
    return "" if drop is None else _of(drop)


def _amount(result: VariantResult) -> str:
    drop = result.drop
    return "" if drop is None else f"{points(drop.estimate)} points {_span(result)}"


def _p(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"
