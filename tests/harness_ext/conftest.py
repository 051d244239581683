"""Data in GSM8K's shape with text of our own, and where the real data is."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rote.perturb.gsm8k import overrides

#: 7 test problems (5 become templates, one of them with a single other draw) and 9 training problems.
SHAPED = Path(__file__).with_name("gsm8k_shaped")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is found out about GSM8K's items is kept nowhere outside the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def gsm8k_lines(count: int, start: int = 2) -> list[str]:
    """``count`` records: n baskets of 1,005 beans each."""
    return [
        json.dumps(
            {
                "question": f"Every basket holds 1,005 beans. How many beans do {n} baskets hold?",
                "answer": f"{n} * 1005 = <<{n}*1005={n * 1005}>>{n * 1005:,} beans.\n#### {n * 1005:,}",
            }
        )
        for n in range(start, start + count)
    ]


@pytest.fixture
def gsm8k_folder(tmp_path: Path) -> Path:
    """A folder with 12 training and 4 test problems, all different."""
    folder = tmp_path / "gsm8k"
    folder.mkdir()
    (folder / "train.jsonl").write_text("\n".join(gsm8k_lines(12, 20)) + "\n", encoding="utf-8")
    (folder / "test.jsonl").write_text("\n".join(gsm8k_lines(4)) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def uncurated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the curated facts, which are about the published problems and refuse any other text."""
    monkeypatch.setattr(overrides, "of", lambda template_id, question: None)


@pytest.fixture
def shaped_folder(tmp_path: Path, uncurated: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of :data:`SHAPED`, which nothing but a test's own metadata names."""
    monkeypatch.delenv("ROTE_GSM8K", raising=False)
    return Path(shutil.copytree(SHAPED, tmp_path / "shaped"))


@pytest.fixture
def real_gsm8k() -> Path:
    """The published data, where a developer has put it."""
    named = os.environ.get("ROTE_GSM8K")
    for folder in ([Path(named)] if named else []) + [Path(__file__).parents[3] / "shared" / "gsm8k"]:
        if (folder / "test.jsonl").is_file() and (folder / "train.jsonl").is_file():
            return folder
    pytest.skip("no GSM8K files: set ROTE_GSM8K to their folder")
