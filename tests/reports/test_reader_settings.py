"""Which samples make one series: formats, kinds of examples, prompts, filters, repeats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from log_factory import Run, behaviour, document

from rote.errors import LogError
from rote.reports import build_report, read_logs
from rote.reports.lines import filter_names
from rote.reports.settings import examples_of, seeds_of
from rote.reports.texts import read_texts

RIGHT = behaviour({"original": 1.0})
WRONG = behaviour({"original": 0.0})
TAGS_SOURCE = "def process_results_tags(doc, results):\n    return score(doc, results[0], 'tags')\n"

Change = Callable[[dict[str, Any]], None]


def paired(folder: Path, **settings: Any) -> Run:
    return Run(folder, **settings).add("original", 4, RIGHT).add("noop", 4, RIGHT, k=2)


def rewrite(run: Run, change: Change) -> None:
    """Write a run and change its results file afterwards."""
    run.write()
    change(run.results)
    run.results_path.write_text(json.dumps(run.results), encoding="utf-8")


def configure(**entries: Any) -> Change:
    def change(results: dict[str, Any]) -> None:
        for config in results["configs"].values():
            config.update(entries)

    return change


def refused(path: Path) -> LogError:
    with pytest.raises(LogError) as caught:
        read_logs(path)
    return caught.value


# --- formats and examples --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "task", "kind"),
    [
        (
            {"dataset_kwargs": {"rote_variant": "noop", "rote_shots": "same_template"}},
            "mine",
            "same_template",
        ),
        ({"dataset_kwargs": {"rote_variant": "noop"}}, "bank_same_shots", "fixed"),
        ({}, "bank_noop_same_shots", "same_template"),
        ({"dataset_kwargs": {"path": "x"}}, "bank_noop_noop_shots", "noop"),
        ({"dataset_kwargs": [1]}, "bank_noop", "fixed"),
        ({"dataset_kwargs": {"rote_shots": 3}}, "bank_noop", "fixed"),
    ],
)
def test_kind_of_examples_of_a_task(config: dict[str, Any], task: str, kind: str) -> None:
    assert examples_of(config, task) == kind


def test_formats_of_one_run_are_series_of_their_own(tmp_path: Path) -> None:
    paired(tmp_path / "a").write()
    tags = paired(tmp_path / "b", time="2026-03-06T00-00-00")
    rewrite(tags, configure(process_results=TAGS_SOURCE, doc_to_text="in tags"))
    series = read_logs(tmp_path).series
    assert [(s.format, s.setting) for s in series] == [("hash", "8-shot"), ("tags", "8-shot, format tags")]
    labels = [s.label for s in build_report(read_logs(tmp_path)).series]
    assert labels == ["org/model-a · 8-shot", "org/model-a · 8-shot, format tags"]


def test_examples_of_each_document_are_counted(tmp_path: Path) -> None:
    paired(tmp_path / "a", shots=0).write()

    def own(record: dict[str, Any]) -> None:
        record["doc"]["shots"] = [{"question": "?", "solution": "#### 1"}] * 8

    run = Run(tmp_path / "b", shots=0, time="2026-03-06T00-00-00")
    run.add("original", 4, RIGHT, change=own).add("noop", 4, WRONG, change=own)
    rewrite(run, configure(dataset_kwargs={"rote_variant": "noop", "rote_shots": "same_template"}))
    series = read_logs(tmp_path).series
    assert [s.setting for s in series] == ["zero-shot", "8-shot, examples of the same template"]
    assert [s.shots for s in series] == [0, 8]


def test_examples_with_clauses_are_a_series_of_their_own(tmp_path: Path) -> None:
    paired(tmp_path / "a").write()
    run = Run(tmp_path / "b", time="2026-03-06T00-00-00").add("original", 4, WRONG).add("noop", 4, WRONG)
    rewrite(run, configure(dataset_kwargs={"rote_variant": "noop", "rote_shots": "noop"}))
    assert [s.setting for s in read_logs(tmp_path).series] == [
        "8-shot",
        "8-shot, examples with inert clauses",
    ]


def test_runs_under_several_prompts_are_told_apart(tmp_path: Path) -> None:
    paired(tmp_path / "a").write()
    paired(tmp_path / "b", system_instruction="You are terse.", time="2026-03-06T00-00-00").write()
    long = "Think about " + "every word " * 20
    rewrite(paired(tmp_path / "c", time="2026-03-07T00-00-00"), configure(description=long))
    settings = [s.setting for s in read_logs(tmp_path).series]
    assert len(settings) == len(set(settings)) == 3
    assert all("system_instruction" in s and "description" in s for s in settings)
    assert sum("You are terse." in s for s in settings) == 1
    assert max(map(len, settings)) < 160


def test_a_run_that_lacks_what_another_prompt_has_is_refused(tmp_path: Path) -> None:
    paired(tmp_path / "a").write()
    lacking = Run(tmp_path / "b", system_instruction="Be brief.", time="2026-03-06T00-00-00")
    lacking.add("noop", 4, RIGHT, k=2).write()
    error = str(refused(tmp_path))
    assert "another prompt" in error
    assert "system_instruction" in error


def test_another_prompt_hash_alone_is_a_warning(tmp_path: Path) -> None:
    paired(tmp_path / "a").write()

    def dated(record: dict[str, Any]) -> None:
        record["prompt_hash"] = "0" * 64

    run = Run(tmp_path / "b", time="2026-03-06T00-00-00").add("original", 4, RIGHT, change=dated)
    run.write()
    (warning,) = read_logs(tmp_path).warnings
    assert "4 asked with another prompt" in warning


def test_telemetry_in_a_config_is_no_other_model(tmp_path: Path) -> None:
    paired(tmp_path / "a").write()
    run = Run(tmp_path / "b", time="2026-03-06T00-00-00").add("names", 4, RIGHT)
    run.model_args += ",telemetry=/elsewhere/times.jsonl"
    rewrite(run, lambda results: results["config"].update(telemetry={"tokens": 812, "seconds": 3.5}))
    (series,) = read_logs(tmp_path).series
    assert set(series.samples) == {"original", "noop", "names"}


def sampled(run: Run, seed: int) -> None:
    def change(results: dict[str, Any]) -> None:
        configure(generation_kwargs={"do_sample": True, "temperature": 0.7})(results)
        results["config"].update(random_seed=seed, numpy_seed=seed, torch_seed=seed)

    rewrite(run, change)


def test_sampled_runs_are_told_apart_by_their_seeds(tmp_path: Path) -> None:
    sampled(paired(tmp_path / "a"), 1)
    other = Run(tmp_path / "b", time="2026-03-06T00-00-00").add("original", 4, WRONG).add("noop", 4, WRONG)
    sampled(other, 2)
    assert [s.setting for s in read_logs(tmp_path).series] == ["8-shot, seeds 1", "8-shot, seeds 2"]


def test_a_sampled_run_in_two_goes_is_one_series(tmp_path: Path) -> None:
    sampled(Run(tmp_path / "a").add("original", 4, RIGHT).add("names", 4, RIGHT), 1)
    sampled(Run(tmp_path / "b", time="2026-03-06T00-00-00").add("noop", 4, RIGHT), 2)
    (series,) = read_logs(tmp_path).series
    assert set(series.samples) == {"original", "names", "noop"}
    assert series.setting == "8-shot"
    assert len(series.results_files) == 2


def test_goes_of_a_sampled_run_that_contradict_each_other(tmp_path: Path) -> None:
    sampled(paired(tmp_path / "a"), 1)
    sampled(Run(tmp_path / "b", time="2026-03-06T00-00-00").add("original", 4, WRONG), 2)
    assert "scored differently" in str(refused(tmp_path))


def test_seeds_of_greedy_runs_do_not_count(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        run = paired(tmp_path / name, time=f"2026-03-06T00-00-0{seed}")
        rewrite(run, lambda results, seed=seed: results["config"].update(random_seed=seed))  # type: ignore[misc]
    assert len(read_logs(tmp_path).series) == 1


@pytest.mark.parametrize(
    ("decoding", "seeds"),
    [
        ("temperature=0.7", "3"),
        ("temperature=0.7,do_sample=False", None),
        ({"do_sample": True}, "3"),
        ({"temperature": "warm"}, "3"),
        (None, None),
        ({"temperature": 0.0}, None),
    ],
)
def test_when_decoding_samples(decoding: Any, seeds: str | None) -> None:
    config = {"gen_kwargs": decoding, "random_seed": 3, "torch_seed": 3}
    assert seeds_of({"config": config, "configs": {}}, "bank_noop") == seeds
    assert seeds_of({"config": {**config, "torch_seed": 4}, "configs": {}}, "x") == (seeds and "3, 4")


# --- filters, repeats, ranks -----------------------------------------------------------------------


def two_filters(run: Run, *, logged: bool) -> None:
    for task, records in list(run.samples.items()):
        strict = [{**r, "exact_match": 0.0} for r in records]
        for record in strict:
            if logged:
                record["filter"] = "strict"
        run.samples[task] = records + strict


FILTER_LIST = [{"name": "flexible", "filter": []}, {"name": "strict", "filter": []}]


def test_filters_that_old_versions_do_not_name(tmp_path: Path) -> None:
    run = paired(tmp_path, version="0.4.5")
    two_filters(run, logged=False)
    rewrite(run, configure(filter_list=FILTER_LIST))
    runs = read_logs(tmp_path)
    assert [s.filter for s in runs.series] == ["flexible", "strict"]
    for s, right in zip(runs.series, (True, False), strict=True):
        assert {x.correct for ts in s.samples.values() for xs in ts.values() for x in xs} == {right}
        assert sum(len(xs) for xs in s.samples["noop"].values()) == 8
    assert any("in the order of the task's filters, flexible, strict" in w for w in runs.warnings)


def test_filters_that_old_versions_do_not_name_over_two_ranks(tmp_path: Path) -> None:
    run = paired(tmp_path, version="0.4.5")
    halves = [{t: rs[i::2] for t, rs in run.samples.items()} for i in range(2)]
    run.samples = {}
    for half in halves:
        part = Run(tmp_path, version="0.4.5", samples=half)
        two_filters(part, logged=False)
        for task, records in part.samples.items():
            run.samples[task] = run.samples.get(task, []) + records
    rewrite(run, configure(filter_list=FILTER_LIST))
    assert {s.filter: len(s.samples["noop"]) for s in read_logs(tmp_path).series} == {
        "flexible": 4,
        "strict": 4,
    }


def test_a_third_line_of_two_filters_is_another_run(tmp_path: Path) -> None:
    run = paired(tmp_path, version="0.4.5")
    two_filters(run, logged=False)
    run.samples["bank_noop"] += run.samples["bank_noop"][:1]
    rewrite(run, configure(filter_list=FILTER_LIST))
    error = refused(tmp_path)
    assert (error.path, error.line) == (str(run.samples_path("bank_noop")), 17)
    assert "has 2 filters (flexible, strict): two runs are mixed up" in str(error)


def test_two_filters_are_never_averaged(tmp_path: Path) -> None:
    run = paired(tmp_path)
    two_filters(run, logged=True)
    run.write()
    rates = {s.filter: s.original for s in build_report(read_logs(tmp_path)).series}
    assert {name: rate.estimate for name, rate in rates.items() if rate is not None} == {
        "none": 1.0,
        "strict": 0.0,
    }


@pytest.mark.parametrize("listed", [None, 3, [3], [{"name": None}], [{"filter": []}], {"name": "a"}])
def test_odd_lists_of_filters_name_none(listed: Any) -> None:
    assert filter_names({"filter_list": listed}) == ()


def test_lines_of_several_ranks_are_sorted(tmp_path: Path) -> None:
    run = paired(tmp_path / "one")
    run.write()
    ranks = paired(tmp_path / "two")
    for task, records in ranks.samples.items():
        ranks.samples[task] = records[1::2] + records[0::2]
    ranks.write()
    one, two = (read_logs(tmp_path / name).series[0] for name in ("one", "two"))
    flat = [[x.id for ts in s.samples.values() for xs in ts.values() for x in xs] for s in (one, two)]
    assert flat[0] == flat[1]


def test_runs_of_repeats_are_kept(tmp_path: Path) -> None:
    def repeat(record: dict[str, Any]) -> None:
        record["resps"] = [[record["resps"][0][0], "no idea", "#### 1"]]
        record["filtered_resps"] = record["resps"]
        record["runs"] = record["runs_sd"] = [1, 0, 0]

    run = Run(tmp_path).add("original", 4, RIGHT, change=repeat).add("names", 4, RIGHT)
    run.write()
    (series,) = read_logs(tmp_path).series
    assert series.samples["original"]["bank/apples_0000"][0].runs == (True, False, False)
    assert series.samples["names"]["bank/apples_0000"][0].runs == ()


@pytest.mark.parametrize("runs", [[1, 0, 0], [1, 2], "1,0", [None, 1], 1])
def test_runs_that_are_no_list_of_the_responses(tmp_path: Path, runs: Any) -> None:
    def spoil(record: dict[str, Any]) -> None:
        record["resps"] = [["#### 1", "#### 2"]]
        record["runs"] = runs

    Run(tmp_path).add("original", 4, RIGHT, change=spoil).write()
    error = refused(tmp_path)
    assert (error.line, error.field) == (1, "runs")


def test_further_metrics_and_the_class_of_a_mistake(tmp_path: Path) -> None:
    def measure(record: dict[str, Any]) -> None:
        record |= {"agreement": 0.5, "looping": 0, "grounded": None, "step_consistency": float("nan")}
        record |= {"error_distractor": 1, "error_no_answer": 0}

    run = Run(tmp_path).add("original", 4, WRONG, change=measure).add("names", 4, WRONG)
    run.add("numbers", 4, RIGHT, change=measure).write()
    (series,) = read_logs(tmp_path).series
    sample, plain, right = (
        series.samples[v]["bank/apples_0000"][0] for v in ("original", "names", "numbers")
    )
    assert (sample.metrics, sample.error) == ({"agreement": 0.5, "looping": 0.0}, "distractor")
    assert (plain.metrics, plain.error) == ({}, None)
    assert right.error is None  # whatever the log says: a right answer is no mistake


@pytest.mark.parametrize("resps", [[[None]], [None], [[""]]])
def test_a_backend_that_gave_nothing(tmp_path: Path, resps: Any) -> None:
    def nothing(record: dict[str, Any]) -> None:
        record["resps"] = resps
        record["invalid"] = 1

    Run(tmp_path).add("original", 4, WRONG, change=nothing).write()
    sample = read_logs(tmp_path).series[0].samples["original"]["bank/apples_0000"][0]
    assert (sample.correct, sample.invalid, sample.response_characters) == (False, True, 0)
    assert read_texts(sample).response == ("",)


@pytest.mark.parametrize("value", ["np.float64(1.0)", "numpy.int64(1)", "np.True_", "np.bool_(True)"])
def test_numpy_values_as_text(tmp_path: Path, value: str) -> None:
    def as_text(record: dict[str, Any]) -> None:
        record["exact_match"] = value

    Run(tmp_path).add("original", 4, WRONG, change=as_text).write()
    assert read_logs(tmp_path).series[0].samples["original"]["bank/apples_0000"][0].correct


# --- files -----------------------------------------------------------------------------------------


def test_an_appended_file_is_named_with_its_lines(tmp_path: Path) -> None:
    run = paired(tmp_path)
    run.write()
    path = run.samples_path("bank_noop")
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    error = refused(tmp_path)
    assert (error.path, error.line) == (str(path), 9)
    assert "line 1 stands again in line 9: an appended file?" in str(error)


def test_two_results_of_one_timestamp(tmp_path: Path) -> None:
    run = paired(tmp_path)
    run.write()
    other = tmp_path / f"other_{run.time}.json"
    other.write_text(run.results_path.read_text(encoding="utf-8"), encoding="utf-8")
    assert "may belong to either" in str(refused(tmp_path))


def test_empty_results_file(tmp_path: Path) -> None:
    run = paired(tmp_path)
    run.write()
    run.results_path.write_text(" \n", encoding="utf-8")
    error = refused(tmp_path)
    assert error.path == str(run.results_path)
    assert "is empty" in str(error)


@pytest.mark.parametrize(
    ("table", "value", "field"),
    [
        ("configs", [], "configs"),
        ("config", "x", "config"),
        ("configs", {"bank_noop": 3}, "configs.bank_noop"),
        ("n-samples", {"bank_noop": [8]}, "n-samples.bank_noop"),
        ("task_hashes", 7, "task_hashes"),
    ],
)
def test_tables_of_results_that_are_none(tmp_path: Path, table: str, value: Any, field: str) -> None:
    run = paired(tmp_path)
    rewrite(run, lambda results: results.update({table: value}))
    error = refused(tmp_path)
    assert (error.path, error.field) == (str(run.results_path), field)


def test_tables_of_results_that_are_null(tmp_path: Path) -> None:
    run = paired(tmp_path, shots=0)
    tables = ("configs", "config", "n-shot", "n-samples", "task_hashes")
    rewrite(run, lambda results: results.update(dict.fromkeys(tables)))
    assert [s.setting for s in read_logs(tmp_path).series] == ["zero-shot"]


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = paired(tmp_path)
    run.write()
    monkeypatch.setattr("rote.logs.rows.MOST_BYTES", 500)
    error = refused(tmp_path)
    assert error.line == 1
    assert "is longer than 500 bytes" in str(error)


def test_a_line_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    run = paired(tmp_path)
    run.write()
    path = run.samples_path("bank_noop")
    first, second, rest = path.read_bytes().split(b"\n", 2)
    path.write_bytes(b"\n".join([first, second.replace(b"Oriol", b"Ori\xffl"), rest]))
    error = refused(tmp_path)
    assert (error.path, error.line) == (str(path), 2)
    assert "is not UTF-8 (`rote score` writes logs that keep its bytes in escapes)" in str(error)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    run = paired(tmp_path)
    run.write()
    path = run.samples_path("bank_noop")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    (series,) = read_logs(tmp_path).series
    sample = series.samples["noop"]["bank/apples_0000"][0]
    assert "apples" in read_texts(sample).question


def test_several_requests_are_no_response(tmp_path: Path) -> None:
    run = paired(tmp_path)
    run.samples["bank_noop"][0]["resps"] = [["-1.5", "True"], ["-2.5", "False"]]
    run.write(hashes=False)
    error = refused(tmp_path)
    assert (error.line, error.field) == (1, "resps")


def test_outputs_of_ten_megabytes(tmp_path: Path) -> None:
    def lengthen(record: dict[str, Any]) -> None:
        record["resps"] = [["so " * 3_500_000 + "\n#### 7"]]

    run = Run(tmp_path).add("original", 1, RIGHT).add("noop", 1, WRONG, change=lengthen)
    run.write()
    (series,) = read_logs(tmp_path).series
    (sample,) = series.samples["noop"]["bank/apples_0000"]
    assert sample.response_characters == 10_500_007
    (report,) = build_report(read_logs(tmp_path), unpaired=True).series
    (example,) = report.examples
    assert len("".join(example.changed.response)) == 8000


# --- systems of equations --------------------------------------------------------------------------


def test_systems_show_every_unknown(tmp_path: Path) -> None:
    def system(record: dict[str, Any]) -> None:
        record["doc"] |= {"answers": {"x": "3", "y": "1/3"}, "answer": "3"}
        record["resps"] = [["x + y = 10/3, so\nx = 3, y = 1/3"]]

    Run(tmp_path).add("original", 2, RIGHT, change=system).write()
    (series,) = read_logs(tmp_path).series
    texts = read_texts(series.samples["original"]["bank/apples_0000"][0])
    assert (texts.gold, texts.value, texts.reason) == ("x = 3, y = 1/3", "x = 3, y = 1/3", None)


def test_systems_without_an_answer(tmp_path: Path) -> None:
    def system(record: dict[str, Any]) -> None:
        record["doc"]["answers"] = {"x": "3"}
        record["resps"] = [["I would rather not."]]

    Run(tmp_path).add("original", 2, WRONG, change=system).write()
    (series,) = read_logs(tmp_path).series
    texts = read_texts(series.samples["original"]["bank/apples_0000"][0])
    assert texts.value is None
    assert texts.reason


def test_task_names_with_underscores_and_dates(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.samples["my_task_2026-01-01_x"] = [
        run._record(i, document(i, "original", 0), "right", "none") for i in range(3)
    ]
    run.write()
    (series,) = read_logs(tmp_path).series
    assert series.tasks == {"original": ("my_task_2026-01-01_x",)}
