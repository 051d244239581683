"""Write a report to a file: whole or not at all, and never over something that is not a report."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rote.errors import UsageError
from rote.reports import writing
from rote.reports.html import render_html
from rote.reports.report import Report
from rote.reports.text import SCHEMA, render_json, render_markdown
from rote.reports.writing import FORMATS

#: What a file of each format begins with, in its first kilobyte, when rote wrote it.
_MARKS: Final = (
    b'<meta name="generator" content="rote report">',
    b"<!-- rote report -->",
    f'"schema": "{SCHEMA.split("/")[0]}/'.encode(),
)


def format_of(path: Path, wanted: str | None = None) -> str:
    """``wanted``, or else the format that the file's suffix names."""
    if wanted is None:
        return writing.format_of(path, otherwise=f", or --format {'|'.join(FORMATS)}")
    if wanted not in FORMATS:
        raise UsageError(f"unknown format {wanted!r}; known are {', '.join(FORMATS)}")
    return wanted


def check_target(path: Path, *, force: bool = False) -> None:
    """An existing file may be replaced when rote wrote it as a report (of any format) or with ``force``."""
    writing.check_target(path, _MARKS, force=force, fault="is not a report of rote")


def write_report(report: Report, path: Path, *, format: str | None = None, force: bool = False) -> Path:
    """Render and write; folders on the way are made. The file appears complete or not at all."""
    name = format_of(path, format)
    check_target(path, force=force)
    render = {"html": render_html, "md": render_markdown, "json": render_json}[name]
    return writing.write_whole(render(report), path)
