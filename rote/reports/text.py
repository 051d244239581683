"""A report as plain text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from rote.reports import wording
from rote.reports.fields import one_line
from rote.reports.records import Texts
from rote.reports.report import Rate, Report, SeriesReport, VariantResult
from rote.reports.statistics import Interval
from rote.reports.verdicts import MINUS, NO_VALUE, p_value, points

#: Name and version of the JSON form; the number grows when a reader of the old form would be misled.
SCHEMA: Final = "rote.report/1"

_ASCII: Final = str.maketrans({MINUS: "-", NO_VALUE: "-", "·": "|", "…": "~"})
# Everything that Markdown or HTML could take for markup.
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~$@:&-])")


def _span(interval: Interval | None) -> str:
    return "" if interval is None else f"[{points(interval.low)}, {points(interval.high)}]"


def _rate(rate: Rate | None, *, interval: bool = True) -> str:
    if rate is None:
        return NO_VALUE
    return f"{points(rate.estimate)} {_span(rate.interval)}".strip() if interval else points(rate.estimate)


# --- terminal --------------------------------------------------------------------------------------


def render_text(report: Report) -> str:
    """A compact table, the verdicts and the warnings; ASCII but for the models' own names."""
    header = ("model", "variant", "G", "original", "variant", "drop [interval]", "p", "trapped", "finding")
    rows = [
        (
            one_line(s.label, 44),
            v.variant,
            str(v.drop.templates if v.drop else v.accuracy.templates),
            _rate(v.original_accuracy, interval=False),
            _rate(v.accuracy, interval=False),
            f"{points(v.drop.estimate)} {_span(v.drop.interval)}" if v.drop else NO_VALUE,
            p_value(v.exchangeability.p_mid) if v.exchangeability else NO_VALUE,
            _rate(v.trapped, interval=False),
            v.finding.kind,
        )
        for s in report.series
        for v in s.variants
    ]
    lines = _table(header, rows, right={2, 3, 4, 5, 6, 7}) if rows else []
    for s in report.series:
        lines += ["", one_line(s.label, 100)]
        lines += [f"  {sentence}" for sentence in s.verdict.sentences]
        lines += [f"  ({v.variant}: {c})" for v in s.variants for c in v.finding.cautions]
    lines += [""] + [f"warning: {w}" for w in report.warnings] if report.warnings else []
    return "\n".join(lines).translate(_ASCII) + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> list[str]:
    widths = [max(len(r[i]) for r in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            c.rjust(w) if i in right else c.ljust(w)
            for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    lines = [line(header), "  ".join("-" * w for w in widths)]
    previous = ""
    for row in rows:
        lines.append(line(("" if row[0] == previous else row[0], *row[1:])))
        previous = row[0]
    return lines


# --- Markdown --------------------------------------------------------------------------------------


def _md(text: str) -> str:
    """Text from outside as Markdown that shows it and does nothing else."""
    return _MARKUP.sub(r"\\\1", text).replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;")


def _fenced(text: str) -> str:
    """A code block whose fence is longer than any run of backticks inside."""
    longest = max((len(m) for m in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def render_markdown(report: Report) -> str:
    """GitHub-flavoured Markdown: verdicts, warnings, a table for each series, flips, the method."""
    out = ["<!-- rote report -->", f"# {_md(wording.title(report))}", "", _md(wording.facts(report)), ""]
    out += ["## Verdicts", ""]
    for s in report.series:
        out.append(f"- **{_md(s.label)}**: {_md(' '.join(s.verdict.sentences))}")
    if report.warnings:
        out += ["", "## To know before reading on", ""]
        out += [f"- {_md(one_line(w, 1000))}" for w in report.warnings]
    for s in report.series:
        out += ["", f"## {_md(s.label)}", "", *_md_series(s)]
    out += ["", "## How to read this", ""]
    out += [f"- **{term}.** {_md(text)}" for term, text in wording.glossary(report)]
    versions = (
        f", logs of lm-eval {_md(', '.join(report.harness_versions))}" if report.harness_versions else ""
    )
    out += ["", f"rote {_md(report.rote_version)}{versions}; {len(report.files)} files read."]
    return "\n".join(out) + "\n"


def _md_series(s: SeriesReport) -> list[str]:
    out = [_md(f"{s.backend} · {s.setting} · source {s.source} · originals right: {_rate(s.original)} %"), ""]
    if not s.variants:
        return [*out, "No variants were evaluated in this setting."]
    header = ("variant", "templates", "original, %", "variant, %", "drop, points", "p", "trapped, %",
              "trapped, original right, %", "invalid, %", "lost / won", "finding")  # fmt: skip
    out.append(f"| {' | '.join(header)} |")
    out.append("|---|" + "---:|" * 9 + "---|")
    out += [f"| {' | '.join(_md(c) for c in _cells(v))} |" for v in s.variants]
    for e in s.examples:
        mark = ", trapped" if e.trapped else ""
        out += [
            "",
            f"<details><summary>Flip on {e.variant}{mark}: <code>{_html(e.sample_id)}</code></summary>",
            "",
        ]
        for side, t in (("original", e.original), (e.variant, e.changed)):
            got = t.value if t.value is not None else f"nothing ({t.reason})"
            out += [f"**{side}**, gold {_md(t.gold)}, extracted {_md(got)}", ""]
            out += [_fenced(t.question), "", _fenced(_joined(t)), ""]
        out.append("</details>")
    return out


def _cells(v: VariantResult) -> tuple[str, ...]:
    return (
        v.variant,
        str(v.drop.templates if v.drop else v.accuracy.templates),
        _rate(v.original_accuracy),
        _rate(v.accuracy),
        f"{points(v.drop.estimate)} {_span(v.drop.interval)}" if v.drop else NO_VALUE,
        p_value(v.exchangeability.p_mid) if v.exchangeability else NO_VALUE,
        _rate(v.trapped),
        _rate(v.trapped_given_right),
        _rate(v.invalid),
        f"{v.lost} / {v.won}",
        v.finding.kind if v.drop else v.finding.sentence,
    )


def _html(text: str) -> str:
    from html import escape

    return escape(text)


def _joined(texts: Texts) -> str:
    return f"\n[{texts.omitted} characters left out]\n".join(texts.response)


# --- JSON ------------------------------------------------------------------------------------------


def render_json(report: Report) -> str:
    """The whole report; keys are the fields of :class:`Report`, after ``schema``. No NaN ever."""
    body: dict[str, Any] = {"schema": SCHEMA, **dataclasses.asdict(report)}
    return json.dumps(body, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
