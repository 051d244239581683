"""Locks on files: one process of a machine at a time."""

from __future__ import annotations

from typing import IO, Any


def lock(file: IO[Any]) -> str | None:
    """Lock an open file until it is closed here and in every copy of this process; None once that is done.

    Otherwise why no lock can be had here at all: by the system, or by its file system.

    Raises BlockingIOError: another process has it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return "this system has no such locks"
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        return f"the file system says: {error.strerror or error}"
    return None
