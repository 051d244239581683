"""Training in a process of its own, which a signal leaves the time to write its checkpoint."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

#: Exit status of a run that a signal stopped.
STOPPED: Final = 130


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    status: its exit status; 130 where SIGINT or SIGTERM ended it, other signals as their negative number.
    stopped: whether what would come next is to be left out: the status is 130, or a signal came meanwhile.
    """

    status: int
    stopped: bool


def run_child(line: Sequence[str]) -> Ended:
    """Run a command and wait for its end, through SIGINT and SIGTERM, too.

    SIGINT of a terminal reaches the command by itself, being sent to the whole process group; SIGTERM is
    passed on. Outside the main thread no signal is taken. Raises OSError where the command cannot be run.
    """
    if threading.current_thread() is not threading.main_thread():
        return _ended(subprocess.run(list(line), check=False).returncode, False)
    child: subprocess.Popen[bytes] | None = None
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        came.append(number)
        if number == signal.SIGTERM and child is not None:
            child.send_signal(number)

    # A handler, not SIG_IGN: the command would inherit that.
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        child = subprocess.Popen(list(line))
        # One that came while the process was made met no child.
        if signal.SIGTERM in came:
            child.send_signal(signal.SIGTERM)
        status = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return _ended(status, bool(came))


def _ended(status: int, asked: bool) -> Ended:
    if status in (-signal.SIGINT, -signal.SIGTERM):
        status = STOPPED
    return Ended(status, asked or status == STOPPED)
