"""Reading lm-eval logs: the shapes of several versions, and every way in which logs can be bad."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from log_factory import TIME, VARIANTS, VERSIONS, Run, behaviour, full_run

from rote.errors import LogError
from rote.reports import read_logs
from rote.reports.fields import one_line, parse_arguments, showable
from rote.reports.texts import read_texts

ALL_RIGHT = behaviour({"original": 1.0})


def small(folder: Path, **settings: Any) -> Run:
    return Run(folder, **settings).add("original", 6, ALL_RIGHT).add("numbers", 6, ALL_RIGHT, k=2)


# --- what is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_versions_are_read_alike(tmp_path: Path, version: str) -> None:
    full_run(tmp_path / "x7k2p9qa", behaviour({"original": 0.5}), templates=5, k=2, version=version).write()
    runs = read_logs(tmp_path)
    (series,) = runs.series
    assert series.model.name == "org/model-a"
    assert (series.shots, series.filter, series.source, series.setting) == (8, "none", "bank", "8-shot")
    assert set(series.samples) == {"original", *VARIANTS}
    assert all(len(t) == 5 for t in series.samples.values())
    assert [s.index for s in series.samples["noop"]["bank/apples_0000"]] == [0, 1]
    assert series.tasks["noop"] == ("bank_noop",)
    assert runs.warnings == ()
    assert runs.harness_versions == (("0.4.13",) if version == "0.4.13" else ())


def test_reading_is_deterministic(tmp_path: Path) -> None:
    full_run(tmp_path / "a", behaviour({"original": 0.5}), templates=5).write()
    full_run(tmp_path / "b", behaviour({"original": 0.5}), templates=5, model_args="pretrained=org/b").write()
    assert read_logs(tmp_path) == read_logs([tmp_path / "b", tmp_path / "a", tmp_path])


def test_models_are_told_apart_by_config_not_by_folder(tmp_path: Path) -> None:
    small(tmp_path / "same", model_args={"pretrained": "org/a"}).write()
    small(tmp_path / "same", model_args={"pretrained": "org/b"}, time="2026-03-05T10-11-13").write()
    small(tmp_path / "folder1", model="rote-planted", model_args="behaviour=solver").write()
    names = [s.model.name for s in read_logs(tmp_path).series]
    assert names == ["org/a", "org/b", "rote-planted (behaviour=solver)"]


def test_one_model_over_several_runs_is_one_series(tmp_path: Path) -> None:
    args = "pretrained=org/a,batch_size=1"
    Run(tmp_path / "r1", model_args=args).add("original", 4, ALL_RIGHT).write()
    later = {"pretrained": "org/a", "batch_size": "64", "device": "cuda:1"}
    Run(tmp_path / "r2", model_args=later, time="2026-03-06T10-11-12").add("noop", 4, ALL_RIGHT).write()
    (series,) = read_logs(tmp_path).series
    assert set(series.samples) == {"original", "noop"}


def test_models_of_one_name_get_what_differs_added(tmp_path: Path) -> None:
    small(tmp_path / "a", model_args="pretrained=org/a,dtype=float16").write()
    small(tmp_path / "b", model_args="pretrained=org/a,dtype=float32").write()
    assert [s.model.name for s in read_logs(tmp_path).series] == [
        "org/a [dtype=float16]",
        "org/a [dtype=float32]",
    ]


def test_secrets_in_arguments_are_not_kept(tmp_path: Path) -> None:
    args = "model=gpt,my_secret_key=abc123,auth_token=def456,base_url=http://me:ghi789@host/v1,add_bos_token=True"
    small(tmp_path, model="local", model_args=args).write()
    (series,) = read_logs(tmp_path).series
    assert not any(secret in repr(series) for secret in ("abc123", "def456", "ghi789"))
    assert series.model.arguments == (
        ("add_bos_token", "True"),
        ("base_url", "http://host/v1"),
        ("model", "gpt"),
    )


def test_shots_are_kept_apart(tmp_path: Path) -> None:
    small(tmp_path / "few", shots=8).write()
    small(tmp_path / "zero", shots=0, time="2026-03-05T12-00-00").write()
    assert [s.setting for s in read_logs(tmp_path).series] == ["zero-shot", "8-shot"]


def test_filters_are_kept_apart(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.add("original", 4, ALL_RIGHT, filters=("none", "strict"))
    run.add("names", 4, ALL_RIGHT, filters=("none", "strict")).write()
    runs = read_logs(tmp_path)
    assert [s.filter for s in runs.series] == ["none", "strict"]
    assert any("filters none, strict" in w for w in runs.warnings)


def test_output_path_with_a_json_suffix(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    run.results_path.rename(tmp_path / f"my_model_{TIME}.json")
    assert len(read_logs(tmp_path).series) == 1


def test_a_single_file_stands_for_its_run(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    small(tmp_path, model_args="pretrained=org/other", time="2026-03-07T00-00-00.5").write()
    for path in (run.results_path, run.samples_path("bank_numbers")):
        assert [s.model.name for s in read_logs(path).series] == ["org/model-a"]


def test_timestamp_without_microseconds(tmp_path: Path) -> None:
    small(tmp_path, time="2026-03-05T10-11-12").write()
    assert len(read_logs(tmp_path).series) == 1


def test_other_tasks_are_left_out_and_named(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.samples["mmlu_pro"] = [dict(r, doc={"question": "?"}) for r in run.samples["bank_original"]]
    run.write()
    runs = read_logs(tmp_path)
    assert runs.ignored_tasks == ("mmlu_pro",)
    assert any("mmlu_pro" in w for w in runs.warnings)


@pytest.mark.parametrize("value", ["1.0", "1", "True", True, 1, 1.0])
def test_metrics_may_stand_as_text(tmp_path: Path, value: Any) -> None:
    run = small(tmp_path)
    for record in run.samples["bank_numbers"]:
        record["exact_match"] = value
    run.write()
    runs = read_logs(tmp_path)
    assert all(s.correct for ss in runs.series[0].samples["numbers"].values() for s in ss)
    assert any("metrics as text" in w for w in runs.warnings) == isinstance(value, str)


def test_absent_metrics_are_unknown_not_zero(tmp_path: Path) -> None:
    run = small(tmp_path)
    for record in run.samples["bank_numbers"]:
        del record["invalid"], record["trapped"], record["format_ok"]
    run.write()
    sample = read_logs(tmp_path).series[0].samples["numbers"]["bank/apples_0000"][0]
    assert (sample.invalid, sample.trapped, sample.format_ok) == (None, None, None)


def test_repeats_and_limit_are_mentioned(tmp_path: Path) -> None:
    run = small(tmp_path)
    for record in run.samples["bank_numbers"]:
        record["resps"] = [[record["resps"][0][0], "another"]]
    run.write()
    run.results["config"]["limit"] = 6.0
    run.results_path.write_text(json.dumps(run.results), encoding="utf-8")
    warnings = " ".join(read_logs(tmp_path).warnings)
    assert "12 samples hold several responses" in warnings
    assert "--limit 6.0" in warnings


def test_a_task_without_samples_file_is_mentioned(tmp_path: Path) -> None:
    run = full_run(tmp_path, ALL_RIGHT, templates=3)
    run.write()
    run.samples_path("bank_p2").unlink()
    assert any("no samples file for bank_p2" in w for w in read_logs(tmp_path).warnings)


def test_a_file_read_twice_counts_once(tmp_path: Path) -> None:
    small(tmp_path / "a").write()
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    runs = read_logs(tmp_path)
    assert len(runs.series[0].samples["numbers"]["bank/apples_0000"]) == 2
    assert any("each counts once" in w for w in runs.warnings)


def test_runs_with_other_draws_add_up(tmp_path: Path) -> None:
    for seed in (0, 1):
        small(tmp_path / str(seed), seed=seed, time=f"2026-03-05T10-11-1{seed}").write()
        # An original does not depend on the seed, so it is logged twice.
    runs = read_logs(tmp_path)
    (series,) = runs.series
    drawn = series.samples["numbers"]["bank/apples_0000"]
    assert [(s.seed, s.index) for s in drawn] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len(series.samples["original"]["bank/apples_0000"]) == 1
    assert any("6 of its documents were read before" in w for w in runs.warnings)


# --- what is refused -------------------------------------------------------------------------------


def refused(path: Path) -> LogError:
    with pytest.raises(LogError) as caught:
        read_logs(path)
    return caught.value


def test_missing_path(tmp_path: Path) -> None:
    assert str(refused(tmp_path / "nowhere")).endswith("no such file or folder")
    assert "logs at a URL are copied to a folder first" in str(refused(Path("s3://bucket/nightly")))


def test_empty_folder(tmp_path: Path) -> None:
    assert "no lm-eval logs here" in str(refused(tmp_path))


def test_no_path() -> None:
    with pytest.raises(LogError, match="no path"):
        read_logs([])


def test_file_that_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("x", encoding="utf-8")
    assert "is no lm-eval log" in str(refused(path))


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = small(tmp_path)
    run.write()
    stuck = run.samples_path("bank_numbers")
    open_path = Path.open

    def refusing(self: Path, *args: Any, **options: Any) -> Any:
        if self == stuck:
            raise PermissionError(13, "Permission denied", str(self))
        return open_path(self, *args, **options)

    monkeypatch.setattr(Path, "open", refusing)
    error = refused(tmp_path)
    assert error.path == str(stuck)
    assert "Permission denied" in str(error)


def test_results_without_samples(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    for path in tmp_path.glob("samples_*"):
        path.unlink()
    assert "--log_samples" in str(refused(tmp_path))


def test_samples_without_results(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    run.results_path.unlink()
    assert "no results file of the same timestamp" in str(refused(tmp_path))
    small(tmp_path, time="2026-03-07T00-00-00").write()
    error = refused(tmp_path)
    assert "no results file of the same timestamp" in str(error)
    assert TIME in str(error.path)


def test_samples_without_timestamp(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    run.samples_path("bank_numbers").rename(tmp_path / "samples_bank_numbers.jsonl")
    assert "no timestamp" in str(refused(tmp_path))


def test_truncated_line(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    path = run.samples_path("bank_numbers")
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: len(text) - 40], encoding="utf-8")
    error = refused(tmp_path)
    assert (error.path, error.line) == (str(path), 12)
    assert "cut off" in str(error)


def test_truncated_between_lines(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    path = run.samples_path("bank_numbers")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-2]), encoding="utf-8")
    error = refused(tmp_path)
    assert error.path == str(path)
    assert "its 10 lines do not add up" in str(error)
    assert "12 documents were evaluated" in str(error)


def test_truncated_between_lines_without_hashes_is_a_warning(tmp_path: Path) -> None:
    run = small(tmp_path)
    for record in run.samples["bank_numbers"]:
        del record["doc_hash"]
    for other in run.samples["bank_original"]:
        other["doc_hash"] = None
    run.write(hashes=False)
    path = run.samples_path("bank_numbers")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-2]), encoding="utf-8")
    assert any("10 documents, while its run evaluated 12" in w for w in read_logs(tmp_path).warnings)


def test_empty_samples_file(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    run.samples_path("bank_numbers").write_text("", encoding="utf-8")
    assert "is empty" in str(refused(tmp_path))


@pytest.mark.parametrize(
    "line",
    ["{broken}\n", "[1, 2]\n", '"text"\n', '{"doc": 3}\n', "[" * 200_000 + "\n", '{"doc": {"a": "\xff"}}\n'],
    ids=["json", "list", "text", "doc", "deep", "not utf-8"],
)
def test_line_that_is_no_sample(tmp_path: Path, line: str) -> None:
    run = small(tmp_path)
    run.write()
    path = run.samples_path("bank_numbers")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines.insert(3, line)
    path.write_bytes("".join(lines).encode("latin-1"))
    error = refused(tmp_path)
    assert (error.path, error.line) == (str(path), 4)


@pytest.mark.parametrize(
    ("text", "line"), [("{", 1), ('{\n"results": ', 2), ("[]", None), ('{"results": 3}', None)]
)
def test_broken_results_file(tmp_path: Path, text: str, line: int | None) -> None:
    run = small(tmp_path)
    run.write()
    run.results_path.write_text(text, encoding="utf-8")
    error = refused(tmp_path)
    assert (error.path, error.line) == (str(run.results_path), line)


def test_stock_task_without_our_fields(tmp_path: Path) -> None:
    run = small(tmp_path)
    for records in run.samples.values():
        for record in records:
            record["doc"] = {"question": "?", "answer": "#### 3"}
    run.write()
    error = str(refused(tmp_path))
    assert "no sample carries `template_id`" in error
    assert "rote's tasks" in error


def spoil(record: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        record = record[parent]
    if value is ...:
        del record[last]
    else:
        record[last] = value


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("exact_match", float("nan"), "must be 0 or 1"),
        ("exact_match", "N/A", "must be 0 or 1"),
        ("exact_match", "nan", "must be 0 or 1"),
        ("exact_match", None, "must be 0 or 1"),
        ("exact_match", 0.5, "must be 0 or 1"),
        ("exact_match", ..., "is missing"),
        ("trapped", 2, "must be 0 or 1"),
        ("invalid", 1, "cannot be both right and invalid"),
        ("trapped", 1, "cannot be both right and trapped"),
        ("doc.variant", "surprise", "known are original, names"),
        ("doc.variant", ..., "is missing"),
        ("doc.template_id", None, "must be of type str"),
        ("doc.template_id", ..., "two files are mixed up"),
        ("doc.seed", "0", "must be of type int"),
        ("doc.index", True, "must be of type int"),
        ("doc.id", ..., "is missing"),
        ("resps", [], "list of lists of text"),
        ("resps", [[3]], "list of lists of text"),
        ("filter", 3, "must be text"),
    ],
)
def test_bad_value_names_file_line_and_field(tmp_path: Path, field: str, value: Any, message: str) -> None:
    run = small(tmp_path)
    spoil(run.samples["bank_numbers"][4], field, value)
    run.write()
    error = refused(tmp_path)
    assert (error.path, error.line) == (str(run.samples_path("bank_numbers")), 5)
    assert error.field == field
    assert message in str(error)


def test_appended_file_of_two_runs(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write(hashes=False)
    path = run.samples_path("bank_numbers")
    again = [dict(r, exact_match=0.0) for r in run.samples["bank_numbers"]]
    with path.open("a", encoding="utf-8") as handle:
        handle.writelines(json.dumps(r) + "\n" for r in again)
    error = refused(tmp_path)
    assert (error.path, error.line) == (str(path), 13)
    assert "scored differently" in str(error)
    assert f"{path}:1:" in str(error)


def test_appended_file_of_two_equal_runs_is_noticed_by_its_hash(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    path = run.samples_path("bank_numbers")
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    assert "its 24 lines do not add up" in str(refused(tmp_path))


def test_unnamed_filters_of_old_versions(tmp_path: Path) -> None:
    run = small(tmp_path, version="0.4.5")
    run.samples["bank_numbers"] += [dict(r, exact_match=0.0) for r in run.samples["bank_numbers"]]
    run.write()
    assert "before 0.4.7" in str(refused(tmp_path))


def test_two_runs_of_one_model_that_disagree(tmp_path: Path) -> None:
    small(tmp_path / "a").write()
    Run(tmp_path / "b", time="2026-03-06T00-00-00").add("original", 6, behaviour({"original": 0.0})).write()
    error = refused(tmp_path)
    assert "scored differently" in str(error)
    assert str(tmp_path / "a") in str(error)
    assert str(tmp_path / "b") in str(error)


def test_two_versions_of_the_templates(tmp_path: Path) -> None:
    small(tmp_path / "a").write()

    def reword(record: dict[str, Any]) -> None:
        record["doc"]["question"] += " Please."

    Run(tmp_path / "b", time="2026-03-06T00-00-00").add("original", 6, ALL_RIGHT, change=reword).write()
    assert "two versions of the templates" in str(refused(tmp_path))


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["configs"]["bank_numbers"].update(description="Think."),
        lambda r: r["configs"]["bank_numbers"].update(doc_to_text="Q: {{question}}"),
        lambda r: r["configs"]["bank_numbers"].update(generation_kwargs={"temperature": 1.0}),
        lambda r: r.update(system_instruction="You are terse."),
        lambda r: r.update(chat_template="{{messages}}"),
        lambda r: r.update(fewshot_as_multiturn=True),
        lambda r: r["config"].update(gen_kwargs={"temperature": 0.7}),
    ],
    ids=["description", "doc_to_text", "decoding", "system", "chat", "multiturn", "gen_kwargs"],
)
def test_original_and_variant_under_different_prompts(
    tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    first = Run(tmp_path / "a").add("original", 4, ALL_RIGHT)
    first.write()
    second = Run(tmp_path / "b", time="2026-03-06T00-00-00").add("numbers", 4, ALL_RIGHT)
    second.write()
    change(second.results)
    second.results_path.write_text(json.dumps(second.results), encoding="utf-8")
    error = str(refused(tmp_path))
    assert "another prompt" in error
    assert str(first.results_path) in error
    assert str(second.results_path) in error


def test_functions_in_configs_do_not_differ_by_their_address(tmp_path: Path) -> None:
    first = Run(tmp_path / "a").add("original", 4, ALL_RIGHT)
    second = Run(tmp_path / "b", time="2026-03-06T00-00-00").add("numbers", 4, ALL_RIGHT)
    for run, address in ((first, "0x7f01"), (second, "0x7f02")):
        run.write()
        for config in run.results["configs"].values():
            config["doc_to_text"] = f"<function zeroshot at {address}>"
        run.results_path.write_text(json.dumps(run.results), encoding="utf-8")
    assert len(read_logs(tmp_path).series) == 1


def test_file_of_another_run_between(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    run.samples_path("bank_numbers").rename(run.samples_path("bank_p1"))
    error = refused(tmp_path)
    assert "files of two runs are mixed up" in str(error)


def test_second_original_of_a_template(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.samples["bank_original"][1]["doc"]["template_id"] = "bank/apples_0000"
    run.write()
    assert "second original" in str(refused(tmp_path))


# --- texts -----------------------------------------------------------------------------------------


def test_texts_are_fetched_from_their_line(tmp_path: Path) -> None:
    Run(tmp_path).add("original", 3, ALL_RIGHT).add(
        "noop", 3, behaviour({"original": 0.0}, trapped=1)
    ).write()
    sample = read_logs(tmp_path).series[0].samples["noop"]["bank/apples_0002"][0]
    texts = read_texts(sample)
    [span] = texts.noop_spans
    assert texts.question[slice(*span)] == " A neighbour keeps 6 hens in a shed."
    assert texts.gold == "41"
    assert texts.value == "35"
    assert texts.response[0].endswith("#### 35")


def test_long_responses_are_cut_in_the_middle(tmp_path: Path) -> None:
    def lengthen(record: dict[str, Any]) -> None:
        record["resps"] = [["a" * 300_000 + "\n#### 7"]]

    Run(tmp_path).add("original", 2, ALL_RIGHT, change=lengthen).add("names", 2, ALL_RIGHT).write()
    sample = read_logs(tmp_path).series[0].samples["original"]["bank/apples_0001"][0]
    texts = read_texts(sample)
    assert sample.response_characters == 300_007
    assert [len(p) for p in texts.response] == [4000, 4000]
    assert texts.omitted == 292_007
    assert texts.value == "7"


def test_log_that_changes_while_read(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.write()
    sample = read_logs(tmp_path).series[0].samples["original"]["bank/apples_0003"][0]
    path = run.samples_path("bank_original")
    path.write_text("\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(LogError, match="changed while"):
        read_texts(sample)


@pytest.mark.parametrize("span", [None, [5], [9, 3], [-1, 4], [0, 10**9], ["0", "4"], [True, 4]])
def test_unsound_spans_are_not_marked(tmp_path: Path, span: Any) -> None:
    def unsound(record: dict[str, Any]) -> None:
        record["doc"]["noop"][0]["span"] = span

    Run(tmp_path).add("original", 2, ALL_RIGHT).add("noop", 2, ALL_RIGHT, change=unsound).write()
    sample = read_logs(tmp_path).series[0].samples["noop"]["bank/apples_0000"][0]
    assert read_texts(sample).noop_spans == ()


@pytest.mark.parametrize(
    ("spans", "marked"),
    [([[4, 9], [12, 20]], ((4, 9), (12, 20))), ([[12, 20], [4, 12]], ((4, 12), (12, 20))),
     ([[4, 9], [8, 20]], ((4, 9),))],
)  # fmt: skip
def test_several_clauses_are_marked_in_order(tmp_path: Path, spans: Any, marked: Any) -> None:
    def place(record: dict[str, Any]) -> None:
        for clause, span in zip(record["doc"]["noop"], spans, strict=True):
            clause["span"] = span

    Run(tmp_path).add("original", 2, ALL_RIGHT).add("noop2", 2, ALL_RIGHT, change=place).write()
    sample = read_logs(tmp_path).series[0].samples["noop2"]["bank/apples_0000"][0]
    assert read_texts(sample).noop_spans == marked


@pytest.mark.parametrize("noop", [{"family": "hens", "span": [3, 9]}, "hens", [None]])
def test_inert_clauses_in_another_form_are_refused(tmp_path: Path, noop: Any) -> None:
    def change(record: dict[str, Any]) -> None:
        record["doc"]["noop"] = noop

    Run(tmp_path).add("original", 2, ALL_RIGHT).add("noop", 2, ALL_RIGHT, change=change).write()
    error = refused(tmp_path)
    assert "must be a list of inert clauses" in str(error)
    assert (error.line, error.field) == (1, "doc.noop")


def test_documents_without_the_column_have_no_clauses(tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        del record["doc"]["noop"]

    Run(tmp_path).add("original", 2, ALL_RIGHT, change=change).add("names", 2, ALL_RIGHT).write()
    sample = read_logs(tmp_path).series[0].samples["original"]["bank/apples_0000"][0]
    assert (dict(sample.factors), sample.trap, read_texts(sample).noop_spans) == ({}, None, ())


# --- small things ----------------------------------------------------------------------------------


def test_showable_keeps_length_and_removes_what_acts() -> None:
    text = "a\x1b[31mb\u202ec\ud800d\x00\ne\tf"
    shown = showable(text)
    assert len(shown) == len(text)
    assert shown == "a\ufffd[31mb\ufffdc\ufffdd\ufffd\ne\tf"
    shown.encode("utf-8")


def test_one_line_is_short_and_flat() -> None:
    assert one_line("a\nb  c") == "a b c"
    long = one_line("x" * 10_000_000 + "end", 20)
    assert len(long) == 20
    assert "…" in long


def test_arguments_of_both_forms() -> None:
    assert parse_arguments("b=2,a=x=y") == {"a": "x=y", "b": "2"}
    assert parse_arguments({"b": 2, "a": "x"}) == {"a": "x", "b": "2"}
    assert parse_arguments(None) == {}
    assert parse_arguments("") == {}
