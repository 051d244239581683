"""The folder of an export: it appears whole or not at all, and never in place of anything else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rote.errors import UsageError
from rote.train.saving import put_in_place

#: Written into every export: the checks and their figures.
RECORD: Final = "export.json"


def check_target(out: Path, *, force: bool) -> None:
    """Raise UsageError unless ``out`` is free; with ``force`` an earlier export may be there."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / RECORD).is_file():
        raise UsageError(f"{out}: is in use, and not by an export; name a new folder")
    if not force:
        raise UsageError(f"{out}: holds an export already; name a new folder, or pass --force to replace it")


def check_space(out: Path, needed: int) -> None:
    """Raise UsageError where the disk has less than ``needed`` bytes free."""
    folder = out.absolute().parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{out}: the export needs {needed / 2**30:.2f} GiB and {free / 2**30:.2f} GiB are free there: "
            f"{(needed - free) / 2**30:.2f} GiB too few"
        )


@contextmanager
def appearing(out: Path, *, force: bool) -> Iterator[Path]:
    """A hidden folder beside ``out`` that takes its place when the block ends well, and is gone when not.

    Raises UsageError: ``out`` is in use, or a folder cannot be made or written there.
    """
    out = out.absolute()
    check_target(out, force=force)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise UsageError(f"{out}: cannot be made ({error.strerror})") from error
    try:
        folder.chmod(0o755)
        yield folder
        check_target(out, force=force)  # what somebody else has put there meanwhile stays
        put_in_place(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
