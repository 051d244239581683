"""Files of training and evaluation data, all text our own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from rote.train.data import Built, Order, build_rows
from rote.train.recipe.data import DataSpec

#: Items in GSM8K's shape.
TRAIN = [
    {
        "question": "Marisol fills 14 crates with 25 plums each. She gives 60 plums to her aunt. "
        "How many plums does Marisol keep?",
        "answer": "The crates hold 14 * 25 = <<14*25=350>>350 plums.\n"
        "Marisol keeps 350 - 60 = <<350-60=290>>290 plums.\n#### 290",
    },
    {
        "question": "A ferry carries 36 cars on every trip. It makes 5 trips before noon and 7 trips after "
        "noon. How many cars does the ferry carry that day?",
        "answer": "The ferry makes 5 + 7 = <<5+7=12>>12 trips.\n"
        "It carries 12 * 36 = <<12*36=432>>432 cars.\n#### 432",
    },
    {
        "question": "Torvald bakes 48 rolls and sells 19 of them at the harbour. How many rolls are unsold?",
        "answer": "48 - 19 = <<48-19=29>>29 rolls are unsold.\n#### 29",
    },
]

#: Evaluation items: the first is the plums with other numbers and another name.
TEST = [
    {
        "question": "Anneliese fills 22 crates with 30 plums each. She gives 85 plums to her aunt. "
        "How many plums does Anneliese keep?",
        "answer": "The crates hold 22 * 30 = <<22*30=660>>660 plums.\n"
        "Anneliese keeps 660 - 85 = <<660-85=575>>575 plums.\n#### 575",
    },
    {
        "question": "A weaver needs 3 spools of thread for a scarf. "
        "How many spools are needed for 17 scarves?",
        "answer": "17 * 3 = <<17*3=51>>51 spools are needed.\n#### 51",
    },
]

TEMPLATE: dict[str, Any] = {
    "id": "seed_trays",
    "topic": "garden",
    "names": {"who": {"person": "any", "original": "Emeka"}},
    "numbers": {
        "trays": {"low": 12, "high": 40, "original": 20},
        "seeds": {"low": 10, "high": 30, "original": 14},
    },
    "constraints": ["trays > seeds"],
    "question": ["{{ who }} fills {{ trays|count('tray') }} with soil and puts {{ seeds }} seeds in a tray."],
    "ask": "A second garden gets as many. How many seeds does {{ who }} put into the soil in all?",
    "steps": [
        {"name": "total", "calc": "trays * seeds", "text": "The trays hold {{ eq }} seeds."},
        {"name": "both", "calc": "total * 2", "text": "In both gardens there are {{ eq }} seeds."},
    ],
    "answer": "both",
    "expect": 560,
}


def write_lines(file: Path, records: list[Any]) -> Path:
    """Records as lines of JSON; a text is written as it is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return file


def write_gsm8k(folder: Path) -> Path:
    """A folder in GSM8K's shape."""
    write_lines(folder / "train.jsonl", TRAIN)
    write_lines(folder / "train_socratic.jsonl", TRAIN[:2])
    write_lines(folder / "test.jsonl", TEST)
    return folder


def write_template(folder: Path, **changes: Any) -> Path:
    """A folder with one template file of rote's."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{changes.get('id', TEMPLATE['id'])}.yaml"
    file.write_text(yaml.safe_dump({**TEMPLATE, **changes}), encoding="utf-8")
    return folder


def build(*sources: dict[str, Any], order: Order = "mixed", **rest: Any) -> Built:
    """Rows of sources, by default without decontamination."""
    return build_rows(DataSpec.model_validate({"sources": sources, "decontaminate": None, **rest}), order)


def data_folder() -> Path | None:
    """GSM8K's own folder: named by the environment, or beside the repository."""
    named = os.environ.get("ROTE_GSM8K")
    folder = Path(named) if named else Path(__file__).parents[4] / "shared" / "gsm8k"
    return folder if (folder / "test.jsonl").is_file() else None


FOLDER = data_folder()
needs_data = pytest.mark.skipif(FOLDER is None, reason="needs GSM8K: name its folder with ROTE_GSM8K")
