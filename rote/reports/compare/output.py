"""Write a comparison to a file, and never over something that is not one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rote.reports import writing
from rote.reports.compare import page, text
from rote.reports.compare.records import Comparison

_MARKS: Final = (
    b'<meta name="generator" content="rote compare">',
    text.MARK.encode(),
    f'"schema": "{text.SCHEMA.split("/")[0]}/'.encode(),
)


def check_target(path: Path, *, force: bool = False) -> None:
    """An existing file may be replaced when it is a comparison (of any format) or with ``force``."""
    writing.check_target(path, _MARKS, force=force)


def write_comparison(comparison: Comparison, path: Path, *, force: bool = False) -> Path:
    """Render in the format of the suffix and write."""
    name = writing.format_of(path)
    check_target(path, force=force)
    render = {"html": page.render_html, "md": text.render_markdown, "json": text.render_json}[name]
    return writing.write_whole(render(comparison), path)
