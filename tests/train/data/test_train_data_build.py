"""Recipes' data as rows: every source, order, hash, and what is left out."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from train_data_files import TEST, TRAIN, build, write_gsm8k, write_lines, write_template

from rote.errors import DataError, SourceUnavailableError
from rote.train.data import build_rows, hash_rows
from rote.train.data.build import is_right
from rote.train.data.published import published
from rote.train.recipe.data import DataSpec, SourceSpec


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ROTE_GSM8K", raising=False)


@pytest.fixture
def gsm8k(tmp_path: Path) -> Path:
    return write_gsm8k(tmp_path / "gsm8k")


def test_published_items(gsm8k: Path) -> None:
    built = build({"source": "gsm8k", "path": str(gsm8k)})
    assert {(row.id, row.question, row.solution) for row in built.rows} == {
        (f"gsm8k/train/{i}/original", item["question"], item["answer"]) for i, item in enumerate(TRAIN)
    }
    assert built.counts == {"gsm8k/train": 3}
    assert {row.answer for row in built.rows} == {"290", "432", "29"}
    one_file = build({"source": "gsm8k", "path": str(gsm8k / "train.jsonl")})
    assert one_file.content_hash == built.content_hash


def test_socratic_items_are_other_rows(gsm8k: Path) -> None:
    both = build(*({"source": "gsm8k", "path": str(gsm8k), "split": s} for s in ("train", "train_socratic")))
    assert both.counts == {"gsm8k/train": 3, "gsm8k/train_socratic": 2}


def test_the_environment_names_the_folder(gsm8k: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTE_GSM8K", str(gsm8k))
    assert len(build({"source": "gsm8k"}).rows) == 3


def test_the_hub_is_asked_where_no_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    asked = []

    def load_dataset(*place: str, split: str) -> list[dict[str, str]]:
        asked.append((*place, split))
        return TEST

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert [problem.question for problem in published("test_socratic")] == [t["question"] for t in TEST]
    assert asked == [("openai/gsm8k", "socratic", "test")]

    def unreachable(*_: str, split: str) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(SourceUnavailableError, match=r"from the hub \(ConnectionError: no route\)"):
        build({"source": "gsm8k", "split": "train_socratic"})


def test_draws_of_templates_made_of_items(gsm8k: Path) -> None:
    built = build(
        {
            "source": "symbolized",
            "path": str(gsm8k),
            "variants": ["original", "symbolic"],
            "draws": 3,
            "seed": 5,
        }
    )
    ids = {row.id for row in built.rows}
    assert {f"gsm8k/train/0/symbolic/5/{i}" for i in range(3)} | {"gsm8k/train/0/original"} <= ids
    assert len({row.question for row in built.rows}) == len(built.rows)
    assert all(is_right(row) for row in built.rows)


def test_draws_of_a_folder_of_templates(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "own")
    built = build(
        {"source": "bank", "path": str(folder), "variants": ["original", "symbolic", "p1"], "draws": 4}
    )
    assert {row.variant for row in built.rows} == {"original", "symbolic"}
    assert built.counts == {"bank/own": 5}
    assert built.left_out == {"bank/own: no p1 of a template": 1}
    assert {row.template_id for row in built.rows} == {"own/seed_trays"}


def test_systems_are_of_the_training_split() -> None:
    built = build({"source": "linear", "n": 12})
    assert len(built.rows) == 12
    assert all(row.is_system and row.id.startswith("linear/train/") for row in built.rows)
    assert all(is_right(row) for row in built.rows)


def test_a_seed_chooses_so_many_rows(gsm8k: Path) -> None:
    chosen = {
        tuple(row.id for row in build({"source": "gsm8k", "path": str(gsm8k), "n": 1, "seed": seed}).rows)
        for seed in range(12)
    }
    assert len(chosen) == 3
    assert all(len(ids) == 1 for ids in chosen)


def test_siblings_stand_in_blocks_and_mixed_rows_do_not(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "own")
    write_template(folder, id="root_trays")
    write_template(folder, id="leaf_trays")
    source = {"source": "bank", "path": str(folder), "variants": ["symbolic"], "draws": 6}
    together = [row.template_id for row in build(source, order="siblings", siblings=3).rows]
    assert len(together) == 18
    for start in range(0, 18, 3):
        assert len(set(together[start : start + 3])) == 1
    # Blocks of one template are apart: no stretch of the run is of one template alone.
    assert any(a != b for a, b in pairwise(together[:9]))
    mixed = build(source)
    names = [row.template_id for row in mixed.rows]
    assert sum(a != b for a, b in pairwise(names)) > 5
    assert sorted(names) == sorted(together)
    other = build(source, shuffle_seed=1)
    assert (
        set(other.rows) == set(mixed.rows)
        if False
        else {r.id for r in other.rows} == {r.id for r in mixed.rows}
    )
    assert other.rows != mixed.rows
    assert other.content_hash != mixed.content_hash


def test_so_many_rows_in_all() -> None:
    built = build({"source": "linear", "n": 12}, n=5)
    assert len(built.rows) == 5
    assert built.left_out == {"beyond data.n": 7}
    assert built.rows == build({"source": "linear", "n": 12}).rows[:5]
    assert built.certificate.rows == 5


def test_a_row_of_two_sources_is_there_once(gsm8k: Path) -> None:
    source = {"source": "gsm8k", "path": str(gsm8k)}
    built = build(source, source)
    assert built.counts == {"gsm8k/train": 3}
    assert built.left_out == {"another source has the same row": 3}


def test_two_rows_of_one_id_are_an_error(tmp_path: Path) -> None:
    first = write_template(tmp_path / "a" / "own")
    second = write_template(
        tmp_path / "b" / "own", question=["{{ who }} has {{ trays }} x {{ seeds }} seeds."]
    )
    with pytest.raises(
        DataError, match="two sources give different rows of the id 'own/seed_trays/original'"
    ):
        build(*({"source": "bank", "path": str(p), "variants": ["original"]} for p in (first, second)))


def test_nothing_left_says_what_filtered_it(tmp_path: Path) -> None:
    file = write_lines(
        tmp_path / "t.jsonl",
        [{"question": "Why?", "solution": "None.", "thinking_trajectories": ["x"], "attempt": "y"}] * 2,
    )
    with pytest.raises(
        DataError, match="empty data after filtering; left out were 2: trace: its solution gives"
    ):
        build({"source": "traces", "path": str(file)})


def test_bad_places(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere \[path\]: no such folder of template files"):
        build({"source": "bank", "path": str(tmp_path / "nowhere")})
    with pytest.raises(SourceUnavailableError, match=r"cannot read .*train\.jsonl"):
        build({"source": "gsm8k", "path": str(tmp_path)})
    for source in ("gsm8k", "symbolized"):
        with pytest.raises(SourceUnavailableError) as raised:
            build({"source": source, "split": "train_socratic", "path": str(tmp_path)})
        assert str(raised.value) == (
            f"GSM8K: cannot read {tmp_path / 'train_socratic.jsonl'} (No such file or directory); put "
            "train_socratic.jsonl into a folder and name the folder with ROTE_GSM8K=/path in the "
            "environment, or the folder or the file with data.sources.<n>.path in the recipe"
        )
    with pytest.raises(DataError, match=r"unknown split 'dev' of GSM8K; known: train, test"):
        published("dev", str(tmp_path))
    bad = write_lines(tmp_path / "bad" / "train.jsonl", [TRAIN[0], {"question": "Why?", "answer": "7"}])
    with pytest.raises(DataError, match=r"train\.jsonl:2 \[answer\]: expected one '#### <number>'"):
        build({"source": "gsm8k", "path": str(bad.parent)})


def test_the_same_bytes_whatever_the_hash_seed(gsm8k: Path) -> None:
    spec = DataSpec.model_validate(
        {
            "sources": [
                {"source": "gsm8k", "path": str(gsm8k)},
                {"source": "symbolized", "path": str(gsm8k), "draws": 2},
                {"source": "linear", "n": 4},
            ],
            "decontaminate": {"against": ["gsm8k/test"], "path": str(gsm8k)},
        }
    )
    code = (
        "import sys\nfrom rote.train.data import build_rows\nfrom rote.train.recipe.data import DataSpec\n"
        "built = build_rows(DataSpec.model_validate_json(sys.argv[1]), 'siblings')\n"
        "print(built.content_hash, dict(built.counts), dict(built.left_out), built.certificate.to_json())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code, spec.model_dump_json()],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
    built = build_rows(spec, "siblings")
    assert told.pop().startswith(built.content_hash)
    assert hash_rows(built.rows) == built.content_hash


def test_the_hash_is_the_same_on_every_platform(tmp_path: Path) -> None:
    """Fixed figures: rows, their order and their hash depend on nothing but the recipe and the file."""
    file = tmp_path / "sums.jsonl"
    lines = [f'{{"question": "{n} figs and 4 – how many?", "answer": "#### {n + 4}"}}' for n in range(6)]
    file.write_bytes("\n".join(lines).encode("utf-8"))
    built = build({"source": "jsonl", "path": str(file)})
    assert [row.answer for row in built.rows] == ["5", "7", "8", "6", "9", "4"]
    assert built.content_hash == "bacdccd43c429aec93b9ac8d8b69bbea6b158bf035ca2d361d9bb4c15d4db08d"


def test_a_source_is_described_as_the_recipe_gives_it() -> None:
    with pytest.raises(ValueError, match="split"):
        SourceSpec.model_validate({"source": "gsm8k", "split": "dev"})
