"""Checkpoints of a stage: which are whole, which is the newest, which may go.

A trainer writes ``checkpoint-<step>`` file by file. When the last one is written, :func:`mark` puts a list of
all files and their sizes into it; a folder without it, or whose files are not as listed, is no checkpoint.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Final

from rote.errors import DataError

MARK: Final = "rote-checkpoint.json"
_NAME: Final = re.compile(r"checkpoint-([0-9]+)")


def mark(folder: Path) -> None:
    """Say that a checkpoint is whole: its files reach the disk, then the list of them."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MARK:
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
            files[path.relative_to(folder).as_posix()] = path.stat().st_size
    partial = folder / (MARK + ".partial")
    with partial.open("w", encoding="utf-8") as stream:
        json.dump({"step": step_of(folder), "files": files}, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(folder / MARK)


def fault(folder: Path) -> str | None:
    """Why a checkpoint is not whole, or None."""
    try:
        record = json.loads((folder / MARK).read_text(encoding="utf-8"))
        files = {str(name): int(size) for name, size in record["files"].items()}
    except FileNotFoundError:
        return "it was not finished"
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return f"{MARK} cannot be read"
    for name, size in files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != size:
            return f"{name} has {path.stat().st_size:,} bytes, not {size:,}"
    return None


def step_of(folder: Path) -> int:
    """The step in the name of a checkpoint's folder. Raises DataError for another name."""
    match = _NAME.fullmatch(folder.name)
    if match is None:
        raise DataError(
            f"is no checkpoint: its name must be checkpoint-<step>, got {folder.name!r}", path=folder
        )
    return int(match[1])


def all_of(stage_folder: Path) -> list[Path]:
    """The folders that have a checkpoint's name, oldest first."""
    found = [path for path in stage_folder.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=step_of)


def newest(stage_folder: Path) -> tuple[Path | None, list[tuple[Path, str]]]:
    """The newest whole checkpoint, and the newer ones that are not whole with what they lack."""
    broken: list[tuple[Path, str]] = []
    for folder in reversed(all_of(stage_folder)):
        why = fault(folder)
        if why is None:
            return folder, broken
        broken.append((folder, why))
    return None, broken


def set_aside(folder: Path) -> Path:
    """Rename what is not whole, so that no trainer takes it for a checkpoint; nothing is deleted."""
    number = 1
    while (aside := folder.with_name(f"broken-{folder.name}-{number}")).exists():
        number += 1
    return folder.rename(aside)


def rotate(stage_folder: Path, keep: int) -> None:
    """Delete whole checkpoints but the ``keep`` newest. What is not whole does not count and stays."""
    whole = [folder for folder in all_of(stage_folder) if fault(folder) is None]
    for folder in whole[: max(0, len(whole) - keep)]:
        # The mark goes first: half a deleted checkpoint is not a whole one.
        (folder / MARK).unlink()
        shutil.rmtree(folder)
