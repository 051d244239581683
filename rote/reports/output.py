"""Write a report to a file: whole or not at all, and never over something that is not a report."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from rote.errors import UsageError
from rote.reports.html import render_html
from rote.reports.report import Report
from rote.reports.text import SCHEMA, render_json, render_markdown

#: What each format's file begins with, in its first kilobyte, when rote wrote it.
_MARKS: Final = {
    "html": b'<meta name="generator" content="rote report">',
    "md": b"<!-- rote report -->",
    "json": f'"schema": "{SCHEMA.split("/")[0]}/'.encode(),
}
_SUFFIXES: Final = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md", ".json": "json"}
FORMATS: Final = tuple(_MARKS)


def format_of(path: Path, wanted: str | None = None) -> str:
    """``wanted``, or else the format that the file's suffix names."""
    name = wanted if wanted is not None else _SUFFIXES.get(path.suffix.lower())
    if name is None:
        raise UsageError(
            f"{path}: cannot tell the format from the suffix {path.suffix!r}; "
            f"use {', '.join(sorted(_SUFFIXES))}, or --format {'|'.join(FORMATS)}"
        )
    if name not in _MARKS:
        raise UsageError(f"unknown format {name!r}; known are {', '.join(FORMATS)}")
    return name


def check_target(path: Path, *, force: bool = False) -> None:
    """An existing file may be replaced when rote wrote it as a report (of any format) or with ``force``."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file")
    if force or not path.exists():
        return
    with path.open("rb") as handle:
        head = handle.read(1024)
    if head and not any(mark in head for mark in _MARKS.values()):
        raise UsageError(f"{path} exists and is not a report of rote; pass --force to replace it")


def write_report(report: Report, path: Path, *, format: str | None = None, force: bool = False) -> Path:
    """Render and write; folders on the way are made. The file appears complete or not at all."""
    name = format_of(path, format)
    check_target(path, force=force)
    render = {"html": render_html, "md": render_markdown, "json": render_json}[name]
    data = render(report).encode("utf-8")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            handle.write(data)
        temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
        raise
    return path
