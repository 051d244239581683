"""Files of a user's own: what becomes a row, what is left out and counted, what is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from train_data_files import build, write_lines

from rote.errors import DataError
from rote.train.data.records import read_records

SUM = {"question": "Ana has 3 figs and gets 4. How many has she?", "solution": "3 + 4 = 7\n#### 7"}


def rows_of(
    tmp_path: Path, *records: Any, source: str = "jsonl", name: str = "rows.jsonl", **more: Any
) -> Any:
    file = write_lines(tmp_path / name, list(records))
    return build({"source": source, "path": str(file), **more})


@pytest.mark.parametrize(
    "record",
    [
        SUM,
        {"question": SUM["question"], "answer": SUM["solution"]},
        {"question": SUM["question"], "solution": "3 + 4 = 7", "answer": 7},
        {"question": SUM["question"], "solution": "3 + 4 = 7", "answer": "7.0"},
    ],
)
def test_rows_with_a_solution(tmp_path: Path, record: dict[str, Any]) -> None:
    (row,) = rows_of(tmp_path, record).rows
    assert (row.source, row.variant, row.answer) == ("jsonl", "original", "7")
    assert row.solution == "3 + 4 = 7\n#### 7"
    assert row.id == row.template_id
    assert row.id.startswith("jsonl/rows-")
    assert row.id.endswith("/1")


def test_the_id_is_the_same_wherever_the_file_lies(tmp_path: Path) -> None:
    first = rows_of(tmp_path / "a", SUM)
    second = rows_of(tmp_path / "b", SUM)
    assert first.rows == second.rows
    assert first.content_hash == second.content_hash


def test_a_wrong_solution_is_left_out_and_counted(tmp_path: Path) -> None:
    wrong = {"question": "Ana has 5 figs?", "solution": "So it is 8.\n#### 8\nWait, no, the answer is 9."}
    with pytest.raises(DataError, match=r"expected a number such as 18, 2\.5 or 5/3 as the answer, got '8"):
        rows_of(tmp_path, wrong)
    thinking = {"question": "Ana has 5 figs?", "solution": "<think>It goes on\n#### 8"}
    built = rows_of(tmp_path, SUM, thinking)
    assert len(built.rows) == 1
    assert built.left_out == {"jsonl/rows.jsonl: its solution does not score full marks under the grader": 1}


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ("{oops", r"rows\.jsonl:2: not a JSON object"),
        ("[1, 2]", r"rows\.jsonl:2: expected an object, got list"),
        ({"solution": "#### 7"}, r"rows\.jsonl:2 \[question\]: expected a text .*, it has solution"),
        ({"question": " ", "solution": "#### 7"}, r"rows\.jsonl:2 \[question\]: expected a text .*, got ' '"),
        ({"question": "Why?", "text": "x"}, r"rows\.jsonl:2 \[solution\]: .* it has question, text"),
        ({"question": "Why?", "solution": "So 7."}, r"\[solution\]: expected a last line '#### <number>'"),
        ({"question": "Why?", "answer": "7"}, r"\[answer\]: expected a last line .*, got \.\.\.'7'"),
        ({"question": "Why?", "solution": "#### seven"}, r"\[solution\]: expected a number .*'seven'"),
        ({"question": "Why?", "solution": "7", "answer": None}, r"\[answer\]: expected a number .*'None'"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, record: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        rows_of(tmp_path, SUM, record)
    with pytest.raises(DataError, match=told):
        rows_of(tmp_path, SUM, record, n=1)


def test_a_place_without_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.jsonl: no such file or folder"):
        read_records(str(tmp_path / "nowhere.jsonl"))
    with pytest.raises(DataError, match=r"holds no \*\.jsonl or \*\.parquet file"):
        read_records(str(tmp_path))
    (tmp_path / "rows.csv").write_text("a,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"rows\.csv: is no \*\.jsonl or \*\.parquet file"):
        read_records(str(tmp_path / "rows.csv"))
    with pytest.raises(DataError, match=r"empty\.jsonl: holds no rows"):
        read_records(str(write_lines(tmp_path / "empty.jsonl", ["", " "])))
    (tmp_path / "latin.jsonl").write_bytes(b'{"question": "\xe9"}\n')
    with pytest.raises(DataError, match=r"latin\.jsonl: not UTF-8 text"):
        read_records(str(tmp_path / "latin.jsonl"))


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    write_lines(tmp_path / "d" / "b.jsonl", [SUM])
    write_lines(tmp_path / "d" / "a.jsonl", ["", {**SUM, "question": "Ana has 3 figs and finds 4?"}])
    records = read_records(str(tmp_path / "d"))
    assert [(record.path.name, record.line) for record in records] == [("a.jsonl", 2), ("b.jsonl", 1)]
    assert len(build({"source": "jsonl", "path": str(tmp_path / "d")}).rows) == 2


def trace(**fields: Any) -> dict[str, Any]:
    return {
        "question": "How many pairs can be made of 6 people?",
        "solution": "15",
        "cot_type": "math",
        "thinking_trajectories": ["Each of 6 pairs with 5.", "Half of 30 is 15."],
        "attempt": "There are $6 \\cdot 5 / 2$ pairs.\n\n\\boxed{15}",
        **fields,
    }


def without(record: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in fields}


def test_a_trace_in_the_shape_of_s1k(tmp_path: Path) -> None:
    built = rows_of(tmp_path, trace(), source="traces")
    (row,) = built.rows
    assert row.thinking == "Each of 6 pairs with 5.\n\nHalf of 30 is 15."
    assert row.solution.endswith("\\boxed{15}\n#### 15")
    assert (row.answer, row.source) == ("15", "traces")
    assert built.counts == {"traces/rows.jsonl": 1}


def test_the_teacher_who_is_right_is_taken(tmp_path: Path) -> None:
    newer = without(
        trace(
            deepseek_thinking_trajectory="Perhaps 30.",
            deepseek_attempt="\\boxed{30}",
            gemini_thinking_trajectory="Half of 30.",
            gemini_attempt="The answer is 15.",
        ),
        "thinking_trajectories",
        "attempt",
    )
    (row,) = rows_of(tmp_path, newer, source="traces").rows
    assert row.thinking == "Half of 30."
    assert row.solution == "The answer is 15.\n#### 15"


def test_traces_that_are_left_out(tmp_path: Path) -> None:
    built = rows_of(
        tmp_path,
        trace(),
        trace(solution="The set of all primes."),
        trace(solution="C"),
        trace(solution="At 3:30."),
        trace(attempt="\\boxed{16}"),
        trace(attempt=None),
        trace(attempt="We get 5 more, that is 15"),
        trace(thinking_trajectories=[]),
        trace(thinking_trajectories=None),
        trace(thinking_trajectories=["a </think> b"]),
        source="traces",
    )
    assert len(built.rows) == 1
    assert built.left_out == {
        "trace: its solution gives no one number as the answer": 3,
        "trace: no attempt of the teacher's comes to the answer": 3,
        "trace: it has no thinking": 2,
        "trace: its thinking holds a <think> or </think> tag": 1,
    }


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (
            without(trace(), "thinking_trajectories"),
            r":1 \[thinking_trajectories\]: expected one of thinking_t",
        ),
        (
            without(trace(), "attempt"),
            r":1 \[attempt\]: is missing beside thinking_trajectories; it has att|cot",
        ),
        (without(trace(), "solution"), r":1 \[solution\]: expected a text"),
        (
            trace(thinking_trajectories=[3]),
            r":1 \[thinking_trajectories\]: expected a text or a list of texts",
        ),
    ],
)
def test_a_file_that_holds_no_traces(tmp_path: Path, record: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        rows_of(tmp_path, record, source="traces")


def test_parquet(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    file = tmp_path / "traces.parquet"
    datasets.Dataset.from_list([trace(), trace(solution="D")]).to_parquet(str(file))
    built = build({"source": "traces", "path": str(file)})
    assert [row.answer for row in built.rows] == ["15"]
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"no parquet at all")
    with pytest.raises(DataError, match=r"bad\.parquet: is not a parquet file"):
        read_records(str(bad))
