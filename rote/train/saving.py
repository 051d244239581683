"""Writing that fails: what the user is told, and what stays."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError
from rote.train import checkpoints

#: No space, no quota left, a file that may not grow.
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def told(path: Path, stage: Path) -> Iterator[None]:
    """Turn what writing ``path`` raises into a DataError that says what to go on from.

    Torch and safetensors raise errors of their own where a disk is full.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        raise DataError(f"cannot be written ({_short(error)}); {_left(stage)}", path=path) from error


@contextmanager
def disk_may_fill(stage: Path) -> Iterator[None]:
    """The same for the small files of a stage: log, probes, records."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DataError(f"cannot be written ({_short(error)}); {_left(stage)}", path=stage) from error


def guard_saves(trainer: Any, stage: Path) -> None:
    """Let a trainer of transformers tell of a checkpoint that it cannot write; the torn one goes."""
    save = trainer._save_checkpoint

    def guarded(*args: Any, **kwargs: Any) -> Any:
        path = stage / f"checkpoint-{trainer.state.global_step}"
        try:
            with told(path, stage):
                return save(*args, **kwargs)
        except DataError:
            shutil.rmtree(path, ignore_errors=True)
            raise

    trainer._save_checkpoint = guarded


def write_checkpoint(folder: Path, step: int, write: Callable[[Path], None]) -> Path:
    """Let ``write`` fill ``folder/checkpoint-<step>``; it is moved to its place when it is whole.

    Raises DataError where that fails; checkpoints that were there before stay.
    """
    from safetensors import SafetensorError

    target = folder / f"checkpoint-{step}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_unfinished(folder)
        new = Path(tempfile.mkdtemp(prefix=".checkpoint-", dir=folder))
        try:
            new.chmod(0o755)
            write(new)
            # The same step may have been written before the run was resumed from an earlier one.
            put_in_place(new, target)
        finally:
            _remove_unfinished(folder)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise DataError(
            f"the checkpoint could not be written ({error}); earlier ones are still there", path=target
        ) from error
    return target


def put_in_place(new: Path, target: Path) -> None:
    """Move a folder to ``target``; what stands there goes, unless the move fails. Raises OSError."""
    if not target.exists():
        new.rename(target)
        return
    old = new.with_name(f"{new.name}-old")
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _remove_unfinished(folder: Path) -> None:
    for left in folder.glob(".checkpoint-*"):
        shutil.rmtree(left, ignore_errors=True)


def _left(stage: Path) -> str:
    last, _ = checkpoints.newest(stage)
    if last is None:
        return "there is no earlier checkpoint; make room and begin again with another --out"
    return f"{last.name} is whole: make room and go on with --resume"


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
