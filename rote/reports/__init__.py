"""lm-eval logs -> numbers, pictures, verdicts.

Reads files that stock lm-eval wrote and nothing else: no model, no harness, no templates.

    runs = read_logs("results")
    report = build_report(runs)
    write_report(report, Path("report.html"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rote.reports.html import render_html
    from rote.reports.output import write_report
    from rote.reports.reader import read_logs
    from rote.reports.report import build_report
    from rote.reports.text import render_json, render_markdown, render_text

__all__ = [
    "build_report",
    "read_logs",
    "render_html",
    "render_json",
    "render_markdown",
    "render_text",
    "write_report",
]

_HOMES = {
    "build_report": "report",
    "read_logs": "reader",
    "render_html": "html",
    "render_json": "text",
    "render_markdown": "text",
    "render_text": "text",
    "write_report": "output",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: reading logs needs no NumPy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
