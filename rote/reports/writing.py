"""Write text to a file: whole or not at all, and never over something that rote did not write."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rote.errors import UsageError

FORMATS: Final = ("html", "md", "json")
_SUFFIXES: Final = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md", ".json": "json"}


def format_of(path: Path, *, otherwise: str = "") -> str:
    """The format that a file's suffix names: one of :data:`FORMATS`.

    Raises UsageError: another suffix. ``otherwise`` ends its message with what else would do.
    """
    name = _SUFFIXES.get(path.suffix.lower())
    if name is None:
        raise UsageError(
            f"{path}: cannot tell the format from the suffix {path.suffix!r}; "
            f"use {', '.join(sorted(_SUFFIXES))}{otherwise}"
        )
    return name


def check_target(
    path: Path, marks: Iterable[bytes], *, force: bool = False, fault: str = "rote did not write it"
) -> None:
    """A file may be replaced when its first kilobyte holds one of ``marks``, or with ``force``.

    Raises UsageError: a folder, a file without a mark (``fault`` says so in the message).
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file")
    if force or not path.exists():
        return
    with path.open("rb") as handle:
        head = handle.read(1024)
    if head and not any(mark in head for mark in marks):
        raise UsageError(f"{path} exists and {fault}; pass --force to replace it")


def write_whole(content: str, path: Path) -> Path:
    """The file appears complete or not at all; folders on the way are made.

    Raises UsageError: it cannot be written.
    """
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
