"""Work on Ray, here or on a cluster: one piece a core, in processes that keep what they have opened."""

from __future__ import annotations

import importlib
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from rote import __version__
from rote.errors import RoteError, UsageError
from rote.harness_ext.generation.executors import TRIES, in_order

T = TypeVar("T")

#: Pieces for each core that may be under way or wait for their turn.
_AHEAD: Final = 2
#: Seconds between two looks at how many cores there are: a cluster may grow and shrink.
_LOOK: Final = 5.0


@dataclass(frozen=True, slots=True)
class OnRay:
    """Every core that Ray has; :func:`rote.harness_ext.sweeps.on_ray.connected` must hold.

    Nodes need the same version of rote, and templates of one's own under the same path.
    """

    def map(self, work: Callable[[int], T], numbers: Iterable[int]) -> Iterator[T]:
        """As :class:`~rote.harness_ext.generation.executors.Executor` says, but for what Ray has in its hands
        when an error is raised: it may be done all the same, for as long as the connection holds.

        Raises UsageError: no node has a core to give, or one has no rote or another version of it.
        """
        ray = _ray()
        room = _Room()
        if not room():
            raise UsageError(
                "no node of the cluster has a CPU to give; start one with ray start --num-cpus=…"
            )
        # What Ray would do again by itself it would do for ever where memory is short.
        remote = ray.remote(_do).options(num_cpus=1, max_retries=0, name="rote sample")
        shared = ray.put(work)
        # What is in Ray's hands when this is left early is not called back: ray.cancel of a task that just
        # ends can bring the whole driver down. It is little, does no harm, and ends with the connection.
        yield from in_order(
            lambda number: _Asked(remote, shared, number).result,
            numbers,
            lambda: max(1, _AHEAD * room()),
        )


class _Room:
    """How many cores the nodes have together, looked at now and then."""

    def __init__(self) -> None:
        self.cores, self.looked = 0, -_LOOK

    def __call__(self) -> int:
        if not self.cores or time.monotonic() - self.looked > _LOOK:
            self.cores = int(_ray().cluster_resources().get("CPU", 0)) or self.cores
            self.looked = time.monotonic()
        return self.cores


@dataclass(slots=True)
class _Asked:
    """A piece of work in Ray's hands."""

    remote: Any
    shared: Any
    number: int
    reference: Any = field(init=False)

    def __post_init__(self) -> None:
        self._ask()

    def _ask(self) -> None:
        self.reference = self.remote.remote(self.shared, self.number, __version__)

    def result(self) -> Any:
        """What the work gave; asked for again where the worker, its node or the result was lost."""
        ray = _ray()
        for lost in range(1, TRIES + 1):
            try:
                return ray.get(self.reference)
            except ray.exceptions.RayTaskError as error:
                raise _cause(error) from error
            except ray.exceptions.RayError as error:
                if lost == TRIES:
                    why = " ".join(str(error).split())[:300]
                    raise RoteError(
                        f"Ray lost the worker of piece {self.number:,} {lost} times ({why}); what is whole "
                        "stays: run the same command again"
                    ) from error
                self._ask()
        raise AssertionError("tries are counted from 1")


def _cause(error: Any) -> Exception:
    """What the work raised, as it was; or why a worker could not even begin."""
    cause = error.cause
    if isinstance(cause, _ray().exceptions.RayError) or "failed to import on the worker" in str(cause):
        lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
        return UsageError(
            f"a node of the cluster cannot load the work ({lines[-1][:300]}); every node needs "
            f"rote {__version__} and the same packages"
        )
    return cause if isinstance(cause, Exception) else error


def _do(work: Callable[[int], T], number: int, version: str) -> T:
    """What a worker does. Other templates of the same content would do; another program might not."""
    if version != __version__:
        raise UsageError(
            f"node {socket.gethostname()} has rote {__version__} and the driver {version}; install the same"
        )
    return work(number)


def _ray() -> Any:
    """The package; a part of its interface has no types."""
    return importlib.import_module("ray")
