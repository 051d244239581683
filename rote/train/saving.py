"""Writing that fails: what the user is told, and what stays."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
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


def _left(stage: Path) -> str:
    last, _ = checkpoints.newest(stage)
    if last is None:
        return "there is no earlier checkpoint; make room and begin again with another --out"
    return f"{last.name} is whole: make room and go on with --resume"


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
