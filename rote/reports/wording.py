"""Sentences that all renderers share: title, facts, and what the terms mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rote.reports.inert import FactorRow
from rote.reports.results import Report, VariantResult
from rote.reports.statistics import Interval
from rote.reports.verdicts import ALPHA, NO_VALUE, NUMBER_SHARE, TRAPPED_SHARE, points

#: Titles and columns of what is told of inert clauses.
CONTRAST: Final = "noop against noop_control"
TRAPS_TITLE: Final = "Which traps"
TRAPS_HEADER: Final = ("answers, original right", "answers, all")
SPREAD_TITLE: Final = "Templates, draws and sets"
SPREAD_HEADER: Final = (
    "drop, templates like these", "drop, these templates", "spread between templates", "spread within",
    "sets", "accuracy of a set, mean ± std",
)  # fmt: skip
FACTORS_TITLE: Final = "By kind of inert clause"
FACTORS_HEADER: Final = ("templates", "accuracy, %", "drop, points", "trapped (original right), %")


#: Templates that a family must have to be a row of a page; data hold every family.
FAMILY_FROM: Final = 5


def factor_rows(rows: Sequence[FactorRow]) -> tuple[list[FactorRow], str]:
    """The rows that a page shows, and a sentence on those that it leaves out ("" for none)."""
    of_family = [r for r in rows if r.factor == "family"]
    kept = {r.value for r in of_family if r.accuracy.templates >= FAMILY_FROM}
    left_out = len({r.value for r in of_family} - kept)
    families = count(left_out, "family", "families")
    note = f"Not shown: {families} with fewer than {FAMILY_FROM} templates. The JSON form has every one."
    return [r for r in rows if r.factor != "family" or r.value in kept], note if left_out else ""


def spread_row(v: VariantResult) -> tuple[str, ...]:
    """The cells of a variant's row under ``SPREAD_HEADER``; a sign for what is not known."""
    drop, spread, sets = v.drop, v.spread, v.sets

    def span(interval: Interval | None) -> str:
        return NO_VALUE if interval is None else f"[{points(interval.low)}, {points(interval.high)}]"

    def number(value: float | None) -> str:
        return NO_VALUE if value is None else points(value)

    mean = NO_VALUE
    if sets is not None:
        mean = points(sets.mean) + (f" ± {points(sets.deviation)}" if sets.deviation is not None else "")
    return (
        span(drop.interval if drop else None),
        span(drop.fixed if drop else None),
        number(spread.between if spread else None),
        number(spread.within if spread else None),
        str(len(sets.accuracies)) if sets else NO_VALUE,
        mean,
    )


def value(factor_value: str) -> str:
    """A factor's value as a table shows it."""
    return factor_value.replace("_", " ")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """ "1 template", "2,000 templates"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def title(report: Report) -> str:
    """What the report is about, in a line."""
    models = {s.model for s in report.series}
    if len(models) == 1:
        return f"Is it reasoning, or rote? {next(iter(models))}"
    return f"Is it reasoning, or rote? {len(models)} models"


def facts(report: Report) -> str:
    """Counts of models, settings and answers."""
    answers = sum(v.accuracy.instances for s in report.series for v in s.variants)
    answers += sum(s.original.instances for s in report.series if s.original is not None)
    parts = [count(len({s.model for s in report.series}), "model")]
    for label, values in (
        ("setting", {s.setting for s in report.series}),
        ("source", {s.source for s in report.series}),
    ):
        parts.append(", ".join(sorted(values)) if len(values) < 3 else count(len(values), label))
    parts.append(count(answers, "answer"))
    return " · ".join(parts)


def glossary(report: Report) -> tuple[tuple[str, str], ...]:
    """(term, explanation) pairs: the method, as short as it can be said."""
    level = f"{100 * report.level:g} %"
    return (
        (
            "Drop",
            "Accuracy on originals minus accuracy on variants, in percentage points. Each template gives "
            "one difference (its original minus the mean of its instances); the drop is their mean. It "
            "speaks of templates like these: the interval covers the choice of templates.",
        ),
        (
            "Interval",
            f"{level} confidence interval: the adjusted t, which is Student's t on the template differences "
            "with one half-weight pair of opposite differences added, so that it does not get too short "
            "near 0 or 100 % accuracy. Accuracies and rates: Wilson, with the effective sample size where "
            "a template has several instances.",
        ),
        (
            "BCa",
            "The same interval by another way: templates drawn anew with replacement 9,999 times, bias "
            "corrected and accelerated. It is what many expect; near 0 or 100 % accuracy with few templates "
            "it is too short, so the headline is the other. Absent where all differences are equal.",
        ),
        (
            "Templates, draws and sets",
            "The headline interval speaks of templates like these; the second one of these templates alone, "
            "for other draws of their variants. The spread between templates is the standard deviation of "
            "their own accuracies, the noise of few draws taken out; that within is of single draws. A set "
            "asks every template once: mean ± standard deviation over sets, as GSM-Symbolic reports. It says "
            "how much the draw matters, not how well the accuracy is known.",
        ),
        (
            "p",
            "Exact one-sided test of whether the original could be any of the template's instances "
            "(Poisson-binomial, mid-p; with one variant a template it is McNemar's test). A small p says "
            "that originals are special, not why.",
        ),
        (
            "Trapped",
            "The answer is one that a reader gets by letting the inert number into the arithmetic. "
            "Counted over instances that have such traps and whose original the same run answered right: an "
            "answer that was wrong without the clause is not blamed on it. The rate over all instances "
            "stands beside.",
        ),
        (
            "Which traps",
            "How the trapped answers arise, k being the inert number: the right answer plus, minus, times or "
            "over k, or k added to or taken from a number of the problem or an intermediate result. Where "
            "two ways give one value, the one that the problem lists first is counted.",
        ),
        (
            "noop against noop_control",
            "The same place and the same kind of clause, with a number and without. The difference in "
            "accuracy, paired by template and index, is what the number itself costs beyond a clause without "
            "a number. Its interval is that of a drop.",
        ),
        (
            "By kind of inert clause",
            "Accuracy, drop against the same templates' originals, and trapped rate of the instances whose "
            "clause has one property. The rows differ in templates too, and there are many of them: "
            "they say where to look, not what is the cause.",
        ),
        (
            "Runs",
            "Answers of one model under one setting that differ in a seed alone, or in the turn of the "
            "response. Mean ± standard deviation over runs is the spread over seeds: no interval of the "
            "accuracy, since runs share their templates.",
        ),
        ("Invalid", "The answer commits to no number. It counts as wrong, and is shown beside."),
        (
            "Consistent with memorisation",
            "Said only where all agree: numbers alone cost accuracy (the interval excludes 0); the "
            f"exchangeability test on numbers gives p < {ALPHA:g}, adjusted for the number of series (Holm); "
            "names and numbers together (symbolic), where evaluated, cost accuracy too; originals are "
            "special also when adjusted for the measured covariates (a conditional logit within templates on "
            "largest number, digits of the answer, characters, largest number and digits of the working), "
            "a test on which no verdict rests alone: it can only withhold one; a draw put in the original's "
            "place is not special (placebo); and the "
            "drop exceeds that of reference models, where some are named. Otherwise the verdict says which "
            "did not agree. It is no proof.",
        ),
        (
            "Distractible",
            f"An inert clause costs accuracy, and at least {100 * TRAPPED_SHARE:g} % of the answers lost "
            "to it are traps. Where clauses without a number cost accuracy too, and what the number adds is "
            f"not found and its interval stays below {100 * NUMBER_SHARE:g} % of the drop, length or novelty "
            "explains it.",
        ),
        (
            "No drop found",
            "The interval contains 0. That is no proof of absence: its upper end is the largest drop that "
            "the data leave possible.",
        ),
        (
            "Many rows",
            "Intervals and p-values hold for a row on its own, and of many rows some look special by chance. "
            "q is p adjusted over all rows (Benjamini and Hochberg): it says where to look. The verdict on "
            "memorisation uses p adjusted over series (Holm).",
        ),
    )
