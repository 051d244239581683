"""Results are there whole or not at all, in a folder and in an object store."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from rote.errors import UsageError
from rote.harness_ext.sweeps.store import Folder, Remote, Store, open_store


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield open_store(str(tmp_path / "results"))
        return
    url = f"memory://{uuid.uuid4().hex}/results"
    opened = open_store(url)
    yield opened
    assert isinstance(opened, Remote)
    opened._fs.rm(opened._root.rpartition("/")[0], recursive=True)


def texts(store: Store) -> dict[str, str]:
    """All files of a store, by path below its root."""
    if isinstance(store, Folder):
        files = sorted(path for path in store.root.rglob("*") if path.is_file())
        return {path.relative_to(store.root).as_posix(): path.read_text(encoding="utf-8") for path in files}
    assert isinstance(store, Remote)
    root = store._root
    return {p.removeprefix(f"{root}/"): store._fs.cat_file(p).decode() for p in sorted(store._fs.find(root))}


def publish(store: Store, text: str, key: str, samples: str = "samples_a_x.jsonl") -> bool:
    with store.scratch() as folder:
        place = folder / "logs" / "slot" / "model"
        place.mkdir(parents=True)
        place.joinpath("results_x.json").write_text(text, encoding="utf-8")
        place.joinpath(samples).write_text(text, encoding="utf-8")
        return store.publish(folder / "logs" / "slot", "m", "slot", key, {"seed": 1})


def test_published_once_by_key(store: Store) -> None:
    store.check()
    assert store.there() == {}
    assert store.key_of("m", "slot") is None
    assert publish(store, "one", "ab")
    assert store.there() == {("m", "slot"): "ab"}
    assert store.key_of("m", "slot") == "ab"
    assert not publish(store, "again", "ab")
    assert texts(store) == {
        "m/slot/model/results_x.json": "one",
        "m/slot/model/samples_a_x.jsonl": "one",
        "m/slot/sweep-ab.json": '{\n "seed": 1\n}\n',
    }


def test_logs_of_another_key_give_way_whole(store: Store) -> None:
    assert publish(store, "one", "ab", samples="samples_old_x.jsonl")
    assert publish(store, "two", "cd")
    assert store.there() == {("m", "slot"): "cd"}
    assert set(texts(store)) == {
        "m/slot/model/results_x.json",
        "m/slot/model/samples_a_x.jsonl",
        "m/slot/sweep-cd.json",
    }


def test_records_of_errors(store: Store) -> None:
    store.record("job#2", None)
    store.record("job#2", {"error": "first"})
    store.record("job#2", {"error": "second"})
    assert texts(store) == {"errors/job#2.json": '{\n "error": "second"\n}\n'}
    store.record("job#2", None)
    assert texts(store) == {}


def test_nothing_is_left_of_what_was_not_published(tmp_path: Path) -> None:
    store = Folder(tmp_path / "results")
    with contextlib.suppress(KeyError), store.scratch() as folder:
        folder.joinpath("half.json").touch()
        raise KeyError
    assert list((tmp_path / ".results.sweep").iterdir()) == []


def test_one_sweep_at_a_time(tmp_path: Path) -> None:
    store = Folder(tmp_path / "results")
    left = tmp_path / ".results.sweep" / "left"
    left.mkdir(parents=True)
    said: list[str] = []
    with store.lock(said.append):
        assert not left.exists()
        with pytest.raises(UsageError, match="another sweep is writing here"), store.lock(said.append):
            pass
    with store.lock(said.append):
        pass
    assert said == []


def test_a_file_system_without_locks_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    store = Folder(tmp_path / "results")
    others = tmp_path / ".results.sweep" / "others"
    others.mkdir(parents=True)
    said: list[str] = []
    with store.lock(said.append):
        assert publish(store, "one", "ab")
    assert [line.partition(";")[0] for line in said] == [
        f"results {tmp_path / 'results'}: no lock here (the file system says: Operation not supported)"
    ]
    assert others.exists()


def test_a_system_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    said: list[str] = []
    with Folder(tmp_path / "results").lock(said.append):
        pass
    assert len(said) == 1
    assert "this system has no such locks" in said[0]


def test_without_a_mark_logs_do_not_count() -> None:
    store = Remote(f"memory://{uuid.uuid4().hex}/results")
    store._fs.pipe_file(f"{store._root}/m/slot/model/results_x.json", b"half")
    assert store.there() == {}
    assert publish(store, "one", "ab")
    assert texts(store)["m/slot/model/results_x.json"] == "one"


def test_results_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.joinpath("file").touch()
    with pytest.raises(UsageError, match=r"results .*file/results: cannot be written"):
        open_store(str(tmp_path / "file" / "results")).check()
    with pytest.raises(UsageError, match="results nowhere://x: fsspec cannot write there"):
        open_store("nowhere://x")
    # An archive to read from, as an example of what fsspec opens and cannot write to.
    with pytest.raises(UsageError, match="cannot be written"):
        open_store("data://text").check()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.joinpath("closed").mkdir(mode=0o500)
    with pytest.raises(UsageError, match="cannot be written"):
        open_store(str(tmp_path / "closed" / "results")).check()
