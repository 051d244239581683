"""A report as one HTML page that needs nothing else: no script, no request, no style but its own.

The content-security policy allows a single ``<style>`` element by its hash. All text from logs goes
through jinja2's autoescape; the only markup inserted as it is are the pictures drawn here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources

from rote.reports import figures, figures_draws, wording
from rote.reports.records import Texts
from rote.reports.results import Report
from rote.reports.sections import sections
from rote.reports.statistics import Interval
from rote.reports.verdicts import CHANGE, NO_VALUE, badge, p_value, percent, points


def render_html(report: Report) -> str:
    """The whole page as text; the same report gives the same bytes."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "tidy": _tidy,
        "badge": badge,
        "percent": percent,
        "points": points,
        "p_value": p_value,
        "span": _span,
        "parted": _parted,
        "unit": lambda head: head.rpartition(", ")[::2] if ", " in head else (head, ""),
        "marked": _marked,
        "factor_rows": wording.factor_rows,
        "value": wording.value,
    }
    folder = resources.files("rote.reports") / "templates"
    template = environment.from_string((folder / "report.html.j2").read_text(encoding="utf-8"))
    style = (folder / "report.css").read_text(encoding="utf-8")
    pictures = {}
    drawn = (
        ("forest", figures.forest),
        ("scatter", figures.scatter),
        ("strip", figures_draws.strip),
        ("null", figures_draws.null),
    )
    for name, draw in drawn:
        for suffix, narrow in (("", False), ("_narrow", True)):
            picture = draw(report.series, name=f"{name}{suffix}".replace("_", "-"), narrow=narrow)
            pictures[name + suffix] = picture
            style += picture.css if picture is not None else ""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return template.render(
        report=report,
        series=report.series,
        title=wording.title(report),
        facts=wording.facts(report),
        level=f"{100 * report.level:g} %",
        changes=CHANGE,
        no_value=NO_VALUE,
        wording=wording,
        glossary=wording.glossary(report),
        sections=sections(report),
        style=style,
        style_hash=f"sha256-{digest}",
        **pictures,
    )


def _marked(texts: Texts) -> list[tuple[str, bool]]:
    """The question in pieces: (text, whether it is an inert clause)."""
    pieces, at = [], 0
    for start, end in texts.noop_spans:
        pieces += [(texts.question[at:start], False), (texts.question[start:end], True)]
        at = end
    return [*pieces, (texts.question[at:], False)]


def _span(interval: Interval | None) -> str:
    return "" if interval is None else f"[{points(interval.low)}, {points(interval.high)}]"


def _parted(cell: str) -> tuple[str, str]:
    """A cell as its value and its interval, which stand on two lines; "" where it has none."""
    value, bracket, rest = cell.partition(" [")
    return value, bracket.strip() + rest


_GLUED = re.compile(r"(?<=[\d,=<]) (?=[\d%\N{MINUS SIGN}])")


def _tidy(sentence: str) -> str:
    """No line break inside an interval, a percentage or a p-value."""
    return _GLUED.sub("\N{NO-BREAK SPACE}", sentence)
