"""Write text to a file: whole or not at all, and never over something that rote did not write."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from rote.errors import UsageError
from rote.reports.compare import page, text
from rote.reports.compare.records import Comparison

_SUFFIXES: Final = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md", ".json": "json"}
_MARKS: Final = (
    b'<meta name="generator" content="rote compare">',
    text.MARK.encode(),
    f'"schema": "{text.SCHEMA.split("/")[0]}/'.encode(),
)


def format_of(path: Path) -> str:
    """The format that a file's suffix names: html, md or json."""
    name = _SUFFIXES.get(path.suffix.lower())
    if name is None:
        raise UsageError(
            f"{path}: cannot tell the format from the suffix {path.suffix!r}; "
            f"use {', '.join(sorted(_SUFFIXES))}"
        )
    return name


def check_target(path: Path, marks: tuple[bytes, ...] = _MARKS, *, force: bool = False) -> None:
    """A file may be replaced when its first kilobyte holds one of ``marks``, or with ``force``."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file")
    if force or not path.exists():
        return
    with path.open("rb") as handle:
        head = handle.read(1024)
    if head and not any(mark in head for mark in marks):
        raise UsageError(f"{path} exists and rote did not write it; pass --force to replace it")


def write_comparison(comparison: Comparison, path: Path, *, force: bool = False) -> Path:
    """Render in the format of the suffix and write."""
    render = {"html": page.render_html, "md": text.render_markdown, "json": text.render_json}[format_of(path)]
    check_target(path, force=force)
    return write_whole(render(comparison), path)


def write_whole(content: str, path: Path) -> Path:
    """The file appears complete or not at all; folders on the way are made."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content.encode("utf-8"))
        temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
        raise
    return path
