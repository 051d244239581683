"""A comparison as text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from rote.reports.compare.records import Change, Comparison, Flip, PairReport, VariantChange
from rote.reports.fields import one_line
from rote.reports.records import Texts
from rote.reports.statistics import Interval
from rote.reports.verdicts import NO_VALUE, p_value, points

#: Name and version of the JSON form.
SCHEMA: Final = "rote.compare/1"
#: What a Markdown comparison begins with.
MARK: Final = "<!-- rote compare -->"
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~$@:&-])")

#: Columns of the table of variants, and what each means.
HEADER: Final = (
    "variant", "templates", "documents", "before", "after", "change [interval]", "lost", "won",
    "McNemar p (mid)", "clustered p (Holm)", "change in drop",
)  # fmt: skip
FORMAT_HEADER: Final = (
    "variant", "graded", "strict", "hidden by format", "capability gained", "format gained", "invalid",
)  # fmt: skip
NOTES: Final = (
    "Changes are second run minus first, in points, over the documents that both runs answered; templates "
    "weigh the same, and intervals are clustered by template.",
    "Lost: right in the first run, wrong in the second; won: the other way round. McNemar's exact test takes "
    "documents for independent; the clustered p is the exact sign-flip test on templates, with Holm's "
    "correction over the variants in parentheses.",
    "Graded: right by value, whatever the format. Strict: right and in the format asked for. The change in "
    "strict is the capability gained (graded) plus the format gained (fewer right answers that the format "
    "hides).",
)


def span(interval: Interval | None) -> str:
    """ "[-1.2, 3.4]", in points, or nothing."""
    return (
        ""
        if interval is None
        else f"[{points(interval.low, signed=True)}, {points(interval.high, signed=True)}]"
    )


def moved(change: Change | None, sign: int = 1) -> str:
    """A change in points with its interval; ``sign`` -1 turns it round."""
    if change is None:
        return NO_VALUE
    interval = change.interval
    if interval is not None and sign < 0:
        interval = Interval(-interval.high, -interval.low, interval.level, interval.method)
    return f"{points(sign * change.change, signed=True)} {span(interval)}".strip()


def from_to(change: Change | None) -> str:
    """ "71.0 → 68.5", in per cent."""
    return NO_VALUE if change is None else f"{points(change.before)} → {points(change.after)}"


def row(v: VariantChange) -> tuple[str, ...]:
    """A variant's cells under :data:`HEADER`."""
    return (
        v.variant,
        f"{v.templates:,}",
        f"{v.documents:,}",
        points(v.accuracy.before),
        points(v.accuracy.after),
        moved(v.accuracy),
        f"{v.lost:,}",
        f"{v.won:,}",
        f"{p_value(v.mcnemar.exact)} ({p_value(v.mcnemar.mid)})",
        f"{p_value(v.clustered.exact)} ({p_value(v.adjusted)})",
        moved(v.drop),
    )


def format_row(v: VariantChange) -> tuple[str, ...]:
    """A variant's cells under :data:`FORMAT_HEADER`."""
    invalid = NO_VALUE if v.invalid is None else f"{points(v.invalid[0])} → {points(v.invalid[1])}"
    return (
        v.variant,
        from_to(v.accuracy),
        from_to(v.strict),
        from_to(v.hidden),
        moved(v.accuracy),
        moved(v.hidden, -1),
        invalid,
    )


def title(pair: PairReport) -> str:
    """ "gsm8k: model-a (8-shot) → model-b (8-shot)"."""
    before, after = pair.before, pair.after
    return f"{pair.source}: {before.model} ({before.setting}) → {after.model} ({after.setting})"


def flips_told(pair: PairReport) -> str:
    """How many flips there are and how many are shown."""
    told = f"{pair.lost:,} right → wrong, {pair.won:,} wrong → right"
    shown = len(pair.flips)
    return told if shown == pair.lost + pair.won else f"{told}; the first {shown:,} are shown"


def answer(texts: Texts) -> str:
    """What the answer is, as the grader reads it."""
    return texts.value if texts.value is not None else f"no answer ({texts.reason})"


def render_text(comparison: Comparison, *, flips: int = 5) -> str:
    """Tables, flips (at most ``flips`` a pair) and warnings."""
    lines: list[str] = []
    for pair in comparison.pairs:
        lines += [title(pair), "differs: " + "; ".join(pair.differences), ""]
        lines += _table([HEADER, *(row(v) for v in pair.variants)])
        if any(v.strict is not None for v in pair.variants):
            lines += ["", *_table([FORMAT_HEADER, *(format_row(v) for v in pair.variants)])]
        if pair.errors:
            rows = [(e.name, f"{e.before:,}", f"{e.after:,}", f"{e.regressions:,}") for e in pair.errors]
            lines += ["", *_table([("error class", "before", "after", "regressions"), *rows])]
        lines += ["", flips_told(pair)]
        for f in pair.flips[:flips]:
            lines += [
                f"  {'lost' if f.lost else 'won '}  {f.document}" + (f"  [{f.error}]" if f.error else ""),
                f"        {one_line(f.before.question, 160)}",
                f"        gold {f.before.gold}; first run {answer(f.before)}; second run {answer(f.after)}",
            ]
        lines.append("")
    lines += [f"warning: {one_line(w, 400)}" for w in comparison.warnings]
    return "\n".join(lines).rstrip() + "\n"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows]


# --- Markdown --------------------------------------------------------------------------------------


def escape(text: str) -> str:
    """One line of text that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", one_line(text, 2000))


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table; every cell is escaped."""
    return [
        "| " + " | ".join(map(escape, header)) + " |",
        "|" + " --- |" * len(header),
        *("| " + " | ".join(map(escape, r)) + " |" for r in rows),
    ]


def render_markdown(comparison: Comparison) -> str:
    """The whole comparison; texts of responses stand in code blocks, where nothing is markup."""
    lines = [MARK, "# Comparison", ""]
    for pair in comparison.pairs:
        lines += [
            f"## {escape(title(pair))}",
            "",
            "Set otherwise: " + escape("; ".join(pair.differences)) + ".",
            "",
        ]
        lines += [*markdown_table(HEADER, [row(v) for v in pair.variants]), ""]
        lines += ["### Format and capability", ""]
        lines += [*markdown_table(FORMAT_HEADER, [format_row(v) for v in pair.variants]), ""]
        if pair.errors:
            rows = [(e.name, str(e.before), str(e.after), str(e.regressions)) for e in pair.errors]
            lines += [
                "### Errors",
                "",
                *markdown_table(("class", "before", "after", "regressions"), rows),
                "",
            ]
        lines += ["### Flips", "", flips_told(pair) + ".", ""]
        for f in pair.flips:
            lines += _markdown_flip(f)
    if comparison.warnings:
        lines += ["## Warnings", "", *(f"- {escape(w)}" for w in comparison.warnings), ""]
    lines += ["## Reading this", "", *(f"- {note}" for note in NOTES)]
    return "\n".join(lines) + "\n"


def _markdown_flip(f: Flip) -> list[str]:
    kind = "right → wrong" if f.lost else "wrong → right"
    lines = [f"#### {kind}: {escape(f.document)}" + (f" ({escape(f.error)})" if f.error else ""), ""]
    lines += [f"{escape(f.before.question)}", "", f"Gold {escape(f.before.gold)}.", ""]
    for side, texts in (("First run", f.before), ("Second run", f.after)):
        text = " […] ".join(texts.response)
        fence = "`" * (3 + max((len(m) for m in re.findall("`+", text)), default=0))
        lines += [f"{side}: {escape(answer(texts))}", "", f"{fence}text", text, fence, ""]
    return lines


# --- JSON ------------------------------------------------------------------------------------------


def render_json(comparison: Comparison) -> str:
    """Every number, as fractions; ``schema`` first."""
    data: dict[str, Any] = {"schema": SCHEMA, **dataclasses.asdict(comparison)}
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
