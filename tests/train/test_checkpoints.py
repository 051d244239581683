"""What counts as a whole checkpoint, and what becomes of one that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rote.errors import DataError
from rote.train import checkpoints


def make(stage: Path, step: int, *, whole: bool = True) -> Path:
    folder = stage / f"checkpoint-{step}"
    (folder / "inner").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights" * step)
    (folder / "inner" / "state.json").write_text("{}")
    if whole:
        checkpoints.mark(folder)
    return folder


def test_a_marked_checkpoint_is_whole_and_lists_its_files(tmp_path: Path) -> None:
    folder = make(tmp_path, 3)
    assert checkpoints.fault(folder) is None
    record = json.loads((folder / checkpoints.MARK).read_text())
    assert record == {"step": 3, "files": {"inner/state.json": 2, "model.safetensors": 21}}


def test_what_is_missing_or_cut_off_is_named(tmp_path: Path) -> None:
    assert checkpoints.fault(make(tmp_path, 1, whole=False)) == "it was not finished"
    lost = make(tmp_path, 2)
    (lost / "model.safetensors").unlink()
    assert checkpoints.fault(lost) == "model.safetensors is missing"
    cut = make(tmp_path, 3)
    (cut / "model.safetensors").write_bytes(b"wei")
    assert checkpoints.fault(cut) == "model.safetensors has 3 bytes, not 21"
    torn = make(tmp_path, 4)
    (torn / checkpoints.MARK).write_text('{"step": 4, "fil')
    assert checkpoints.fault(torn) == f"{checkpoints.MARK} cannot be read"


def test_the_newest_whole_one_is_found_and_the_newer_broken_ones_are_told(tmp_path: Path) -> None:
    make(tmp_path, 2)
    good = make(tmp_path, 9)
    bad = make(tmp_path, 10, whole=False)
    (tmp_path / "checkpoint-best").mkdir()
    assert checkpoints.newest(tmp_path) == (good, [(bad, "it was not finished")])
    aside = checkpoints.set_aside(bad)
    assert aside == tmp_path / "broken-checkpoint-10-1"
    assert (aside / "model.safetensors").is_file()
    assert checkpoints.newest(tmp_path) == (good, [])
    assert checkpoints.set_aside(make(tmp_path, 10, whole=False)).name == "broken-checkpoint-10-2"
    assert checkpoints.newest(tmp_path / "nothing") == (None, [])


def test_the_oldest_whole_ones_go_and_broken_ones_stay(tmp_path: Path) -> None:
    for step in (1, 2, 3, 11):
        make(tmp_path, step, whole=step != 2)
    checkpoints.rotate(tmp_path, 2)
    assert [folder.name for folder in checkpoints.all_of(tmp_path)] == [
        "checkpoint-2",
        "checkpoint-3",
        "checkpoint-11",
    ]


def test_another_name_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"its name must be checkpoint-<step>, got 'best'"):
        checkpoints.step_of(tmp_path / "best")
