"""Reading GSM8K: the fields, the errors, where it comes from."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import datasets
import pytest

from rote.errors import DataError, SourceUnavailableError
from rote.harness_ext.gsm8k import read_split
from rote.perturb.gsm8k.records import to_problem
from rote.rational import format_number


def test_fields_of_a_problem(gsm8k_folder: Path) -> None:
    problems = read_split("test", gsm8k_folder)
    assert len(problems) == 4
    second = problems[1]
    assert second.id == second.original_id == "gsm8k/test/1/original"
    assert second.template_id == "gsm8k/test/1"
    assert (second.source, second.variant, second.seed, second.index) == ("gsm8k", "original", 0, 0)
    assert second.answer == Fraction(3015)
    assert second.solution.endswith("#### 3,015")
    assert second.covariates == {
        "largest_number": 1005,
        "answer_digits": 4,
        "operations": 1,
        "characters": len(second.question),
    }
    assert second.traps == ()
    assert second.noop == ()


def test_only_the_first_lines_are_read(gsm8k_folder: Path) -> None:
    path = gsm8k_folder / "train.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + "broken\n", encoding="utf-8")
    assert [p.template_id for p in read_split("train", gsm8k_folder, first=2)] == [
        "gsm8k/train/0",
        "gsm8k/train/1",
    ]
    with pytest.raises(DataError, match=r"train\.jsonl:13: not a JSON object"):
        read_split("train", gsm8k_folder)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([1], r"f\.jsonl:3: expected an object, got list"),
        ({"answer": "#### 1"}, r"f\.jsonl:3 \[question\]: expected a text that is not empty, got None"),
        ({"question": " ", "answer": "#### 1"}, r"\[question\]"),
        ({"question": "q", "answer": 4}, r"\[answer\]: expected a text that is not empty, got 4"),
        ({"question": "q", "answer": "so 4"}, r"\[answer\]: expected one '#### <number>' at the end"),
        ({"question": "q", "answer": "#### four"}, r"\[answer\]"),
        ({"question": "q", "answer": "#### 4\n#### 5"}, r"\[answer\]"),
    ],
)
def test_malformed_records_name_file_line_and_field(record: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        to_problem(record, "test", 2, "f.jsonl", 3)


@pytest.mark.parametrize(
    ("answer", "value"),
    [("#### 1,080", 1080), ("#### -3", -3), ("#### 2.50", Fraction(5, 2)), ("x\n####7", 7)],
)
def test_answers_are_exact(answer: str, value: Fraction) -> None:
    assert to_problem({"question": "q", "answer": answer}, "test", 0, "f", 1).answer == value


def test_covariates_only_where_the_text_gives_them() -> None:
    bare = to_problem({"question": "How many?", "answer": "#### 4"}, "test", 0, "f", 1)
    assert bare.covariates == {"answer_digits": 1, "characters": 9}
    signed = {"question": "0.5 or 2.25?", "answer": "<<-3+4*2=5>>5 <<10/2-1=4>>4\n#### 5"}
    assert to_problem(signed, "test", 0, "f", 1).covariates == {
        "largest_number": 2.25,
        "answer_digits": 1,
        "operations": 4,
        "characters": 12,
    }


def test_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_bytes(b'{"question": "\xff"}\n')
    with pytest.raises(DataError, match=r"test\.jsonl: not UTF-8"):
        read_split("test", tmp_path)


def test_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError, match=r"nowhere/test\.jsonl .*ROTE_GSM8K=/path or --metadata"):
        read_split("test", tmp_path / "nowhere")


def test_environment_names_the_folder_and_metadata_wins(
    gsm8k_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROTE_GSM8K", str(gsm8k_folder))
    assert len(read_split("test")) == 4
    with pytest.raises(SourceUnavailableError, match="elsewhere"):
        read_split("test", tmp_path / "elsewhere")


def test_hub_is_asked_without_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROTE_GSM8K", raising=False)
    asked: list[tuple[Any, ...]] = []

    def load_dataset(*args: str, split: str) -> list[dict[str, str]]:
        asked.append((*args, split))
        return [{"question": "How many legs have 2 hens?", "answer": "2*2=<<2*2=4>>4\n#### 4"}]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    # Uncached, whatever ran before.
    assert [p.answer for p in read_split("train", first=987)] == [4]
    assert asked == [("openai/gsm8k", "main", "train[:987]")]


def test_unreachable_hub_says_how_to_use_local_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROTE_GSM8K", raising=False)

    def load_dataset(*args: str, split: str) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(
        SourceUnavailableError,
        match=r"openai/gsm8k .*ConnectionError: no route to host.*train\.jsonl and test\.jsonl.*ROTE_GSM8K=",
    ):
        read_split("train", first=986)


def test_the_real_data_reads_whole(real_gsm8k: Path) -> None:
    for split, count in (("train", 7473), ("test", 1319)):
        problems = read_split(split, real_gsm8k)
        assert len(problems) == count
        lines = (real_gsm8k / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        for problem, line in zip(problems, lines, strict=True):
            record = json.loads(line)
            assert problem.question == record["question"]
            assert problem.solution == record["answer"]
            last = record["answer"].splitlines()[-1]
            assert last.replace(",", "") == f"#### {format_number(problem.answer)}"
