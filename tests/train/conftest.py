"""What tests of training share: a server of runs, rows, and a model that has been taught a little."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs import AT_END, TAUGHT, TAUGHT_STEPS, Server, model_of, recipe_of, stage_of, write_recipe, write_rows


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Starts runs of ``rote`` in processes of their own."""
    if importlib.util.find_spec("trl") is None:
        pytest.skip("needs trl: pip install 'rote[train]'")
    started = Server(tmp_path_factory.mktemp("server"))
    yield started
    started.close()


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of eight sums with their solutions."""
    return write_rows(tmp_path_factory.mktemp("rows") / "sums.jsonl")


@pytest.fixture(scope="session")
def taught(server: Server, rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that teaches a model, by SFT on the eight sums."""
    folder = tmp_path_factory.mktemp("taught")
    stage = stage_of(
        "sft",
        rows,
        max_steps=TAUGHT_STEPS,
        batch_size=8,
        schedule="constant",
        checkpoints=AT_END,
        log_every=2,
    )
    recipe = write_recipe(folder / "r.yaml", recipe_of({"sft": stage}, model=model_of(**TAUGHT)))
    ended = server.run("train", "sft", recipe, "--out", folder / "run")
    assert ended.status == 0, ended.printed
    return folder / "run"
