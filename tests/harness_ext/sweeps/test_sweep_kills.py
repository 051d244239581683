"""Kill -9 of a driver and of workers among many jobs: nothing lost, nothing done twice, no half log."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sweep_jobs import journal

from rote.harness_ext.sweeps.store import Folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are read in /proc"),
]
RAY = pytest.param(
    "ray",
    marks=pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'rote[sweep]'"
    ),
)
DRIVER = Path(__file__).with_name("sweep_driver.py")
COUNT, SECONDS, PATIENCE = 24, 0.3, 120.0


def drive(kind: str, folder: Path) -> subprocess.Popen[bytes]:
    with folder.joinpath("driver.txt").open("ab") as sink:
        return subprocess.Popen(
            [sys.executable, str(DRIVER), kind, str(folder), str(COUNT), str(SECONDS)],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, "RAY_DEDUP_LOGS": "0"},
        )


def wait_for(fact: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def events(folder: Path, word: str) -> Counter[str]:
    return Counter(name for said, name in journal(folder / "journal") if said == word)


def running(folder: Path) -> list[int]:
    """Process ids of evaluations that have begun, are not done and live."""
    lines = folder.joinpath("journal").read_text(encoding="utf-8").splitlines()
    begun = {line.split()[2] for line in lines if line.startswith("start")}
    done = {line.split()[2] for line in lines if line.startswith("end")}
    return [int(pid) for pid in begun - done if Path("/proc", pid).exists()]


def at_work(folder: Path, least: int) -> int:
    """Wait until so many evaluations have ended and another has just begun; returns its process id."""
    wait_for(lambda: sum(events(folder, "end").values()) >= least, f"{least} ends")
    seen = set(running(folder))
    found: list[int] = []

    def fresh() -> bool:
        found[:] = [pid for pid in running(folder) if pid not in seen]
        return bool(found)

    wait_for(fresh, "a beginning")
    return found[0]


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def check_whole(folder: Path) -> None:
    """Every log of every job is there, in the results and nowhere else."""
    results = folder / "results"
    assert len(Folder(results).there()) == COUNT
    for model in results.iterdir():
        names = sorted(path.name.partition("_")[0] for path in model.rglob("*") if path.is_file())
        assert names == ["results", "samples", "sweep-a1.json"], model
    assert [path.name for path in (folder / ".results.sweep").iterdir()] == ["lock"]


@pytest.mark.parametrize("kind", ["local", RAY])
def test_a_killed_driver(kind: str, tmp_path: Path) -> None:
    for least in (3, 10):
        first = drive(kind, tmp_path)
        pid = at_work(tmp_path, least)
        first.kill()
        first.wait()
        # Whatever it had begun ends with it, without a log.
        wait_for(lambda pid=pid: not Path("/proc", str(pid)).exists(), "the end of an evaluation")  # type: ignore[misc]
        wait_for(lambda: not running(tmp_path), "the end of all evaluations")
    ended = events(tmp_path, "end")
    there = Folder(tmp_path / "results").there()
    assert len(there) < COUNT
    # Two are at work at once on Ray; one of them may just have ended as the driver did.
    assert len(ended) - len(there) <= (2 if kind == "ray" else 0)
    last = drive(kind, tmp_path)
    assert last.wait(PATIENCE) == 0, (tmp_path / "driver.txt").read_text(encoding="utf-8")[-3000:]
    check_whole(tmp_path)
    twice = [name for name, count in events(tmp_path, "end").items() if count > 1]
    assert set(twice) <= {name for name in ended if (name, "core.hash.seed0") not in there}
    assert len(events(tmp_path, "end")) == COUNT


@pytest.mark.parametrize("kind", ["local", RAY])
def test_killed_workers(kind: str, tmp_path: Path) -> None:
    """On Ray the worker, without it the evaluation: its job is done again, the sweep goes on."""
    driver = drive(kind, tmp_path)
    for least in (3, 10):
        pid = at_work(tmp_path, least)
        victim = parent(pid) if kind == "ray" else pid
        assert victim != driver.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    assert driver.wait(PATIENCE) == 0, (tmp_path / "driver.txt").read_text(encoding="utf-8")[-3000:]
    check_whole(tmp_path)
    starts, ends = events(tmp_path, "start"), events(tmp_path, "end")
    assert set(ends.values()) == {1}
    assert sorted(starts.values())[-2:] == [2, 2]
    assert sum(starts.values()) == COUNT + 2
