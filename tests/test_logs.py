"""Logs of lm-eval read once: lines of samples with their quirks, their fields, and which files are a run."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest

from rote.errors import LogError
from rote.logs import rows
from rote.logs.files import find_logs, find_runs, read_results, samples_beside
from rote.logs.rows import Fault, TaskHash
from rote.logs.words import as_found, one_line, showable

TIME = "2026-03-05T10-11-12.345678"
OTHER = "2026-03-05T10-11-13"


def written(folder: Path, raw: bytes) -> Path:
    path = folder / f"samples_figs_{TIME}.jsonl"
    path.write_bytes(raw)
    return path


class TestLines:
    def test_numbers_and_offsets_find_the_line_again(self, tmp_path: Path) -> None:
        raw = b'{"a": 1}\n\n  \r\n{"a": "\xc3\xa9"}\r\n{"a": 3}'
        found = list(rows.read_lines(written(tmp_path, raw)))
        assert [number for number, _, _ in found] == [1, 4, 5]
        assert all(raw[offset : offset + len(line)] == line for _, offset, line in found)
        assert [rows.read_record(line)[0]["a"] for _, _, line in found] == [1, "é", 3]

    @pytest.mark.parametrize("raw", [b"", b"\n \n\r\n"])
    def test_a_file_without_samples(self, tmp_path: Path, raw: bytes) -> None:
        assert list(rows.read_lines(written(tmp_path, raw))) == []

    @pytest.mark.parametrize(("size", "read"), [(499, True), (500, False)])
    def test_a_line_without_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, read: bool
    ) -> None:
        monkeypatch.setattr(rows, "MOST_BYTES", 500)
        path = written(tmp_path, b"{}\n" + b"x" * size + b"\n{}\n")
        if read:
            assert [number for number, _, _ in rows.read_lines(path)] == [1, 2, 3]
            return
        with pytest.raises(LogError, match="longer than 500 bytes") as caught:
            list(rows.read_lines(path))
        assert (caught.value.path, caught.value.line) == (str(path), 2)


class TestRecords:
    @pytest.mark.parametrize(
        ("raw", "told"),
        [
            (b'{"doc": {"a": 1\n', r"is not valid JSON \(JSONDecodeError\)"),
            (b'{"doc": {"a": 1', "the file is cut off in the middle of this line"),
            (b"[" * 200_000 + b"\n", "RecursionError"),
            (b"[1]\n", "no sample of lm-eval"),
            (b"null\n", "no sample of lm-eval"),
            (b'{"n": ' + b"9" * 5000 + b"}\n", "ValueError"),
        ],
    )
    def test_what_is_no_sample(self, raw: bytes, told: str) -> None:
        with pytest.raises(Fault, match=told) as caught:
            rows.read_record(raw)
        assert caught.value.field == ""

    def test_a_byte_order_mark(self) -> None:
        assert rows.read_record(b'\xef\xbb\xbf{"a": 1}\n') == ({"a": 1}, True)

    def test_numbers_that_json_has_not(self) -> None:
        record, _ = rows.read_record(b'{"a": NaN, "b": -Infinity}\n')
        assert math.isnan(record["a"])
        assert record["b"] == -math.inf

    def test_bytes_that_are_no_utf8_are_kept_and_told(self) -> None:
        record, clean = rows.read_record(b'{"a": "figs \xff\xc3"}\n')
        assert not clean
        assert record["a"].encode("utf-8", "surrogateescape") == b"figs \xff\xc3"

    def test_lone_surrogates_in_escapes_are_clean(self) -> None:
        assert rows.read_record(b'{"a": "\\udcff\\ud83d"}\n') == ({"a": "\udcff\ud83d"}, True)

    def test_a_fault_becomes_an_error_that_names_the_line(self) -> None:
        error = Fault("resps", "is missing").at("figs.jsonl", 3)
        assert (error.path, error.line, error.field) == ("figs.jsonl", 3, "resps")
        assert str(error) == "figs.jsonl:3 [resps]: is missing"
        assert str(Fault("", "is no line").at("figs.jsonl", 3)) == "figs.jsonl:3: is no line"


class TestFields:
    @pytest.mark.parametrize(
        ("resps", "texts"),
        [
            ([["one"]], ["one"]),
            (["one"], ["one"]),
            ([["one", "two", "three"]], ["one", "two", "three"]),
            ([[None]], [""]),
            ([None], [""]),
            ([["one", None]], ["one", ""]),
            ([[""]], [""]),
        ],
    )
    def test_responses(self, resps: Any, texts: list[str]) -> None:
        record = {"resps": resps}
        before = json.dumps(record)
        found = rows.responses_of(record)
        found[0] += "!"
        assert found == [texts[0] + "!", *texts[1:]]
        assert json.dumps(record) == before

    @pytest.mark.parametrize(
        "resps",
        [[], [[]], None, "one", 3, [[3]], [["one", 3]], {"0": "one"}, [["-1.5", "True"], ["-2", "False"]]],
    )
    def test_what_is_no_response(self, resps: Any) -> None:
        with pytest.raises(Fault, match=r"\[resps\]: is .*must be a list of lists of text"):
            rows.responses_of({"resps": resps})

    def test_missing_fields(self) -> None:
        with pytest.raises(Fault, match=r"\[resps\]: is missing"):
            rows.responses_of({})
        with pytest.raises(Fault, match=r"\[doc\]: is missing"):
            rows.doc_of({})
        with pytest.raises(Fault, match=r"\[doc\]: is \[1\]; it must be a table"):
            rows.doc_of({"doc": [1]})
        assert rows.filter_of({}) is None

    def test_filter(self) -> None:
        assert rows.filter_of({"filter": "strict-match"}) == "strict-match"
        assert rows.filter_of({"filter": None}) is None
        with pytest.raises(Fault, match=r"\[filter\]: is 3"):
            rows.filter_of({"filter": 3})


def test_hash_of_a_task_is_the_one_of_its_lines_joined() -> None:
    lines = [{name: f"{name}{i}" for name in rows.HASHES} for i in range(3)]
    whole = TaskHash()
    assert whole.hexdigest() is None
    for line in lines:
        whole.add(rows.hashes_of(line))
    joined = "".join(line[name] for line in lines for name in rows.HASHES)
    assert whole.hexdigest() == hashlib.sha256(joined.encode()).hexdigest()
    whole.add(rows.hashes_of({"doc_hash": "a", "prompt_hash": None, "target_hash": "b"}))
    assert whole.hexdigest() is None


class TestWords:
    def test_nothing_acts_and_every_place_is_kept(self) -> None:
        assert showable("a\x1b[31m\u202e\ud800\tb\n") == "a\N{REPLACEMENT CHARACTER}[31m" + (
            "\N{REPLACEMENT CHARACTER}" * 2 + "\tb\n"
        )

    @pytest.mark.parametrize("limit", [5, 6, 60])
    def test_one_line(self, limit: int) -> None:
        assert len(one_line("figs " * 100_000, limit)) == limit
        assert one_line(" a\n b ", limit) == "a b"

    def test_values_of_any_depth(self) -> None:
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        assert as_found(deep) == "a list nested too deeply"
        assert as_found("figs") == "'figs'"
        while deep:  # freed level by level
            deep = deep.pop()


class TestFiles:
    def run(self, folder: Path, time: str = TIME, tasks: tuple[str, ...] = ("figs",)) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"results_{time}.json"
        path.write_text('{"results": {}}', encoding="utf-8")
        for task in tasks:
            (folder / f"samples_{task}_{time}.jsonl").write_text("{}\n", encoding="utf-8")
        return path

    def test_runs_are_joined_by_folder_and_time(self, tmp_path: Path) -> None:
        first = self.run(tmp_path / "a", tasks=("figs", "figs_of_2026"))
        second = self.run(tmp_path / "a", OTHER)
        third = self.run(tmp_path / "b")
        found = {run.results: [task for _, task in run.samples] for run in find_runs([tmp_path])}
        assert found == {first: ["figs", "figs_of_2026"], second: ["figs"], third: ["figs"]}
        (alone,) = find_runs([tmp_path / "a" / f"samples_figs_{OTHER}.jsonl"])
        assert alone.results == second

    def test_samples_without_results_and_results_twice(self, tmp_path: Path) -> None:
        path = self.run(tmp_path)
        self.run(tmp_path, OTHER).unlink()
        with pytest.raises(LogError, match="no results file of the same timestamp"):
            find_runs([tmp_path])
        (tmp_path / f"samples_figs_{OTHER}.jsonl").unlink()
        (tmp_path / f"mine_{TIME}.json").write_bytes(path.read_bytes())
        with pytest.raises(LogError, match="may belong to either"):
            find_runs([tmp_path])

    def test_samples_beside_results(self, tmp_path: Path) -> None:
        path = self.run(tmp_path, tasks=("figs_of_2026",))
        assert samples_beside(path, "figs_of_2026").is_file()
        assert not samples_beside(path, "figs").exists()
        with pytest.raises(LogError, match="is no results file"):
            samples_beside(tmp_path / "results.json", "figs")

    def test_other_files_are_none_of_it(self, tmp_path: Path) -> None:
        self.run(tmp_path)
        (tmp_path / f"notes_{TIME}.json").write_text("{}", encoding="utf-8")
        (tmp_path / "notes.jsonl").write_text("figs", encoding="utf-8")
        results, samples = find_logs([tmp_path, tmp_path])
        assert (len(results), len(samples)) == (1, 1)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "is empty"),
            ('{"results": {}', "cut off"),
            ("[]", "no table `results`"),
            ('{"results": 3}', "no table `results`"),
            ('{"results": {}, "configs": {"figs": 3}}', r"configs\.figs.*is of type int, not a table"),
        ],
    )
    def test_what_is_no_results_file(self, tmp_path: Path, text: str, told: str) -> None:
        path = tmp_path / f"results_{TIME}.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(LogError, match=told):
            read_results(path)

    def test_tables_that_a_results_file_lacks_are_empty(self, tmp_path: Path) -> None:
        found = read_results(self.run(tmp_path))
        assert found["configs"] == found["task_hashes"] == {}
