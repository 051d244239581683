"""The folder of a run: whose it is, what is torn in it, and what a disk that fills leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import Server, recipe_of, stage_of, write_recipe

from rote.train.checkpoints import all_of, fault
from rote.train.manifest import weights_hash

pytestmark = pytest.mark.slow

#: The updates of weights after which the disk is full, and the bytes that a file may have from then on: less
#: than the weights, or less than the optimiser's state, which is twice as large.
FULL = {"weights": 8_000, "optimiser": 60_000}


@pytest.fixture(scope="module")
def done(server: Server, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of five steps of SFT with checkpoints 4 and 5, and its recipe beside it."""
    folder = tmp_path_factory.mktemp("done")
    recipe = write_recipe(folder / "r.yaml", recipe_of({"s": stage_of("sft", rows)}))
    ended = server.run("train", "sft", recipe, "--out", folder / "run")
    assert ended.status == 0, ended.printed
    return folder


@pytest.fixture
def again(done: Path, tmp_path: Path) -> Callable[[], tuple[Path, Path]]:
    """A copy of the run, as it was before its last stage ended, and its recipe."""

    def copied() -> tuple[Path, Path]:
        run = tmp_path / "run"
        shutil.copytree(done / "run", run)
        shutil.rmtree(run / "s" / "final")
        (run / "s" / "stage.json").unlink()
        return run, done / "r.yaml"

    return copied


def test_a_run_that_is_there_is_not_begun_anew(server: Server, done: Path) -> None:
    ended = server.run("train", "sft", done / "r.yaml", "--out", done / "run")
    assert ended.status == 3
    assert "holds a run already; add --resume to go on with it, or name another --out" in ended.printed


def test_a_folder_of_something_else_is_left_alone(server: Server, done: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for more in ((), ("--resume",)):
        ended = server.run("train", "sft", done / "r.yaml", "--out", tmp_path, *more)
        assert ended.status == 3
        assert f"{tmp_path} is not empty and holds no run; name another --out" in ended.printed
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_another_recipe_does_not_go_on_with_it(server: Server, done: Path) -> None:
    ended = server.run(
        "train", "sft", done / "r.yaml", "learning_rate=0.01", "--out", done / "run", "--resume"
    )
    assert ended.status == 3
    assert (
        "the run was made with stages.s.learning_rate = 0.001, and the recipe now says 0.01" in ended.printed
    )


def test_a_run_that_is_done_is_not_done_again(server: Server, done: Path) -> None:
    before = weights_hash(done / "run" / "s" / "final")
    ended = server.run("train", "sft", done / "r.yaml", "--out", done / "run", "--resume")
    assert (ended.status, ended.printed.strip()) == (0, str(done / "run" / "s" / "final"))
    assert weights_hash(done / "run" / "s" / "final") == before


def test_changed_versions_are_told_and_the_run_goes_on(server: Server, again: Any) -> None:
    run, recipe = again()
    manifest = json.loads((run / "manifest.json").read_text())
    now = manifest["versions"]["trl"]
    manifest["versions"]["trl"] = "1.13.0"
    (run / "manifest.json").write_text(json.dumps(manifest))
    ended = server.run("train", "sft", recipe, "--out", run, "--resume")
    assert ended.status == 0, ended.printed
    assert f"versions have changed since the run began (trl 1.13.0 → {now}): it goes on" in ended.printed


@pytest.mark.parametrize("torn", ["cut", "gone"])
def test_a_checkpoint_that_is_not_whole_is_set_aside_and_the_older_one_used(
    torn: str, server: Server, done: Path, again: Any
) -> None:
    run, recipe = again()
    assert [path.name for path in all_of(run / "s")] == ["checkpoint-4", "checkpoint-5"]
    path = run / "s" / "checkpoint-5" / "optimizer.pt"
    if torn == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    else:
        path.unlink()
    ended = server.run("train", "sft", recipe, "--out", run, "--resume")
    assert ended.status == 0, ended.printed
    assert "checkpoint-5 is not whole (optimizer.pt " in ended.printed
    assert "it is broken-checkpoint-5-1 now" in ended.printed
    assert json.loads((run / "s" / "stage.json").read_text())["resumed_from"] == "checkpoint-4"
    assert weights_hash(run / "s" / "final") == weights_hash(done / "run" / "s" / "final")


@pytest.mark.parametrize("algorithm", ["sft", "grpo", "ppo"])
def test_killed_after_the_last_step_a_run_only_leaves_its_weights(
    algorithm: str, server: Server, rows: Path, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"s": stage_of(algorithm, rows)}))
    event = {"at": "rote.train.stage_run:_leave", "call": 1, "do": "kill"}
    jobs = [
        server.start("train", algorithm, recipe, "--out", tmp_path / name, event=how)
        for name, how in (("whole", None), ("killed", event))
    ]
    assert [job.wait().status for job in jobs] == [0, -9]
    ended = server.run("train", algorithm, recipe, "--out", tmp_path / "killed", "--resume")
    assert ended.status == 0, ended.printed
    hashes = {weights_hash(tmp_path / name / "s" / "final") for name in ("whole", "killed")}
    assert len(hashes) == 1
    assert None not in hashes


@pytest.mark.parametrize(
    ("algorithm", "updates", "full"),
    [("sft", 1, "weights"), ("sft", 1, "optimiser"), ("grpo", 1, "weights"), ("ppo", 4, "optimiser")],
)
def test_a_disk_that_fills_is_told_of_and_the_last_good_checkpoint_stays(
    algorithm: str, updates: int, full: str, server: Server, rows: Path, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"s": stage_of(algorithm, rows)}))
    event = {
        "at": "torch.optim:AdamW.step",
        "call": 3 * updates + 1,
        "do": "limit",
        "bytes": FULL[full],
    }
    jobs = [
        server.start("train", algorithm, recipe, "--out", tmp_path / name, event=how)
        for name, how in (("whole", None), ("full", event))
    ]
    whole, ended = (job.wait() for job in jobs)
    assert whole.status == 0, whole.printed
    assert ended.status == 3, ended.printed
    assert "Traceback" not in ended.printed
    assert "checkpoint-4" in ended.printed
    assert "written (" in ended.printed
    stage = tmp_path / "full" / "s"
    assert [path.name for path in all_of(stage)] == ["checkpoint-2"]
    assert fault(stage / "checkpoint-2") is None
    resumed = server.run("train", algorithm, recipe, "--out", tmp_path / "full", "--resume")
    assert resumed.status == 0, resumed.printed
    assert weights_hash(stage / "final") == weights_hash(tmp_path / "whole" / "s" / "final")
