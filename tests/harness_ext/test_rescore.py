"""Logged responses scored anew: every layout of lm-eval's logs, whole or not at all, nothing lost."""

from __future__ import annotations

import hashlib
import json
import math
import time
from pathlib import Path
from typing import Any

import pytest

from rote.cli import main
from rote.errors import LogError, UsageError
from rote.harness_ext.rescore import Log, rescore
from rote.harness_ext.rescore_tables import aggregate
from rote.harness_ext.run import evaluate
from rote.logs.files import find_runs, read_results
from rote.metrics import mean_present
from rote.reports import read_logs

TIME = "2026-03-05T10-11-12.345678"
VERSIONS = ("0.4.5", "0.4.7", "0.4.9", "0.4.13")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def rote_doc(number: int) -> dict[str, Any]:
    gold = 3 * (number + 2)
    return {
        "id": f"bank/figs_{number}/noop/0/0",
        "source": "bank",
        "template_id": f"bank/figs_{number}",
        "original_id": f"bank/figs_{number}/original",
        "variant": "noop",
        "seed": 0,
        "index": 0,
        "question": f"Ada fills 3 bowls with {number + 2} figs each. A clock shows 7. How many figs is that?",
        "solution": f"3 * {number + 2} = <<3*{number + 2}={gold}>>{gold}\n#### {gold}",
        "answer": str(gold),
        "traps": [{"value": str(gold + 7), "how": "answer + 7"}],
        "noop": [],
        "covariates": {},
    }


def stock_doc(number: int) -> dict[str, Any]:
    gold = 1000 * (number + 2)
    text = f"Each crate holds 1,000 nails. How many nails do {number + 2} crates hold?"
    return {"question": text, "answer": f"It is {number + 2} * 1000 = {gold}.\n#### {gold:,}"}


def linear_doc(number: int) -> dict[str, Any]:
    return {
        **rote_doc(number),
        "answer": str(number),
        "answers": {"x": str(number), "y": "-1/2"},
        "traps": [],
    }


def record(
    doc_id: int, doc: dict[str, Any], response: Any, version: str, filter: str = "none"
) -> dict[str, Any]:
    """A line as the version writes it, with a score that is not the one rote gives."""
    line = {
        "doc_id": doc_id,
        "doc": doc,
        "target": doc["answer"],
        "arguments": {"gen_args_0": {"arg_0": doc["question"], "arg_1": {"until": ["\n\n"]}}},
        "resps": [response if isinstance(response, list) else [response]],
        "filtered_resps": [response if isinstance(response, str) else response[0]],
    }
    if version not in ("0.4.5", "0.4.6"):
        line |= {"filter": filter, "metrics": ["exact_match"]}
    line |= {name: sha(f"{name}{doc_id}") for name in ("doc_hash", "prompt_hash", "target_hash")}
    return {**line, "exact_match": 0.0}


def write(folder: Path, tasks: dict[str, list[dict[str, Any]]], version: str = "0.4.13") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {
        "results": {t: {"alias": t, "exact_match,none": 0.0, "exact_match_stderr,none": 0.0} for t in tasks},
        "group_subtasks": {t: [] for t in tasks},
        "configs": {t: {"task": t, "num_fewshot": 8, "metadata": {"version": 1.0}} for t in tasks},
        "versions": dict.fromkeys(tasks, 1.0),
        "n-shot": dict.fromkeys(tasks, 8),
        "n-samples": {t: {"original": len(v), "effective": len(v)} for t, v in tasks.items()},
        "config": {"model": "hf", "model_args": "pretrained=a/b", "limit": None},
        "git_hash": "abc",
    }
    if version == "0.4.13":
        results["lm_eval_version"] = version
        for task, table in results["results"].items():
            table |= {"name": task, "sample_len": len(tasks[task])}
    results["task_hashes"] = {
        t: sha("".join(r["doc_hash"] + r["prompt_hash"] + r["target_hash"] for r in v))
        for t, v in tasks.items()
    }
    (folder / f"results_{TIME}.json").write_text(json.dumps(results), encoding="utf-8")
    for task, lines in tasks.items():
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / f"samples_{task}_{TIME}.jsonl").write_text(text, encoding="utf-8")
    return folder


def logs_of(*folders: Path) -> list[Log]:
    return [
        Log(run.results, read_results(run.results), tuple((task, path) for path, task in run.samples))
        for run in find_runs(folders)
    ]


def lines_of(folder: Path, task: str) -> list[dict[str, Any]]:
    (path,) = folder.rglob(f"samples_{task}_*.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def results_of(folder: Path) -> dict[str, Any]:
    (path,) = folder.rglob("results_*.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def right(doc: dict[str, Any]) -> str:
    return doc["answer"] if "####" in doc["answer"] else f"So.\n#### {doc['answer']}"


@pytest.mark.parametrize("version", VERSIONS)
class TestVersions:
    def test_scores_replace_the_logged_ones(self, tmp_path: Path, version: str) -> None:
        docs = [rote_doc(n) for n in range(4)]
        said = [right(docs[0]), right(docs[1]), f"#### {int(docs[2]['answer']) + 7}", "No idea about figs."]
        lines = [record(i, d, r, version) for i, (d, r) in enumerate(zip(docs, said, strict=True))]
        folder = write(tmp_path / "in" / "m", {"bank_noop": lines}, version)
        before = {p.name: p.read_bytes() for p in folder.iterdir()}
        done = rescore(logs_of(folder), tmp_path / "out")
        assert done.documents == 4
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
        assert {p.name for p in (tmp_path / "out").iterdir()} == set(before)
        found = lines_of(tmp_path / "out", "bank_noop")
        assert [line["exact_match"] for line in found] == [1, 1, 0, 0]
        assert [line["trapped"] for line in found] == [0, 0, 1, 0]
        assert [line["invalid"] for line in found] == [0, 0, 0, 1]
        assert found[0]["former"] == {"exact_match,none": 0.0}
        for old, new in zip(lines, found, strict=True):
            changed = {"exact_match", "metrics"}
            assert {k: v for k, v in old.items() if k not in changed} == {
                k: new[k] for k in old if k not in changed
            }
            assert ("filter" in new) == ("filter" in old)
        table = results_of(tmp_path / "out")
        assert table["results"]["bank_noop"]["exact_match,none"] == 0.5
        assert table["results"]["bank_noop"]["exact_match_stderr,none"] == pytest.approx(math.sqrt(1 / 12))
        assert table["higher_is_better"]["bank_noop"]["trapped"] is False
        assert table["rescored"]["former"]["bank_noop"]["exact_match,none"] == 0.0
        assert table["git_hash"] == "abc"
        assert table["task_hashes"] == results_of(folder)["task_hashes"]
        (series,) = read_logs(tmp_path / "out").series
        assert sum(s.correct for members in series.samples["noop"].values() for s in members) == 2

    def test_stock_gsm8k_with_two_filters(self, tmp_path: Path, version: str) -> None:
        docs = [stock_doc(n) for n in range(3)]
        lines = [
            record(i, doc, right(doc), version, name)
            for name in ("strict-match", "flexible-extract")
            for i, doc in enumerate(docs)
        ]
        folder = write(tmp_path / "in", {"gsm8k": lines}, version)
        done = rescore(logs_of(folder), tmp_path / "out")
        found = lines_of(tmp_path / "out", "gsm8k")
        assert [line["doc_id"] for line in found] == [0, 1, 2]
        assert [line["exact_match"] for line in found] == [1, 1, 1]
        assert [line["doc"] for line in found] == docs
        assert len(found[0]["former"]) == 2
        assert "6 lines" in "".join(done.remarks)
        if version != "0.4.5":
            assert found[0]["filter"] == "none"
            assert set(found[0]["former"]) == {"exact_match,strict-match", "exact_match,flexible-extract"}


def test_linear_equations(tmp_path: Path) -> None:
    docs = [linear_doc(n) for n in (3, 4)]
    lines = [record(i, doc, "y = -0.5\nx = 3", "0.4.13") for i, doc in enumerate(docs)]
    rescore(logs_of(write(tmp_path / "in", {"linear_equations": lines})), tmp_path / "out")
    found = lines_of(tmp_path / "out", "linear_equations")
    assert [(line["exact_match"], line["unknowns_right"]) for line in found] == [(1, 1.0), (0, 0.5)]


def test_repeats_are_all_scored(tmp_path: Path) -> None:
    doc = rote_doc(1)
    lines = [record(0, doc, [right(doc), "#### 1", right(doc), "Figs."], "0.4.13")]
    rescore(logs_of(write(tmp_path / "in", {"bank_noop": lines})), tmp_path / "out")
    (found,) = lines_of(tmp_path / "out", "bank_noop")
    assert (found["runs"], found["pass@1"], found["pass@4"], found["maj@4"]) == ([1, 0, 1, 0], 0.5, 1.0, 1.0)
    assert results_of(tmp_path / "out")["results"]["bank_noop"]["runs,none"] == [1, 0, 1, 0]


def test_single_response_without_inner_list(tmp_path: Path) -> None:
    doc = rote_doc(1)
    line = {**record(0, doc, right(doc), "0.4.5"), "resps": [right(doc)]}
    rescore(logs_of(write(tmp_path / "in", {"bank_noop": [line]}, "0.4.5")), tmp_path / "out")
    assert lines_of(tmp_path / "out", "bank_noop")[0]["exact_match"] == 1


@pytest.mark.parametrize("resps", [[[None]], [None]])
def test_a_backend_that_gave_nothing(tmp_path: Path, resps: Any) -> None:
    line = {**record(0, rote_doc(1), "", "0.4.13"), "resps": resps}
    rescore(logs_of(write(tmp_path / "in", {"bank_noop": [line]})), tmp_path / "out")
    (found,) = lines_of(tmp_path / "out", "bank_noop")
    assert (found["exact_match"], found["invalid"], found["filtered_resps"]) == (0, 1, [""])
    assert found["resps"] == resps


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    doc = rote_doc(1)
    folder = write(tmp_path / "in", {"bank_noop": [record(0, doc, right(doc), "0.4.13")]})
    path = folder / f"samples_bank_noop_{TIME}.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    done = rescore(logs_of(folder), tmp_path / "out")
    assert (done.documents, done.remarks) == (1, [])


@pytest.mark.parametrize("jobs", [1, 2])
def test_processes_and_second_pass_change_nothing(tmp_path: Path, jobs: int) -> None:
    docs = [rote_doc(n) for n in range(230)]
    folder = write(
        tmp_path / "in", {"bank_noop": [record(i, d, right(d), "0.4.13") for i, d in enumerate(docs)]}
    )
    told: list[int] = []
    rescore(logs_of(folder), tmp_path / "a", progress=lambda done, total: told.append(done))
    rescore(logs_of(folder), tmp_path / "b", jobs=jobs)
    rescore(logs_of(tmp_path / "a"), tmp_path / "c")
    assert told == [100, 200, 230]
    name = f"samples_bank_noop_{TIME}.jsonl"
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    first, second = lines_of(tmp_path / "a", "bank_noop"), lines_of(tmp_path / "c", "bank_noop")
    assert [{k: v for k, v in line.items() if k != "former"} for line in first] == [
        {k: v for k, v in line.items() if k != "former"} for line in second
    ]


class TestBadInput:
    @pytest.mark.parametrize(
        ("spoil", "told"),
        [
            (lambda line: line.pop("resps"), r"\[resps\]: is missing"),
            (lambda line: line.update(resps=[]), r"\[resps\]: is \[\]"),
            (lambda line: line.update(resps=[[["-1.5", "True"]], [["-2", "False"]]]), r"\[resps\]"),
            (lambda line: line.pop("doc"), r"\[doc\]: is missing"),
            (lambda line: line.pop("doc_id"), r"\[doc_id\]: is missing"),
            (lambda line: line["doc"].pop("question"), r"\[doc\.question\]: is missing"),
            (lambda line: line["doc"].pop("answer"), r"\[doc\.answer\]: is missing"),
            (lambda line: line["doc"].update(answer="many"), r"\[doc\.answer\]: is 'many'"),
            (lambda line: line["doc"].update(traps=[3]), r"\[doc\.traps\]"),
            (lambda line: line.update(doc_id=0), r"another response to document 0 than in line 1"),
            (lambda line: line.update(filter=3), r"\[filter\]: is 3"),
            (lambda line: line.update(resps=[["#### 1", "#### 2"]]), r"holds 2 responses, other lines 1"),
        ],
    )
    def test_fault_names_file_line_and_field(self, tmp_path: Path, spoil: Any, told: str) -> None:
        lines = [record(i, rote_doc(i), right(rote_doc(i)), "0.4.13") for i in range(3)]
        folder = write(tmp_path / "in", {"bank_noop": lines})
        spoil(lines[1])
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"samples_bank_noop_{TIME}.jsonl").write_text(text, encoding="utf-8")
        with pytest.raises(LogError, match=rf"(?s)samples_bank_noop_{TIME}\.jsonl:2: .*line 2 .*{told}"):
            rescore(logs_of(folder), tmp_path / "out")
        assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]

    def test_all_faults_are_told_at_once(self, tmp_path: Path) -> None:
        lines = [record(i, rote_doc(i), right(rote_doc(i)), "0.4.13") for i in range(60)]
        folder = write(tmp_path / "in", {"bank_noop": lines})
        for line in lines[10:50]:
            del line["resps"]
        path = folder / f"samples_bank_noop_{TIME}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"doc_id": 3', encoding="utf-8")
        with pytest.raises(LogError, match=r"(?s)41 of 61 lines.*line 11 .*line 30 .*and 21 more"):
            rescore(logs_of(folder), tmp_path / "out")

    def test_line_that_is_no_utf8_is_kept_and_named(self, tmp_path: Path) -> None:
        doc = rote_doc(0)
        folder = write(tmp_path / "in", {"bank_noop": [record(0, doc, f"figs@@ {right(doc)}", "0.4.13")]})
        path = folder / f"samples_bank_noop_{TIME}.jsonl"
        path.write_bytes(path.read_bytes().replace(b"@@", b"\xff\xc3"))
        done = rescore(logs_of(folder), tmp_path / "out")
        (found,) = lines_of(tmp_path / "out", "bank_noop")
        assert found["exact_match"] == 1
        assert found["resps"][0][0].encode("utf-8", "surrogateescape").startswith(b"figs\xff\xc3 ")
        assert any("not UTF-8" in remark and remark.endswith(": 1") for remark in done.remarks)
        assert results_of(tmp_path / "out")["rescored"]["lines"]["bank_noop"]["not_utf8"] == [1]

    def test_lone_surrogates_survive(self, tmp_path: Path) -> None:
        doc = rote_doc(0)
        folder = write(tmp_path / "in", {"bank_noop": [record(0, doc, "@@" + right(doc), "0.4.13")]})
        path = folder / f"samples_bank_noop_{TIME}.jsonl"
        path.write_bytes(path.read_bytes().replace(b"@@", b"\\udcff\\ud83d"))
        rescore(logs_of(folder), tmp_path / "out")
        assert lines_of(tmp_path / "out", "bank_noop")[0]["resps"][0][0].startswith("\udcff\ud83d")

    @pytest.mark.parametrize("unit", ["<think>", "1 + 1 = 2\n", "a", "the answer is ", "#### \n", "\\boxed{"])
    def test_megabytes_are_named_and_cost_little(self, tmp_path: Path, unit: str) -> None:
        doc = rote_doc(0)
        long = unit * (2_000_000 // len(unit)) + right(doc)
        folder = write(tmp_path / "in", {"bank_noop": [record(0, doc, long, "0.4.13")]})
        start = time.perf_counter()
        done = rescore(logs_of(folder), tmp_path / "out")
        assert time.perf_counter() - start < 20
        assert any("longer than 1,000,000 characters: 1" in remark for remark in done.remarks)
        assert lines_of(tmp_path / "out", "bank_noop")[0]["resps"] == [[long]]

    def test_lost_lines_are_noticed(self, tmp_path: Path) -> None:
        lines = [record(i, rote_doc(i), "#### 1", "0.4.13") for i in range(3)]
        folder = write(tmp_path / "in", {"bank_noop": lines})
        path = folder / f"samples_bank_noop_{TIME}.jsonl"
        path.write_text("".join(path.read_text(encoding="utf-8").splitlines(True)[:2]), encoding="utf-8")
        with pytest.raises(LogError, match="do not add up to the hash"):
            rescore(logs_of(folder), tmp_path / "out")

    def test_folder_in_use_is_left_alone(self, tmp_path: Path) -> None:
        folder = write(tmp_path / "in", {"bank_noop": [record(0, rote_doc(0), "#### 1", "0.4.13")]})
        with pytest.raises(UsageError, match="is in use"):
            rescore(logs_of(folder), folder)

    def test_unknown_format_and_task(self, tmp_path: Path) -> None:
        logs = logs_of(write(tmp_path / "in", {"bank_noop": [record(0, rote_doc(0), "#### 1", "0.4.13")]}))
        with pytest.raises(UsageError, match="unknown prompt format 'hsh'"):
            rescore(logs, tmp_path / "out", format="hsh")
        with pytest.raises(UsageError, match=r"no task here is named 'gsm\*'"):
            rescore(logs, tmp_path / "out", tasks=["gsm*"])


def test_what_a_model_told_is_kept(tmp_path: Path) -> None:
    doc = rote_doc(0)
    told = {"tokens": 31, "truncated": 1, "metrics": ["exact_match", "tokens", "truncated"]}
    lines = [{**record(0, doc, "She fills 3 bowls.", "0.4.13"), **told}]
    rescore(logs_of(write(tmp_path / "in", {"bank_noop": lines})), tmp_path / "out")
    (found,) = lines_of(tmp_path / "out", "bank_noop")
    assert (found["tokens"], found["truncated"], found["resps"]) == (31, 1, [["She fills 3 bowls."]])


def test_a_run_of_today_comes_out_as_it_went_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tasks = "bank_original_zeroshot,bank_noop_tags,linear_equations_zeroshot"
    words = ["--model", "rote-planted", "--model_args", "behaviour=noisy,accuracy=0.5", "--tasks", tasks]
    evaluate([*words, "--limit", "12", "-o", "in"])
    rescore(logs_of(tmp_path / "in"), tmp_path / "out")
    before, after = results_of(tmp_path / "in"), results_of(tmp_path / "out")
    assert after["rescored"]["formats"]["bank_noop_tags"] == "tags"
    for task in tasks.split(","):
        assert after["results"][task] == pytest.approx(before["results"][task], nan_ok=True), task
        assert after["higher_is_better"][task] == before["higher_is_better"][task]
        for old, new in zip(lines_of(tmp_path / "in", task), lines_of(tmp_path / "out", task), strict=True):
            assert new.pop("former")
            assert new == old


def test_chosen_tasks_alone_are_written(tmp_path: Path) -> None:
    doc = rote_doc(0)
    tasks = {name: [record(0, doc, right(doc), "0.4.13")] for name in ("bank_noop", "bank_names")}
    done = rescore(logs_of(write(tmp_path / "in", tasks)), tmp_path / "out", tasks=["*_noop"])
    assert set(results_of(tmp_path / "out")["results"]) == {"bank_noop"}
    assert "bank_names" in results_of(tmp_path / "out")["rescored"]["former"]
    assert any("bank_names" in remark for remark in done.remarks)


def test_aggregate_leaves_out_what_is_absent() -> None:
    table = aggregate({"a": [1, None, 0], "error_class": [None, "verbose", None], "b": [None, None, None]})
    assert table["a,none"] == mean_present([1, 0]) == 0.5
    assert table["a_stderr,none"] == 0.5
    assert not any(key.startswith("error_class") for key in table)
    assert math.isnan(table["b,none"])


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doc = rote_doc(0)
    folder = write(tmp_path / "in", {"bank_noop": [record(0, doc, right(doc), "0.4.9")]}, "0.4.9")
    assert main(["score", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert "bank_noop exact_match: 0.0000 -> 1.0000" in capsys.readouterr().out
    assert main(["score", str(folder), "--out", str(tmp_path / "out")]) == 3
    assert "is in use" in capsys.readouterr().err
