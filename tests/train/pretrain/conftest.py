"""Folders of templates that several tests of pretraining draw from."""

from __future__ import annotations

from pathlib import Path

import pytest
from mixtures import BRICKS, PLUMS, SOME, folder_of


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("templates") / "own", PLUMS, BRICKS)


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("templates") / "some", bank=SOME)
