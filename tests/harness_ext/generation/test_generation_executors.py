"""Executors: results in order, errors as they are, what a lost process had under way done again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pytest
from works import DyingOnce, Prepared, dying, failing, square

from rote.errors import DataError, RoteError, UsageError
from rote.harness_ext.generation.executors import TRIES, InProcess, Processes, cores, in_order
from rote.harness_ext.generation.workers import executor_of, workers_of

KILLS = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
FORK = pytest.param(
    "fork", marks=pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
)


@pytest.mark.parametrize("executor", [InProcess(), Processes(1), Processes(2), Processes(2, "spawn")])
def test_results_come_in_order_and_errors_as_they_are(executor: InProcess | Processes) -> None:
    assert list(executor.map(square, range(20))) == [n * n for n in range(20)]
    with pytest.raises(DataError, match="five: is no good"):
        list(executor.map(failing, range(8)))


def test_no_more_is_under_way_than_needed() -> None:
    taken: list[int] = []

    def numbers() -> Iterable[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = iter(Processes(2).map(square, numbers()))
    assert next(results) == 0
    assert len(taken) < 10
    results.close()  # type: ignore[attr-defined]


def test_how_far_ahead_may_change() -> None:
    under_way: list[int] = []
    most = 0
    room = 2

    def submit(number: int):  # type: ignore[no-untyped-def]
        nonlocal most
        under_way.append(number)
        most = max(most, len(under_way))
        return lambda: under_way.pop(0)

    results = in_order(submit, range(20), lambda: room)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert most == 2
    room = 5
    assert list(results) == list(range(3, 20))
    assert most == 5


@KILLS
@pytest.mark.parametrize("start", ["spawn", FORK])
def test_a_lost_process_is_replaced_and_its_work_done_again(
    tmp_path: Path, start: Literal["fork", "spawn"]
) -> None:
    work = DyingOnce(tmp_path, (0, 4, 9))
    assert list(Processes(2, start).map(work, range(12))) == list(range(12))
    assert all(work.begun(number) == 2 for number in work.deadly)


@KILLS
def test_work_that_takes_its_process_along_is_given_up() -> None:
    with pytest.raises(RoteError, match=rf"worker processes ended .* {TRIES} times in a row"):
        list(Processes(2).map(dying, range(4)))


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
def test_copies_are_made_of_what_is_prepared_where_no_thread_is_beside() -> None:
    """A process of its own, as this one may have threads of libraries."""
    code = """
import threading
from works import Prepared
from rote.harness_ext.generation.executors import Processes
print(*next(Processes(1).map(Prepared(), range(1))))
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(*next(Processes(1).map(Prepared(), range(1))))
"""
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    ).stdout.split()
    assert told[0] not in ("0", told[1])
    assert told[2] == "0"
    assert all(by == 0 for by, _ in Processes(1, "spawn").map(Prepared(), range(2)))


def test_who_is_asked() -> None:
    assert workers_of(None, None) == 1
    assert workers_of(3, None) == 3
    assert workers_of("processes", None) == cores() >= 1
    assert workers_of("ray", None) == workers_of("ray", "auto") == workers_of(None, "auto") == "ray"
    with pytest.raises(UsageError, match="must be 1 or more, got 0"):
        workers_of(0, None)
    with pytest.raises(UsageError, match="must be ray, processes or a whole number, got 'dask'"):
        workers_of("dask", None)
    for asked in (2, "processes"):
        with pytest.raises(
            UsageError, match=f"--address auto: goes with --workers ray, got --workers {asked}"
        ):
            workers_of(asked, "auto")
    with executor_of(1, None, print) as alone, executor_of(2, None, print) as two:
        assert (alone, two) == (InProcess(), Processes(2))
