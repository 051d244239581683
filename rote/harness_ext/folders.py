"""Output folders that appear whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rote.errors import UsageError


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to fill that becomes ``out`` when the block ends well, and is removed when it fails.

    Raises UsageError: ``out`` holds anything, is a file, or cannot be made.
    """
    out = out.absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out}: is in use; name a new folder")
    with _beside(out) as folder:
        yield folder
        # Not swapped: what somebody else has put there meanwhile stays.
        if out.exists():
            out.rmdir()
        folder.rename(out)


@contextmanager
def replacing_folder(out: Path) -> Iterator[Path]:
    """Likewise, but a folder ``out`` gives way with all that it holds: check before that it may.

    Raises UsageError: ``out`` cannot be made.
    """
    out = out.absolute()
    with _beside(out) as folder:
        yield folder
        _swap(folder, out)


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A hidden folder in the same place, which is gone afterwards unless it was moved."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be made ({error.strerror})") from error
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _swap(new: Path, out: Path) -> None:
    """Put ``new`` in the place of ``out``, which is removed only once that has worked."""
    if not out.exists():
        new.rename(out)
        return
    old = new.with_name(f"{new.name}-old")
    out.rename(old)
    try:
        new.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
