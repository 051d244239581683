"""Who is asked to make a large set: ``--workers ray|processes|N`` and ``--address`` in words of executors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rote.errors import UsageError
from rote.harness_ext.generation.executors import Executor, InProcess, Processes, cores

RAY, PROCESSES = "ray", "processes"


def workers_of(asked: str | int | None, address: str | None) -> str | int:
    """``"ray"``, or a number of processes from 1: this process alone.

    ``asked`` is that, ``"processes"`` for one a core, or None: ray where an ``address`` is given, and else 1.

    Raises UsageError: a number below 1, another word, or an address for what is not Ray.
    """
    if asked is None:
        return 1 if address is None else RAY
    if isinstance(asked, str) and asked not in (RAY, PROCESSES):
        raise UsageError(f"--workers must be ray, processes or a whole number, got {asked!r}")
    if isinstance(asked, int) and asked < 1:
        raise UsageError(f"--workers must be 1 or more, got {asked}")
    if address is not None and asked != RAY:
        raise UsageError(f"--address {address}: goes with --workers ray, got --workers {asked}")
    return cores() if asked == PROCESSES else asked


@contextmanager
def executor_of(workers: str | int, address: str | None, say: Callable[[str], None]) -> Iterator[Executor]:
    """The executor of :func:`workers_of`; Ray's with a connection for as long as this lasts.

    ``say`` is told the link of Ray's dashboard. Raises as :func:`rote.harness_ext.sweeps.on_ray.connected`.
    """
    if workers != RAY:
        count = int(workers)
        yield InProcess() if count == 1 else Processes(count)
        return
    from rote.harness_ext.generation.on_ray import OnRay
    from rote.harness_ext.sweeps.on_ray import connected

    with connected(address, say):
        yield OnRay()
