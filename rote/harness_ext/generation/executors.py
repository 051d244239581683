"""Who does the work: this process, or several. Anything with a ``map`` as below may take their place."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar, runtime_checkable

from rote.errors import RoteError

T = TypeVar("T")

#: How often a piece of work is begun before its worker's loss is taken for its own doing.
TRIES: Final = 3
#: Results for each worker that may be under way or wait for their turn: what bounds the memory.
_AHEAD: Final = 3


class Executor(Protocol):
    """Does a piece of work for each of some numbers, in any processes or machines.

    ``work`` can be pickled, is called with one number at a time, and gives the same wherever it runs, however
    often.
    """

    def map(self, work: Callable[[int], T], numbers: Iterable[int]) -> Iterator[T]:
        """The results in the order of the numbers; only a bounded number of them is held at any time.

        What the work raises is raised here; work that has not begun is then left undone. What a lost worker
        had under way is done again. Raises RoteError: lost :data:`TRIES` times.
        """
        ...


@runtime_checkable
class Preparable(Protocol):
    """Work with a part that is the same for every number."""

    def prepare(self) -> None:
        """Do that part now, so that copies of this process have it done."""
        ...


@dataclass(frozen=True, slots=True)
class InProcess:
    """This process, one number after another."""

    def map(self, work: Callable[[int], T], numbers: Iterable[int]) -> Iterator[T]:
        """As :class:`Executor` says."""
        return map(work, numbers)


@dataclass(frozen=True, slots=True)
class Processes:
    """``count`` processes of this machine, at least 1.

    ``start``: ``fork`` copies this process once the work is prepared, which takes no time; ``spawn`` starts
    afresh and prepares the work in each. None: ``fork`` where it is safe.
    """

    count: int
    start: Literal["fork", "spawn"] | None = None

    def map(self, work: Callable[[int], T], numbers: Iterable[int]) -> Iterator[T]:
        """As :class:`Executor` says."""
        start = self.start or ("fork" if _may_fork() else "spawn")
        if start == "fork" and isinstance(work, Preparable):
            work.prepare()
        left = iter(numbers)
        owed: deque[int] = deque()
        lost = 0
        while True:
            try:
                with closing(self._run(work, start, chain(tuple(owed), _noted(left, owed)))) as results:
                    for result in results:
                        owed.popleft()
                        lost = 0
                        yield result
                return
            except BrokenProcessPool as error:
                lost += 1
                if lost == TRIES:
                    raise RoteError(
                        "worker processes ended before their work was done (killed, or out of memory), "
                        f"{lost} times in a row; what is whole stays: run the same command again, with "
                        "fewer --workers if memory was short"
                    ) from error

    def _run(self, work: Callable[[int], T], start: str, numbers: Iterable[int]) -> Generator[T, None, None]:
        """Results of one set of processes. Raises BrokenProcessPool: one of them was lost."""
        context = multiprocessing.get_context(start)
        pool = ProcessPoolExecutor(self.count, context, initializer=_begin, initargs=(work,))
        try:
            yield from in_order(
                lambda number: pool.submit(_do, number).result, numbers, lambda: _AHEAD * self.count
            )
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _noted(numbers: Iterator[int], owed: deque[int]) -> Iterator[int]:
    for number in numbers:
        owed.append(number)
        yield number


def in_order(
    submit: Callable[[int], Callable[[], T]], numbers: Iterable[int], ahead: Callable[[], int]
) -> Iterator[T]:
    """Results in the order of ``numbers``, with at most ``ahead()`` handed out and not yet taken back.

    ``submit`` hands out a number and gives what waits for its result.
    """
    waiting: deque[Callable[[], T]] = deque()
    left = iter(numbers)
    while True:
        waiting.extend(map(submit, islice(left, max(0, ahead() - len(waiting)))))
        if not waiting:
            return
        yield waiting.popleft()()


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _may_fork() -> bool:
    """Whether a copy of this process is sound: on Linux, where nothing runs beside this thread.

    Another thread, of a numerical library or of Ray, may hold a lock that nobody in the copy would release.
    """
    if sys.platform != "linux":
        return False
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir()) == 1
    except OSError:
        return False


#: What the process was started for.
_work: Callable[[int], Any] | None = None


def _begin(work: Callable[[int], Any]) -> None:
    """A worker's first act: leave interrupts to the parent, and do not outlive it."""
    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What was copied is not looked at again and again, nor its memory copied for that.
    gc.freeze()
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
