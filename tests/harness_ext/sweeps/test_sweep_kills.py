"""Kill -9 of a driver and of workers among many jobs: nothing lost, nothing done twice, no half log."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
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
#: How many jobs there are, and which of them go on until they or their watcher are killed.
COUNT, STAY = 100, (30, 70)
SLOT, PATIENCE = "core.hash.seed0", 120.0
#: Jobs that Ray may run at once here.
AT_ONCE = os.cpu_count() or 1


def drive(kind: str, folder: Path, stay: Sequence[int] = STAY) -> subprocess.Popen[bytes]:
    with folder.joinpath("driver.txt").open("ab") as sink:
        return subprocess.Popen(
            [sys.executable, str(DRIVER), kind, str(folder), str(COUNT), ",".join(map(str, stay))],
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


def living(folder: Path) -> set[int]:
    """Process ids of evaluations that have begun and live."""
    lines = folder.joinpath("journal").read_text(encoding="utf-8").splitlines()
    begun = {line.split()[2] for line in lines if line.startswith("start")}
    return {int(pid) for pid in begun if Path("/proc", pid).exists()}


def at_work(folder: Path, number: int) -> int:
    """Wait until a job that stays is under way; returns its process id."""
    wait_for(lambda: f"m{number:03}" in events(folder, "start"), f"the beginning of job {number}")
    lines = folder.joinpath("journal").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[2]) for line in lines if line.startswith(f"start m{number:03} "))


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def check_logs(folder: Path) -> None:
    """What is in the results is whole: nothing is there without its mark, and every file can be read."""
    for model in (folder / "results").iterdir():
        files = sorted(path for path in model.rglob("*") if path.is_file())
        assert [path.name.partition("_")[0] for path in files] == ["results", "samples", "sweep-a1.json"], (
            model
        )
        for path in files:
            assert path.read_text(encoding="utf-8").endswith("}" if path.name[0] == "r" else "}\n"), path
            json.loads(path.read_text(encoding="utf-8"))


def check_whole(folder: Path) -> None:
    """Every log of every job is there, in the results and nowhere else."""
    check_logs(folder)
    assert len(Folder(folder / "results").there()) == COUNT
    assert [path.name for path in (folder / ".results.sweep").iterdir()] == ["lock"]


def said(folder: Path) -> str:
    return (folder / "driver.txt").read_text(encoding="utf-8")[-3000:]


@pytest.mark.parametrize("kind", ["local", RAY])
def test_a_killed_driver(kind: str, tmp_path: Path) -> None:
    # A Ray takes some five seconds to start: one kill is enough there.
    stay = STAY if kind == "local" else STAY[1:]
    for number in stay:
        first = drive(kind, tmp_path, stay)
        at_work(tmp_path, number)
        first.kill()
        first.wait()
        # Whatever it had begun ends with it, without a log.
        wait_for(lambda: not living(tmp_path), "the end of all evaluations")
        check_logs(tmp_path)
        there = Folder(tmp_path / "results").there()
        assert number - AT_ONCE <= len(there) < COUNT
        assert (f"m{number:03}", SLOT) not in there
    ended = events(tmp_path, "end")
    # Those beside the one that stayed may have ended as the driver did, each time.
    unpublished = {name for name in ended if (name, SLOT) not in there}
    assert len(unpublished) <= (0 if kind == "local" else len(stay) * AT_ONCE)
    last = drive(kind, tmp_path, stay)
    assert last.wait(PATIENCE) == 0, said(tmp_path)
    check_whole(tmp_path)
    ends = events(tmp_path, "end")
    assert len(ends) == COUNT
    assert {name for name, count in ends.items() if count > 1} <= unpublished


@pytest.mark.parametrize("kind", ["local", RAY])
def test_killed_workers(kind: str, tmp_path: Path) -> None:
    """On Ray the worker, without it the evaluation: its job is done again, the sweep goes on."""
    driver = drive(kind, tmp_path)
    for number in STAY:
        pid = at_work(tmp_path, number)
        victim = parent(pid) if kind == "ray" else pid
        assert victim != driver.pid
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda pid=pid: not Path("/proc", str(pid)).exists(), "the end of an evaluation")  # type: ignore[misc]
    assert driver.wait(PATIENCE) == 0, said(tmp_path)
    check_whole(tmp_path)
    assert set(events(tmp_path, "end").values()) == {1}
    again = {name: count for name, count in events(tmp_path, "start").items() if count > 1}
    assert again == {f"m{number:03}": 2 for number in STAY}


@pytest.mark.parametrize("kind", ["local", RAY])
def test_an_interrupted_driver(kind: str, tmp_path: Path) -> None:
    """What it had begun ends with it, and so does what Ray had in its hands."""
    driver = drive(kind, tmp_path)
    at_work(tmp_path, STAY[0])
    driver.send_signal(signal.SIGINT)
    assert driver.wait(PATIENCE) != 0
    assert "KeyboardInterrupt" in said(tmp_path)
    wait_for(lambda: not living(tmp_path), "the end of all evaluations")
    check_logs(tmp_path)
    assert STAY[0] - AT_ONCE <= len(Folder(tmp_path / "results").there()) < COUNT
    begun = events(tmp_path, "start")
    time.sleep(1)
    assert events(tmp_path, "start") == begun
