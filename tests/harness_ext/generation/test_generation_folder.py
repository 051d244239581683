"""Large sets: the same bytes from any number of workers, shards that are whole, runs that go on."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

from rote.cli import main
from rote.errors import DataError, UsageError
from rote.harness_ext.draws import stream
from rote.harness_ext.generation import formats
from rote.harness_ext.generation.executors import InProcess
from rote.harness_ext.generation.folder import MANIFEST, Shards, write_folder
from rote.harness_ext.generation.formats import FORMATS, rows_in, write_shard
from rote.harness_ext.generation.sequence import Instances, Lines, sequence_of
from rote.harness_ext.generation.wanted import Wanted
from rote.perturb.source import template_files
from rote.problem import Problem


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """A folder of three templates, two of which have no ``p1``."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in template_files(["jam_jars", "stamp_card", "skate_fund"]):
        shutil.copy(file, folder)
    return str(folder)


def instances(source: str, count: int, variant: str = "symbolic", seed: int = 0) -> Instances:
    wanted = Wanted(source=source, variant=variant, seed=seed)
    return sequence_of(wanted, wanted.open(), count, {})


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["sample", *words]) == 0
    return capsys.readouterr().out


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if not p.name.startswith(".")}


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["sample", *words]) == 3
    return capsys.readouterr().err


# --- the sequence ----------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["original", "symbolic", "p1"])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 11])
def test_any_stretch_is_that_of_the_stream(mine: str, variant: str, count: int) -> None:
    wanted = Wanted(source=mine, variant=variant, seed=5)
    opened = wanted.open()
    skipped: dict[str, str] = {}
    skipped_there: dict[str, str] = {}
    found = sequence_of(wanted, opened, count, skipped)
    whole = list(islice(stream(opened.templates.values(), variant, 5, None, skipped_there), count))
    assert found.count == len(whole)
    assert list(found.rows(0, count)) == whole
    for size in (1, 2, 4, 100):
        pieces = [list(found.rows(i * size, (i + 1) * size)) for i in range(found.shards(size))]
        assert [problem for piece in pieces for problem in piece] == whole
    assert count == 0 or skipped == skipped_there


def test_templates_that_change_on_the_way_are_noticed(mine: str) -> None:
    found = instances(mine, 3)
    stale = Instances(found.wanted, "0" * 16, found.ids, found.count)
    with pytest.raises(DataError, match="changed while instances were made"):
        list(stale.rows(0, 1))


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_same_bytes_from_any_number_of_workers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, mine: str, workers: int
) -> None:
    monkeypatch.setattr("rote.cli.sample.CHUNK", 7)
    words = ("--source", mine, "-n", "1_00", "--seed", "4")
    alone = printed(capsys, *words)
    assert len(alone.splitlines()) == 100
    assert printed(capsys, *words, "--workers", str(workers)) == alone


def test_what_is_left_out_is_told_alike(capsys: pytest.CaptureFixture[str], mine: str) -> None:
    words = ["sample", "--source", mine, "--variant", "p1", "-n", "9"]
    assert main(words) == 0
    alone = capsys.readouterr()
    assert main([*words, "--workers", "2"]) == 0
    together = capsys.readouterr()
    assert together == alone
    assert "left out: 2 of 3 templates" in alone.err


# --- shards ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", sorted(FORMATS))
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_folder_is_the_same_from_any_number_of_workers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mine: str, format: str, workers: int
) -> None:
    words = ["--source", mine, "-n", "50", "--format", format, "--rows-per-shard", "12"]
    printed(capsys, *words, "--out", str(tmp_path / "a"))
    said = printed(capsys, *words, "--out", str(tmp_path / "b"), "--workers", str(workers))
    assert said == f"{tmp_path / 'b'}: 50 instances in 5 files (0 were there)\n"
    assert files_of(tmp_path / "b") == files_of(tmp_path / "a")
    manifest = json.loads((tmp_path / "b" / MANIFEST).read_text())
    assert manifest["complete"] is True
    assert [shard["rows"] for shard in manifest["shards"]] == [12, 12, 12, 12, 2]
    assert manifest["source"] == "mine"
    assert manifest["seed"] == 0
    assert len(manifest["content_hash"]) == 16


def test_jsonl_shards_together_are_what_is_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mine: str
) -> None:
    words = ["--source", mine, "-n", "20", "--seed", "3"]
    printed(capsys, *words, "--out", str(tmp_path / "a"), "--format", "jsonl", "--rows-per-shard", "6")
    together = b"".join(p.read_bytes() for p in sorted((tmp_path / "a").glob("part-*")))
    assert together.decode() == printed(capsys, *words)


@pytest.mark.parametrize("variant", ["symbolic", "noop", "noop_control", "p1"])
def test_parquet_holds_every_field(tmp_path: Path, variant: str) -> None:
    from pyarrow import parquet

    found = instances("bank", 10, variant, seed=2)
    path = tmp_path / "one.parquet"
    assert write_shard("parquet", found.rows(0, 10), path) == 10
    rows = parquet.read_table(path).to_pylist()
    assert rows == [problem.to_doc() for problem in found.rows(0, 10)]
    assert [Problem.from_doc(row) for row in rows] == list(found.rows(0, 10))


def test_a_field_without_a_column_is_refused(tmp_path: Path, mine: str) -> None:
    [problem] = instances(mine, 1).rows(0, 1)
    odd = problem._replace(covariates={**problem.covariates, "colour": 3})
    with pytest.raises(DataError, match="'colour', for which --format parquet has no column"):
        write_shard("parquet", [odd], tmp_path / "x.parquet")


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_only_what_is_missing_or_cut_off_is_made_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mine: str, format: str
) -> None:
    out = tmp_path / "a"
    words = ["--source", mine, "-n", "50", "--format", format, "--rows-per-shard", "12", "--out", str(out)]
    printed(capsys, *words)
    whole = files_of(out)
    parts = sorted(name for name in whole if name.startswith("part-"))
    (out / parts[0]).unlink()
    (out / parts[1]).write_bytes(whole[parts[1]][:-9])
    (out / f".{parts[2]}.77.partial").write_bytes(b"half")
    untouched = (out / parts[2]).stat().st_mtime_ns
    assert printed(capsys, *words).endswith("5 files (3 were there)\n")
    assert files_of(out) == whole
    assert (out / parts[2]).stat().st_mtime_ns == untouched
    assert not list(out.glob(".*.partial"))
    assert printed(capsys, *words).endswith("5 files (5 were there)\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_in_the_middle_and_started_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mine: str, workers: str
) -> None:
    words = ["--source", mine, "-n", "20_000", "--format", "jsonl", "--rows-per-shard", "250"]
    out = tmp_path / "b"
    command = [sys.executable, "-m", "rote", "sample", *words, "--out", str(out), "--workers", workers]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and len(list(out.glob("part-*"))) < 3:
            time.sleep(0.01)
    finally:
        running.kill()
        running.wait()
    there = len(list(out.glob("part-*")))
    assert 3 <= there < 80
    assert not json.loads((out / MANIFEST).read_text())["complete"]
    # workers see that their parent is gone and leave the folder alone
    until = time.monotonic() + 30
    while time.monotonic() < until:
        before = len(list(out.glob("part-*")))
        time.sleep(0.5)
        if len(list(out.glob("part-*"))) == before:
            break
    printed(capsys, *words, "--out", str(out))
    printed(capsys, *words, "--out", str(tmp_path / "a"))
    assert files_of(out) == files_of(tmp_path / "a")


def test_two_at_once_are_refused(tmp_path: Path, mine: str) -> None:
    pytest.importorskip("fcntl", reason="locks are POSIX's")
    found = instances(mine, 9)
    first = write_folder(found, tmp_path / "a", InProcess(), format="jsonl", size=2)
    next(first)
    with pytest.raises(UsageError, match="another rote sample is writing to it"):
        next(write_folder(found, tmp_path / "a", InProcess(), format="jsonl", size=2))
    assert len(list(first)) == 4


def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl", reason="locks are POSIX's")

    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)


def test_a_file_system_without_locks_is_told_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mine: str
) -> None:
    no_locks(monkeypatch)
    out = tmp_path / "a"
    words = ["sample", "--source", mine, "-n", "9", "--format", "jsonl", "--rows-per-shard", "2"]
    assert main([*words, "--out", str(out), "--workers", "2"]) == 0
    assert capsys.readouterr().err == (
        f"rote sample: --out {out}: no lock here (the file system says: Operation not supported); see to it "
        "that no other rote sample writes there\n"
    )
    assert json.loads((out / MANIFEST).read_text())["complete"] is True


def test_a_system_without_locks_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mine: str) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    said: list[str] = []
    found = instances(mine, 9)
    shards = write_folder(found, tmp_path / "a", InProcess(), format="jsonl", size=2, say=said.append)
    assert len(list(shards)) == 5
    assert len(said) == 1
    assert "this system has no such locks" in said[0]


def test_rows_of_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b'{"a": 1}\n{"a"')
    assert rows_in("parquet", tmp_path / "x") is None
    assert rows_in("jsonl", tmp_path / "x") is None


# --- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["1e7", "2.5", "many", ""])
def test_a_number_that_is_not_whole(capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert main(["sample", "-n", word]) == 2
    assert f"argument -n: must be a whole number, such as 10_000_000, got {word!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-n", "-1"], "-n must be 0 or more, got -1"),
        (["--workers", "0"], "--workers must be 1 or more, got 0"),
        (["--format", "parquet"], "--format goes with --out FOLDER"),
        (["--rows-per-shard", "5"], "--rows-per-shard goes with --out FOLDER"),
        (["--out", "x", "--format", "csv"], "unknown format 'csv'; known are parquet, jsonl"),
        (["--out", "x", "--rows-per-shard", "0"], "--rows-per-shard must be 1 or more, got 0"),
        (["--out", "x", "-n", "0"], "--out: -n must be 1 or more, got 0"),
        (
            ["--variant", "noop", "--noop", "topic=off", "--workers", "2"],
            "--noop: which instances match is found one after another",
        ),
    ],
)
def test_options_that_do_not_go(
    capsys: pytest.CaptureFixture[str], words: Sequence[str], message: str
) -> None:
    assert message in refusal(capsys, *words)


def test_a_folder_that_holds_something_else(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mine: str
) -> None:
    out = tmp_path / "a"
    words = ["--source", mine, "-n", "9", "--format", "jsonl", "--out", str(out)]
    out.mkdir()
    (out / "letters.txt").write_text("dear")
    assert "holds 'letters.txt' and no manifest.json of rote sample" in refusal(capsys, *words)
    (out / "letters.txt").unlink()
    printed(capsys, *words)
    (out / "letters.txt").write_text("dear")
    assert "holds 'letters.txt', which is no part of this set" in refusal(capsys, *words)
    (out / "letters.txt").unlink()
    assert "another set: its seed is 0, this one's 1" in refusal(capsys, *words, "--seed", "1")
    assert "another set: its rows is 9, this one's 8" in refusal(capsys, *words, "-n", "8")
    assert "another set: its format is 'jsonl'" in refusal(capsys, *words, "--format", "parquet")
    (Path(mine) / "stamp_card.yaml").unlink()
    from rote.perturb import source

    source._load.cache_clear()
    assert "another set: its content_hash is" in refusal(capsys, *words)
    (out / MANIFEST).write_text("{")
    assert "manifest.json: cannot be read as JSON" in refusal(capsys, *words)


def test_a_place_that_cannot_be_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mine: str
) -> None:
    (tmp_path / "file").write_text("x")
    message = refusal(capsys, "--source", mine, "--out", str(tmp_path / "file" / "a"), "--format", "jsonl")
    assert "cannot be written to" in message


def test_without_pyarrow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    assert "pip install pyarrow (or --format jsonl)" in refusal(capsys, "--out", "x")


def test_work_travels_by_pickle(mine: str) -> None:
    import pickle

    found = instances(mine, 5)
    for work in (Lines(found, 2), Shards(found, "x", "jsonl", 2, "run")):
        assert pickle.loads(pickle.dumps(work)) == work
