"""A results table and the samples beside it must agree; where they do not, both values are named."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from log_factory import VERSIONS, Run, behaviour

from rote.errors import LogError
from rote.reports import read_logs

SOME = behaviour({"original": 0.8, "numbers": 0.6})
KEY = "exact_match,none"


def made(folder: Path, **settings: Any) -> Run:
    return Run(folder, **settings).add("original", 12, SOME).add("numbers", 12, SOME, k=3)


def restate(run: Run, value: Any, key: str = KEY, task: str = "bank_numbers") -> None:
    """Change what the results file says of a task; None takes the metric away."""
    table = run.results["results"][task]
    table[key] = value
    if value is None:
        del table[key]
    run.results_path.write_text(json.dumps(run.results), encoding="utf-8")


def warned(folder: Path) -> str:
    return "\n".join(w for w in read_logs(folder).warnings if "compared" in w)


def contradiction(folder: Path) -> LogError:
    with pytest.raises(LogError, match="while the mean of its samples is") as caught:
        read_logs(folder)
    return caught.value


@pytest.mark.parametrize("version", VERSIONS)
def test_a_table_that_agrees_says_nothing(tmp_path: Path, version: str) -> None:
    made(tmp_path, version=version).write()
    assert warned(tmp_path) == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_contradiction_names_file_task_metric_and_both_values(tmp_path: Path, version: str) -> None:
    run = made(tmp_path, version=version)
    run.write()
    mean = run.results["results"]["bank_numbers"][KEY]
    restate(run, mean + 1 / 36)
    error = contradiction(tmp_path)
    assert error.path == str(run.results_path)
    assert error.field == f"results.bank_numbers.{KEY}"
    assert f"says {mean + 1 / 36:.6g} of 36 documents for task bank_numbers" in str(error)
    assert f"the mean of its samples is {mean:.6g} (36 documents in samples_bank_numbers_" in str(error)


def test_scores_edited_in_the_samples_are_noticed(tmp_path: Path) -> None:
    """lm-eval's hash of the lines does not cover scores."""
    run = made(tmp_path)
    run.write()
    path = run.samples_path("bank_numbers")
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    wrong = next(r for r in records if r["exact_match"] == 0)
    wrong |= {"exact_match": 1.0, "invalid": 0, "trapped": 0}
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    contradiction(tmp_path)


def test_samples_of_a_part_are_noticed_without_hashes(tmp_path: Path) -> None:
    run = made(tmp_path)
    run.write(hashes=False)
    path = run.samples_path("bank_numbers")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"exact_match": 1.0' in line), encoding="utf-8")
    assert "of 36 documents" in str(contradiction(tmp_path))


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_a_rounded_table_agrees(tmp_path: Path, digits: int) -> None:
    run = made(tmp_path)
    run.write()
    restate(run, round(run.results["results"]["bank_numbers"][KEY], digits))
    assert warned(tmp_path) == ""


@pytest.mark.parametrize("form", ["{}", "np.float64({})", "numpy.float64({})"])
def test_numbers_that_stand_as_text_are_read(tmp_path: Path, form: str) -> None:
    run = made(tmp_path)
    run.write()
    mean = run.results["results"]["bank_numbers"][KEY]
    restate(run, form.format(mean))
    assert warned(tmp_path) == ""
    restate(run, form.format(mean / 2))
    contradiction(tmp_path)


@pytest.mark.parametrize("value", ["N/A", float("nan"), None, True, [0.5], "1e999"])
def test_what_cannot_be_compared_is_said(tmp_path: Path, value: Any) -> None:
    run = made(tmp_path)
    run.write()
    restate(run, value)
    assert "bank_numbers" in warned(tmp_path)
    assert "could not be compared" in warned(tmp_path)


def test_a_task_that_the_table_lacks_is_said(tmp_path: Path) -> None:
    run = made(tmp_path)
    run.write()
    del run.results["results"]["bank_numbers"]
    run.results_path.write_text(json.dumps(run.results), encoding="utf-8")
    assert "holds no results of bank_numbers" in warned(tmp_path)


def test_each_filter_is_compared_with_its_own(tmp_path: Path) -> None:
    def strict(record: dict[str, Any]) -> None:
        if record.get("filter") == "strict":
            record |= {"exact_match": 0.0}

    run = Run(tmp_path)
    for variant in ("original", "numbers"):
        run.add(variant, 6, behaviour({"original": 1.0}), filters=("none", "strict"), change=strict)
    run.write()
    assert warned(tmp_path) == ""
    restate(run, 1.0, key="exact_match,strict")
    assert contradiction(tmp_path).field == "results.bank_numbers.exact_match,strict"


def test_an_old_log_of_one_filter_names_it_in_the_table_alone(tmp_path: Path) -> None:
    run = made(tmp_path, version="0.4.5")
    run.write()
    for task, table in run.results["results"].items():
        table["exact_match,strict-match"] = table.pop(KEY)
        run.results["configs"][task]["filter_list"] = [{"name": "strict-match"}]
    run.results_path.write_text(json.dumps(run.results), encoding="utf-8")
    assert warned(tmp_path) == ""
    restate(run, 0.01, key="exact_match,strict-match")
    contradiction(tmp_path)


def test_another_aggregation_is_not_compared(tmp_path: Path) -> None:
    run = made(tmp_path)
    run.write()
    run.results["configs"]["bank_numbers"]["metric_list"] = [
        {"metric": "exact_match", "aggregation": "median"}
    ]
    restate(run, 0.0123)
    assert warned(tmp_path) == ""


def test_order_and_doubled_lines_do_not_matter(tmp_path: Path) -> None:
    """Several ranks are concatenated; a log written twice over holds every line twice."""
    run = made(tmp_path)
    run.write(hashes=False)
    path = run.samples_path("bank_numbers")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    path.write_text("".join([*lines, *lines[:5]]), encoding="utf-8")
    assert warned(tmp_path) == ""


def test_limit_is_the_tables_too(tmp_path: Path) -> None:
    run = made(tmp_path)
    run.write()
    run.results["config"]["limit"] = 12.0
    run.results["n-samples"]["bank_numbers"]["original"] = 300
    run.results_path.write_text(json.dumps(run.results), encoding="utf-8")
    assert warned(tmp_path) == ""


def test_chosen_samples_are_a_warning(tmp_path: Path) -> None:
    run = made(tmp_path)
    run.write()
    run.results["n-samples"]["bank_numbers"]["effective"] = 300
    run.results_path.write_text(json.dumps(run.results), encoding="utf-8")
    assert any("36 documents, while its run evaluated 300 (all" in w for w in read_logs(tmp_path).warnings)
