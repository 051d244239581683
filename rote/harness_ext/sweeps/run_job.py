"""One attempt at a job: a process of its own, watched, and its logs published when they are complete."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rote.harness_ext.sweeps import failures
from rote.harness_ext.sweeps.failures import Failure
from rote.harness_ext.sweeps.jobs import Job
from rote.harness_ext.sweeps.store import Store

#: The process that evaluates; the number of this process and a folder follow.
CHILD: Final = (sys.executable, "-m", "rote.harness_ext.sweeps.child")
#: Bytes of the end of the output that a record of an error keeps.
_TAIL: Final = 4000


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt went: ``failure`` is None where the logs are there now.

    ``seconds`` is its wall time; ``output`` the end of what a failed one printed.
    """

    seconds: float
    failure: Failure | None = None
    output: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain data, which :func:`attempt_from` reads."""
        return asdict(self)


def attempt_from(raw: Mapping[str, Any]) -> Attempt:
    """An attempt from its plain data."""
    failure = raw["failure"]
    return Attempt(raw["seconds"], None if failure is None else Failure(**failure), raw["output"])


@dataclass(frozen=True, slots=True)
class Ended:
    """A job after its last attempt; ``attempt`` is that one."""

    job: Job
    attempt: Attempt
    attempts: int


def once_more(job: Job, attempt: Attempt, attempts: int) -> bool:
    """Whether a job is to be tried again after so many attempts."""
    return attempt.failure is not None and attempt.failure.retried and attempts <= job.retries


def attempt(job: Job, store: Store, command: Sequence[str] = CHILD) -> Attempt:
    """Try a job once. What goes wrong in it is in what is returned; only this process's own end is raised.

    ``command`` is the process that evaluates, as :data:`CHILD` takes its arguments; tests have others.
    """
    started = time.monotonic()
    if all(store.key_of(job.model, unit.slot) == unit.key for unit in job.units):
        return Attempt(0.0)
    try:
        with store.scratch() as folder:
            failure, output = _run(job, folder, command)
            seconds = time.monotonic() - started
            if failure is None:
                failure = _publish(job, folder / "logs", store, seconds)
    except Exception as error:  # the results' place may fail in any way of its file system
        kinds = [kind.__name__ for kind in type(error).__mro__]
        failure = failures.of_exception({"types": kinds, "message": str(error)})
        seconds, output = time.monotonic() - started, ""
    return Attempt(round(seconds, 3), failure, "" if failure is None else output)


def _run(job: Job, folder: Path, command: Sequence[str]) -> tuple[Failure | None, str]:
    folder.joinpath("job.json").write_text(job.to_json(), encoding="utf-8")
    printed = folder / "output.txt"
    with printed.open("wb") as sink:
        child = subprocess.Popen(
            [*command, str(os.getpid()), str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            # A group of its own, so that whatever an engine has started ends with it.
            start_new_session=True,
        )
        try:
            status = _wait(child, job.time_limit)
        finally:
            _end(child)
    output = _tail(printed)
    if status is None:
        return Failure(failures.TIME, f"took longer than its time limit of {job.time_limit:g} s"), output
    try:
        told = json.loads(folder.joinpath("outcome.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return failures.of_status(status), output
    return (None if told["ok"] else failures.of_exception(told, output)), output


def _wait(child: subprocess.Popen[bytes], limit: float | None) -> int | None:
    """Its status once it has ended; None when that takes longer than so many seconds."""
    if limit is not None and hasattr(os, "pidfd_open"):
        # Python's own wait with a limit looks only every 50 ms.
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            handle = os.pidfd_open(child.pid)
            stack.callback(os.close, handle)
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            if not poll.poll(min(limit * 1000, 2**31 - 1)):
                return None
            return child.wait()
    try:
        return child.wait(limit)
    except subprocess.TimeoutExpired:
        return None


def _end(child: subprocess.Popen[bytes]) -> None:
    """Leave nothing of a process's group."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    elif child.poll() is None:
        child.kill()
    child.wait()


def _tail(path: Path) -> str:
    with path.open("rb") as handle:
        handle.seek(max(0, path.stat().st_size - _TAIL))
        return handle.read().decode("utf-8", errors="replace")


def _publish(job: Job, logs: Path, store: Store, seconds: float) -> Failure | None:
    """Check the logs of all units, then publish them one by one."""
    for unit in job.units:
        names = [path.name for path in logs.joinpath(unit.slot).rglob("*.json*")]
        lacking = [t for t in unit.tasks if not any(n.startswith(f"samples_{t}_20") for n in names)]
        if lacking or not any(name.startswith("results_") for name in names):
            what = f"samples of {', '.join(lacking)}" if lacking else "results"
            return Failure(failures.OTHER, f"the evaluation ended without {what} ({unit.slot})")
    run = {"seconds": round(seconds, 3), "host": socket.gethostname(), "gpus": job.gpus, "job": job.name}
    for unit in job.units:
        store.publish(logs / unit.slot, job.model, unit.slot, unit.key, {"key_of": unit.facts, "run": run})
    return None
