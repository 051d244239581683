"""A comparison as one HTML page that needs nothing else: no script, no request, no style but its own."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Final

from rote.reports.compare import text
from rote.reports.compare.records import Comparison

_STYLE: Final = (
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;max-height:24rem;overflow:auto}"
    "h1,h5,p,li{overflow-wrap:anywhere}.cards>div{min-width:0}"
    "h5{margin:.3rem 0}.flip{padding:1rem 1.1rem;margin:1rem 0}td{white-space:nowrap}"
)


def render_html(comparison: Comparison) -> str:
    """The whole page; every text from logs is escaped, and the policy forbids what is not text."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "title_of": text.title,
        "cells": text.row,
        "format_cells": text.format_row,
        "flips_told": text.flips_told,
        "answer": text.answer,
    }
    folder = resources.files("rote.reports")
    template = environment.from_string((folder / "compare" / "compare.html.j2").read_text(encoding="utf-8"))
    style = (folder / "templates" / "report.css").read_text(encoding="utf-8") + _STYLE
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    first = comparison.pairs[0]
    return template.render(
        comparison=comparison,
        heading=f"{first.before.model} → {first.after.model}",
        header=text.HEADER,
        format_header=text.FORMAT_HEADER,
        notes=text.NOTES,
        style=style,
        style_hash=f"sha256-{digest}",
    )
