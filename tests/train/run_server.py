"""Runs of ``rote`` in processes of their own that are forked from one which has imported torch and TRL.

Each is a run as one types it, with an exit status, signals and files, for the price of a fork. A request is
a line of JSON: ``argv``; ``log``, a file for what it prints; ``status``, a file for exit status and CPU
seconds; ``event``, see :func:`arm`. Started as a script by :mod:`runs`.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import Any


def arm(event: dict[str, Any] | None) -> None:
    """Let something happen at the n-th call of a function of the program.

    ``at`` is ``module:Class.function``, ``call`` counts from 1; ``do`` is ``kill`` (SIGKILL), ``term``
    (SIGTERM) or ``limit`` (no file may grow above ``bytes`` from then on: a disk that is full).
    """
    if event is None:
        return
    module, _, names = event["at"].partition(":")
    *holders, name = names.split(".")
    owner: Any = importlib.import_module(module)
    for holder in holders:
        owner = getattr(owner, holder)
    real = getattr(owner, name)
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == event["call"]:
            if event["do"] == "limit":
                resource.setrlimit(resource.RLIMIT_FSIZE, (event["bytes"], event["bytes"]))
            else:
                os.kill(os.getpid(), signal.SIGKILL if event["do"] == "kill" else signal.SIGTERM)
        return real(*args, **kwargs)

    setattr(owner, name, counted)


def run(request: dict[str, Any]) -> int:
    """The run itself, in the forked process."""
    from rote.cli import main

    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    try:
        arm(request["event"])
        return main(request["argv"])
    except BaseException:
        traceback.print_exc()
        return 99


def serve() -> None:
    """Fork for every request; the child of the child runs, the child waits for it and writes its status."""
    import datasets  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import peft  # noqa: F401
    import torch
    import transformers.trainer  # noqa: F401
    from trl import GRPOTrainer, RLOOTrainer, SFTTrainer  # noqa: F401

    torch.set_num_threads(1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        request = json.loads(line)
        if os.fork():
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        child = os.fork()
        if child == 0:
            status = run(request)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        _, ended, used = os.wait4(child, 0)
        path = Path(request["status"])
        partial = path.with_suffix(".partial")
        cpu = used.ru_utime + used.ru_stime
        partial.write_text(f"{os.waitstatus_to_exitcode(ended)} {cpu:.2f}", encoding="utf-8")
        partial.replace(path)
        os._exit(0)


if __name__ == "__main__":
    serve()
    os._exit(0)  # taking torch apart takes seconds
