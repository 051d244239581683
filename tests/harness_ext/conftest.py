"""Data in GSM8K's shape with text of our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


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
