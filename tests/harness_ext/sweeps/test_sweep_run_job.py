"""One job in a process of its own: what becomes of it, what is tried again, what is kept."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sweep_jobs import FAKE, job, journal, unit

from rote.harness_ext.sweeps import failures, local, run_job
from rote.harness_ext.sweeps.failures import Failure, of_exception, of_status
from rote.harness_ext.sweeps.jobs import Job, from_json, missing
from rote.harness_ext.sweeps.run_job import Ended, attempt, attempt_from
from rote.harness_ext.sweeps.store import Folder

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="signals as Unix has them")


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "results")


def told(types: str, message: str, output: str = "") -> str:
    return of_exception({"types": types.split(), "message": message}, output).kind


def test_kinds_of_failures() -> None:
    assert told("OutOfMemoryError RuntimeError", "CUDA out of memory. Tried to allocate") == failures.MEMORY
    assert told("RuntimeError", "Engine core failed", "torch.OutOfMemoryError: CUDA out of memory") == (
        failures.MEMORY
    )
    assert told("RuntimeError", "Error(s) in loading state_dict for Qwen2") == failures.BROKEN
    assert told("RuntimeError", "You set `ignore_mismatched_sizes` to `False`") == failures.BROKEN
    assert told("ValueError", "Transformers does not recognize this architecture.") == failures.BROKEN
    assert told("SafetensorError Exception", "Error while deserializing header") == failures.BROKEN
    assert told("OSError", "x does not appear to have a file named config.json") == failures.BROKEN
    assert told("UsageError RoteError Exception", "--shots 9") == failures.USAGE
    assert told("SourceUnavailableError RoteError Exception", "no GSM8K") == failures.UNAVAILABLE
    assert told("ConnectTimeout ConnectionError OSError", "hub") == failures.UNAVAILABLE
    assert told("ZeroDivisionError Exception", "division by zero") == failures.OTHER
    assert of_status(-9).kind == of_status(3).kind == failures.LOST
    assert "SIGKILL" in of_status(-9).message
    retried = {Failure(kind, "").retried: kind for kind in (failures.LOST, failures.BROKEN)}
    assert retried == {True: failures.LOST, False: failures.BROKEN}


def test_a_job_and_an_attempt_as_text() -> None:
    one = job("m", unit(), unit(1), seconds=1, then="ok")
    assert from_json(one.to_json()) == one
    tried = run_job.Attempt(1.5, Failure("lost", "gone"), "tail")
    assert attempt_from(tried.to_dict()) == tried
    assert attempt_from(run_job.Attempt(1.5).to_dict()) == run_job.Attempt(1.5)


def test_what_is_missing_by_seed() -> None:
    units = [unit(seed, f"{seed}{i}", (f"t{i}",)) for seed in (0, 1, 2) for i in (0, 1)]
    slots = [f"s{i}.seed{u.seed}" for i, u in zip((0, 1) * 3, units, strict=True)]
    one = job(
        "m", *(type(u)(slot, u.seed, u.tasks, u.key, u.facts) for slot, u in zip(slots, units, strict=True))
    )
    assert missing(one, {}) == [one]
    everything = {("m", u.slot): u.key for u in one.units}
    assert missing(one, everything) == []
    assert missing(one, {("other", slot): key for (_, slot), key in everything.items()}) == [one]
    # Seed 1 lacks one task set, seed 2 both: two loads.
    some = {
        place: key for place, key in everything.items() if place[1] in ("s0.seed0", "s1.seed0", "s0.seed1")
    }
    parts = missing(one, some)
    assert [part.name for part in parts] == ["m", "m#2"]
    assert [[u.slot for u in part.units] for part in parts] == [["s1.seed1"], ["s0.seed2", "s1.seed2"]]
    # Both lack both: one.
    some = {place: key for place, key in everything.items() if place[1].endswith("seed0")}
    assert [len(part.units) for part in missing(one, some)] == [4]
    # Logs of another key are missing.
    assert len(missing(one, dict.fromkeys(everything, "old"))) == 1


@UNIX
def test_logs_are_published_and_not_made_again(store: Folder, tmp_path: Path) -> None:
    one = job("m", unit(0), unit(1, "b2"), journal=str(tmp_path / "journal"))
    assert attempt(one, store, FAKE).failure is None
    assert store.there() == {("m", "core.hash.seed0"): "a1", ("m", "core.hash.seed1"): "b2"}
    assert attempt(one, store, FAKE).failure is None
    assert journal(tmp_path / "journal") == [("start", "m"), ("end", "m")]


@UNIX
@pytest.mark.parametrize(
    ("then", "kind", "attempts"),
    [
        ("memory", failures.MEMORY, 3),
        ("broken", failures.BROKEN, 1),
        ("lost", failures.LOST, 3),
        ("half", failures.OTHER, 1),
    ],
)
def test_what_fails_is_told(then: str, kind: str, attempts: int, store: Folder, tmp_path: Path) -> None:
    ended: list[Ended] = []
    jobs = [job("bad", unit(0), unit(1, "b2"), retries=2, then=then), job("good")]
    local.run(jobs, store, ended.append, FAKE)
    bad, good = ended
    assert bad.attempt.failure is not None
    assert (bad.attempt.failure.kind, bad.attempts) == (kind, attempts)
    assert bad.attempt.output == "loading bad\n" or then == "lost"
    assert good.attempt.failure is None
    assert store.there() == {("good", "core.hash.seed0"): "a1"}
    assert [path.name for path in (tmp_path / ".results.sweep").iterdir()] == []


@UNIX
def test_a_lost_job_is_tried_again(store: Folder, tmp_path: Path) -> None:
    ended: list[Ended] = []
    local.run(
        [job("m", retries=2, then="lost_once", journal=str(tmp_path / "journal"))], store, ended.append, FAKE
    )
    assert (ended[0].attempt.failure, ended[0].attempts) == (None, 2)


@UNIX
def test_a_time_limit_ends_everything(store: Folder) -> None:
    started = time.monotonic()
    found = attempt(job("m", seconds=60, time_limit=0.5), store, FAKE)
    assert time.monotonic() - started < 20
    assert found.failure == Failure(failures.TIME, "took longer than its time limit of 0.5 s")
    assert store.there() == {}


def no_such_call(*_: object) -> int:
    raise OSError(errno.ENOSYS, "Function not implemented")


@pytest.fixture(params=["pidfd", "Python without it", "kernel without it"])
def waits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """The limits that Python's own wait, which polls, is asked to keep, each way of waiting by turns."""
    if request.param == "kernel without it":
        monkeypatch.setattr(os, "pidfd_open", no_such_call, raising=False)
    elif request.param == "Python without it":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("this Python has no os.pidfd_open")
    limits: list[float | None] = []
    wait = subprocess.Popen.wait

    def noted(child: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        limits.append(timeout)
        return wait(child, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", noted)
    request.node.polled = request.param != "pidfd"
    return limits


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


@UNIX
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise SystemExit(7)", 7),
        ("import time; time.sleep(0.3)", 0),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
    ],
)
def test_a_process_that_ends_in_time(
    code: str, status: int, waits: list[float | None], request: pytest.FixtureRequest
) -> None:
    before = open_files()
    with subprocess.Popen([sys.executable, "-S", "-c", code]) as child:
        assert run_job._wait(child, 60.0) == status
        assert waits == [60.0 if request.node.polled else None]
    assert open_files() == before


@UNIX
def test_a_process_that_had_ended_before(waits: list[float | None]) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as child:
        child.wait()
        assert run_job._wait(child, 0.001) == 0


@UNIX
def test_a_process_that_takes_longer(waits: list[float | None]) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) as child:
        before = time.monotonic()
        assert run_job._wait(child, 0.2) is None
        assert 0.2 <= time.monotonic() - before < 20
        assert child.poll() is None
        child.kill()


#: Starts a process, says which in a file of its own, and stays.
_WITH_A_CHILD = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
new = pathlib.Path(sys.argv[2], "new")
new.write_text(str(child.pid))
new.rename(new.with_name("child"))
time.sleep(60)
"""


def lives(pid: int) -> bool:
    """Whether a process is there and no mere entry that nobody has asked about yet."""
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return told.stdout.strip()[:1] not in ("", "Z")


@UNIX
def test_a_time_limit_ends_the_group(waits: list[float | None], tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-c", _WITH_A_CHILD]
    failure, _ = run_job._run(job("m", time_limit=2.0), tmp_path, command)
    assert failure == Failure(failures.TIME, "took longer than its time limit of 2 s")
    pid = int((tmp_path / "child").read_text(encoding="utf-8"))
    deadline = time.monotonic() + 20
    while lives(pid):
        assert time.monotonic() < deadline, "what the process had started outlived it"
        time.sleep(0.05)


def test_results_that_fail_are_a_failure(tmp_path: Path) -> None:
    class Full(Folder):
        def scratch(self):  # type: ignore[no-untyped-def]
            raise OSError(28, "No space left on device")

    found = attempt(job("m"), Full(tmp_path / "results"), FAKE)
    assert found.failure is not None
    assert "No space left" in found.failure.message


@UNIX
def test_models_with_the_real_process(store: Folder) -> None:
    bad = Job("m", "m", "rote-planted", {"behaviour": "sover"}, (unit(),))
    found = attempt(bad, store)
    assert found.failure is not None
    assert found.failure.kind == failures.USAGE
    assert "did you mean 'solver'?" in found.failure.message
