"""Who does the work: this process, or several. Anything with a ``map`` as below may take their place."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

from rote.errors import RoteError

T = TypeVar("T")

#: Results for each worker that may be under way or wait for their turn: what bounds the memory.
_AHEAD: Final = 3


class Executor(Protocol):
    """Does a piece of work for each of some numbers, in any processes or machines.

    ``work`` can be pickled, is called with one number at a time, and gives the same wherever it runs.
    """

    def map(self, work: Callable[[int], T], numbers: Iterable[int]) -> Iterator[T]:
        """The results in the order of the numbers; only a bounded number of them is held at any time.

        What the work raises is raised here; work that has not begun is then left undone.
        """
        ...


@dataclass(frozen=True, slots=True)
class InProcess:
    """This process, one number after another."""

    def map(self, work: Callable[[int], T], numbers: Iterable[int]) -> Iterator[T]:
        """As :class:`Executor` says."""
        return map(work, numbers)


@dataclass(frozen=True, slots=True)
class Processes:
    """``count`` processes of this machine, at least 1."""

    count: int

    def map(self, work: Callable[[int], T], numbers: Iterable[int]) -> Iterator[T]:
        """As :class:`Executor` says. Raises RoteError: a process was killed from outside."""
        # Spawned, not forked: the same on every platform, and safe beside threads of numerical libraries.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self.count, context, initializer=_begin, initargs=(work,))
        try:
            yield from in_order(lambda number: pool.submit(_do, number), numbers, _AHEAD * self.count)
        except BrokenProcessPool as error:
            raise RoteError(
                "a worker process ended before its work was done (killed, or out of memory); what is whole "
                "stays: run the same command again, with fewer --workers if memory was short"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def in_order(submit: Callable[[int], Future[T]], numbers: Iterable[int], ahead: int) -> Iterator[T]:
    """Results in the order of ``numbers``, with at most ``ahead`` handed out and not yet taken back."""
    waiting: deque[Future[T]] = deque()
    left = iter(numbers)
    waiting.extend(map(submit, islice(left, ahead)))
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(map(submit, islice(left, 1)))
        yield result


#: What the process was started for.
_work: Callable[[int], Any] | None = None


def _begin(work: Callable[[int], Any]) -> None:
    """A worker's first act: leave interrupts to the parent, and do not outlive it."""
    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _do(number: int) -> Any:
    if _work is None:
        raise RuntimeError("a worker was asked before it was told its work")
    return _work(number)
