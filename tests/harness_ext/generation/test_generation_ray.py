"""Large sets on a Ray of two cores, which all tests here share."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from works import DyingOnce, dying, failing, square

from rote.errors import DataError, RoteError, UsageError
from rote.harness_ext.generation import on_ray
from rote.harness_ext.generation.executors import TRIES, InProcess
from rote.harness_ext.generation.folder import MANIFEST, Shards, write_folder
from rote.harness_ext.generation.sequence import Instances, Lines, sequence_of
from rote.harness_ext.generation.wanted import Wanted
from rote.harness_ext.sweeps.on_ray import connected

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'rote[sweep]'")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A connection to a Ray started for these tests; gives where others find it."""
    with pytest.MonkeyPatch.context() as patch:
        # For its workers, so that they find the modules beside this one.
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        with connected(None, print):
            yield ray.get_runtime_context().gcs_address


def instances(count: int) -> Instances:
    wanted = Wanted(seed=3)
    return sequence_of(wanted, wanted.open(), count, {})


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if not p.name.startswith(".")}


def test_results_come_in_order_and_errors_as_they_are(address: str) -> None:
    assert list(on_ray.OnRay().map(square, range(40))) == [n * n for n in range(40)]
    with pytest.raises(DataError, match="five: is no good") as caught:
        list(on_ray.OnRay().map(failing, range(8)))
    assert caught.value.field == "five"


def test_no_more_is_under_way_than_needed(address: str) -> None:
    numbers = iter(range(1000))
    results = iter(on_ray.OnRay().map(square, numbers))
    assert next(results) == 0
    assert next(numbers) < 20 * int(ray.cluster_resources()["CPU"])
    results.close()  # type: ignore[attr-defined]


def test_the_same_bytes_as_one_process(address: str, tmp_path: Path) -> None:
    found = instances(500)
    for name, executor in (("a", InProcess()), ("b", on_ray.OnRay())):
        shards = list(write_folder(found, tmp_path / name, executor, format="parquet", size=120))
        assert [shard.made for shard in shards] == [True] * 5
    assert files_of(tmp_path / "b") == files_of(tmp_path / "a")
    lines = Lines(found, 70)
    assert b"".join(on_ray.OnRay().map(lines, range(8))) == b"".join(map(lines, range(8)))


def test_a_lost_worker_is_replaced_and_its_work_done_again(address: str, tmp_path: Path) -> None:
    work = DyingOnce(tmp_path, (0, 4, 9))
    assert list(on_ray.OnRay().map(work, range(12))) == list(range(12))
    assert all(work.begun(number) == 2 for number in work.deadly)


def test_work_that_takes_its_worker_along_is_given_up(address: str) -> None:
    with pytest.raises(RoteError, match=rf"Ray lost the worker of piece 0 {TRIES} times"):
        list(on_ray.OnRay().map(dying, range(2)))


def test_a_folder_that_a_worker_does_not_see(address: str, tmp_path: Path) -> None:
    work = Shards(instances(10), str(tmp_path / "elsewhere"), "jsonl", 5, "this run")
    with pytest.raises(
        UsageError, match=r"does not see it\. Workers write the shards themselves: --out must be"
    ):
        list(on_ray.OnRay().map(work, range(2)))


def test_a_node_with_another_version(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "__version__", "0.0.1")
    with pytest.raises(UsageError, match=r"has rote .* and the driver 0\.0\.1; install the same"):
        list(on_ray.OnRay().map(square, range(2)))


def test_a_node_without_the_program(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here_alone.py").write_text("def work(number):\n    return number\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    work = importlib.import_module("here_alone").work
    with pytest.raises(
        UsageError, match=r"cannot load the work \(.*No module named 'here_alone'\); every node"
    ):
        list(on_ray.OnRay().map(work, range(2)))


def test_a_cluster_without_cores(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"GPU": 8.0})
    with pytest.raises(UsageError, match="no node of the cluster has a CPU to give"):
        list(on_ray.OnRay().map(square, range(2)))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_driver_killed_in_the_middle(address: str, tmp_path: Path) -> None:
    """Whole shards alone are left, its workers stop, and the same command goes on."""
    out = tmp_path / "b"
    words = ["-n", "30_000", "--format", "jsonl", "--rows-per-shard", "500", "--seed", "3", "--out", str(out)]
    command = [sys.executable, "-m", "rote", "sample", *words]
    running = subprocess.Popen(
        [*command, "--address", address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 240  # Ray takes its time on a busy machine
        while time.monotonic() < until and len(list(out.glob("part-*"))) < 5:
            time.sleep(0.01)
    finally:
        running.kill()
        running.wait()
    there = sorted(out.glob("part-*"))
    assert 5 <= len(there) < 60
    assert not json.loads((out / MANIFEST).read_text())["complete"]
    assert all(len(shard.read_bytes().splitlines()) == 500 for shard in there)
    done = subprocess.run(
        [*command, "--workers", "ray", "--address", address], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    were_there = int(done.stdout.split("(")[1].split()[0])
    assert len(there) <= were_there < 60
    list(write_folder(instances(30_000), tmp_path / "a", InProcess(), format="jsonl", size=500))
    assert files_of(out) == files_of(tmp_path / "a")
