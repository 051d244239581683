"""A report as plain text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Any, Final

from rote.reports import wording
from rote.reports.estimates import Drop, Rate
from rote.reports.fields import one_line
from rote.reports.records import Texts
from rote.reports.results import Example, Report, SeriesReport, VariantResult
from rote.reports.sections import Table, sections
from rote.reports.statistics import Interval
from rote.reports.verdicts import MINUS, NO_VALUE, p_value, points

#: Name and version of the JSON form; the number grows when a reader of the old form would be misled.
SCHEMA: Final = "rote.report/2"

_ASCII: Final = str.maketrans({MINUS: "-", NO_VALUE: "-", "·": "|", "…": "~", "±": "+-"})
# Everything that Markdown or HTML could take for markup.
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~$@:&-])")


def _span(interval: Interval | None) -> str:
    return "" if interval is None else f"[{points(interval.low)}, {points(interval.high)}]"


def _rate(rate: Rate | None, *, interval: bool = True) -> str:
    if rate is None:
        return NO_VALUE
    return f"{points(rate.estimate)} {_span(rate.interval)}".strip() if interval else points(rate.estimate)


def _of(rate: Rate | None) -> str:
    """A rate with its interval and what it is a share of."""
    if rate is None:
        return NO_VALUE
    return f"{_rate(rate)} of {rate.instances:,} ({wording.count(rate.templates, 'template')})"


def _drop(drop: Drop | None) -> str:
    return NO_VALUE if drop is None else f"{points(drop.estimate)} {_span(drop.interval)}"


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
            _drop(v.drop),
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
        lines += [f"  ({wording.CONTRAST}: {s.contrast.finding.sentence})"] if s.contrast else []
    for section in sections(report):
        lines += ["", section.title]
        for table in section.tables:
            lines += ["", *_text_table(table)]
    lines += [""] + [f"warning: {w}" for w in report.warnings] if report.warnings else []
    return "\n".join(lines).translate(_ASCII) + "\n"


def _text_table(table: Table) -> list[str]:
    header = (*table.words, *table.numbers)
    # Words among the numbers (a finding, a list of accuracies) are read from the left, too.
    right = {i for i, name in enumerate(header) if i >= len(table.words) and not _worded(name)}
    cells = [tuple(one_line(c, 60) for c in row) for row in table.rows]
    lines = [one_line(table.caption, 120), *(_table(header, cells, right) if cells else [])]
    return lines + ([table.note.strip()] if table.note else [])


def _worded(name: str) -> bool:
    return name == "finding" or name.startswith("each ")


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
    for section in sections(report):
        out += ["", f"## {_md(section.title)}", "", _md(section.lede)]
        for table in section.tables:
            out += ["", f"### {_md(table.caption)}", ""]
            if table.rows:
                out += [*_md_head(table.words, table.numbers), *(_md_row(row) for row in table.rows), ""]
            out += [_md(table.note.strip())] if table.note else []
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
    header = (
        "variant", "templates", "original, %", "variant, %", "drop, points", "BCa", "p (q)",
        "trapped (original right), %", "trapped (all), %", "invalid, %", "lost / won", "finding",
    )  # fmt: skip
    out.append(f"| {' | '.join(header)} |")
    out.append("|---|" + "---:|" * 10 + "---|")
    out += [_md_row(_cells(v)) for v in s.variants]
    out += ["", f"### {wording.SPREAD_TITLE}", "", *_md_head(("variant",), wording.SPREAD_HEADER)]
    out += [_md_row((v.variant, *wording.spread_row(v))) for v in s.variants]
    out += _md_inert(s)
    for e in s.examples:
        out += _md_example(e)
    return out


def _md_inert(s: SeriesReport) -> list[str]:
    """The contrast with clauses that have no number, the traps taken, and the factors of the clauses."""
    out: list[str] = []
    if s.contrast is not None:
        c = s.contrast
        numbers = f"control {_rate(c.control_accuracy)} %, noop {_rate(c.noop_accuracy)} %, {c.pairs:,} pairs"
        out += ["", f"**{_md(wording.CONTRAST)}**: {_md(f'{c.finding.sentence} ({numbers}).')}"]
    if s.traps:
        out += ["", f"### {wording.TRAPS_TITLE}", "", *_md_head(("variant", "trap"), wording.TRAPS_HEADER)]
        out += [_md_row((t.variant, t.way, f"{t.given_right:,}", f"{t.answers:,}")) for t in s.traps]
    rows, note = wording.factor_rows(s.factors)
    if s.factors:
        out += ["", f"### {wording.FACTORS_TITLE}", ""]
        out += _md_head(("variant", "factor", "value"), wording.FACTORS_HEADER)
        out += [
            _md_row(
                (f.variant, f.factor, wording.value(f.value), f"{f.accuracy.templates:,}", _rate(f.accuracy),
                 _drop(f.drop), _of(f.trapped))
            )
            for f in rows
        ]  # fmt: skip
    out += ["", note] if note else []
    return out


def _md_head(words: Sequence[str], numbers: Sequence[str]) -> list[str]:
    return [_md_row((*words, *numbers)), "|" + "---|" * len(words) + "---:|" * len(numbers)]


def _md_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_md(c) for c in cells)} |"


def _md_example(e: Example) -> list[str]:
    mark = (f", trapped: {_html(e.trap)}" if e.trap else ", trapped") if e.trapped else ""
    out = [
        "",
        f"<details><summary>Flip on {e.variant}{mark}: <code>{_html(e.sample_id)}</code></summary>",
        "",
    ]
    for side, t in (("original", e.original), (e.variant, e.changed)):
        got = t.value if t.value is not None else f"nothing ({t.reason})"
        out += [f"**{side}**, gold {_md(t.gold)}, extracted {_md(got)}", "", _fenced(t.question), ""]
        clauses = [one_line(t.question[start:end], 400) for start, end in t.noop_spans]
        out += [f"inert: {_md(' / '.join(clauses))}", ""] if clauses else []
        out += [_fenced(_joined(t)), ""]
    return [*out, "</details>"]


def _cells(v: VariantResult) -> tuple[str, ...]:
    return (
        v.variant,
        str(v.drop.templates if v.drop else v.accuracy.templates),
        _rate(v.original_accuracy),
        _rate(v.accuracy),
        _drop(v.drop),
        (_span(v.drop.bca) if v.drop else "") or NO_VALUE,
        _tested(v),
        _of(v.trapped),
        _of(v.trapped_all),
        _rate(v.invalid),
        f"{v.lost} / {v.won}",
        v.finding.kind if v.drop else v.finding.sentence,
    )


def _tested(v: VariantResult) -> str:
    if v.exchangeability is None:
        return NO_VALUE
    return p_value(v.exchangeability.p_mid) + (f" ({p_value(v.q)})" if v.q is not None else "")


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
