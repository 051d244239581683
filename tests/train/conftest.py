"""What tests of training share: a server of runs, rows, and a model that has been taught a little."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs import Server, write_rows


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
