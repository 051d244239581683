"""What a report says beyond one series: examples in the prompt, runs with several seeds, ranks."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest
from log_factory import Run, behaviour

from rote.reports import (
    build_report,
    read_logs,
    render_html,
    render_json,
    render_markdown,
    render_text,
)
from rote.reports.report import Report
from rote.reports.sections import sections
from rote.reports.series_runs import RunsSpread
from rote.reports.statistics import drop_interval

ZERO = behaviour({"original": 0.5, "numbers": 0.4, "noop": 0.5}, salt="zero")
EIGHT = behaviour({"original": 0.95, "numbers": 0.8, "noop": 0.5}, salt="eight")
#: Two seeds of lm-eval for responses that are sampled.
SAMPLED = {"until": ["Question:"], "do_sample": True, "temperature": 0.7}


def run(folder: Path, outcome: Any, *, templates: int = 40, k: int = 2, **settings: Any) -> Run:
    made = Run(folder, **settings).add("original", templates, outcome)
    for variant in ("numbers", "noop"):
        made.add(variant, templates, outcome, k=k)
    made.write()
    return made


def report(folder: Path) -> Report:
    return build_report(read_logs(folder))


def titles(made: Report) -> list[str]:
    return [section.title for section in sections(made)]


# --- zero-shot against few-shot --------------------------------------------------------------------


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("both")
    run(folder / "zero", ZERO, shots=0)
    run(folder / "eight", EIGHT, shots=8)
    return folder


def test_examples_are_compared_on_the_same_documents(both: Path) -> None:
    runs = read_logs(both)
    (contrast,) = build_report(runs).shots
    assert (contrast.fewer, contrast.more) == ("zero-shot", "8-shot")
    assert [r.variant for r in contrast.rows] == ["original", "numbers", "noop"]
    zero, eight = runs.series
    for row in contrast.rows:
        before, after = zero.samples[row.variant], eight.samples[row.variant]
        gains = [
            statistics.fmean(s.correct for s in after[t]) - statistics.fmean(s.correct for s in before[t])
            for t in before
        ]
        assert row.gain is not None
        assert row.gain.estimate == pytest.approx(statistics.fmean(gains))
        assert row.gain.interval == drop_interval(gains)
        assert row.documents == sum(len(s) for s in before.values())
    assert [r.finding for r in contrast.rows] == ["examples help", "examples help", "no difference found"]


def test_examples_are_in_every_form(both: Path) -> None:
    made = report(both)
    (section,) = [s for s in sections(made) if s.name == "examples"]
    assert section.title == "Zero-shot against few-shot"
    difference = section.tables[0].rows[1][2]
    for form in (render_text(made), render_markdown(made), render_html(made)):
        assert "Zero-shot against few-shot" in form.replace("\\", "")
        assert "examples help" in form
    assert difference.replace("−", "-") in render_text(made)
    row = json.loads(render_json(made))["shots"][0]["rows"][1]
    assert row["variant"] == "numbers"
    assert row["gain"]["interval"]["low"] > 0


def test_one_setting_has_no_such_section(tmp_path: Path) -> None:
    run(tmp_path, ZERO, shots=0)
    made = report(tmp_path)
    assert (made.shots, made.runs, made.standings) == ((), (), ())
    assert titles(made) == []


def test_numbers_of_examples_are_compared_without_a_zero_shot_run(tmp_path: Path) -> None:
    run(tmp_path / "four", ZERO, shots=4)
    run(tmp_path / "eight", EIGHT, shots=8)
    made = report(tmp_path)
    assert [(s.fewer, s.more) for s in made.shots] == [("4-shot", "8-shot")]
    assert titles(made) == ["Fewer against more examples"]


def test_every_kind_of_examples_is_compared_with_none(tmp_path: Path) -> None:
    run(tmp_path / "zero", ZERO, shots=0)
    run(tmp_path / "eight", EIGHT)
    with_clauses = Run(tmp_path / "noop_shots")
    for variant in ("original", "noop"):
        with_clauses.add(variant, 40, EIGHT)
        with_clauses.samples[f"bank_{variant}_noop_shots"] = with_clauses.samples.pop(f"bank_{variant}")
    with_clauses.write()
    assert [(s.fewer, s.more) for s in report(tmp_path).shots] == [
        ("zero-shot", "8-shot"),
        ("zero-shot", "8-shot, examples with inert clauses"),
    ]


def test_models_and_formats_are_not_compared_with_each_other(tmp_path: Path) -> None:
    run(tmp_path / "zero", ZERO, shots=0)
    run(tmp_path / "eight", EIGHT, model_args="pretrained=org/other")
    assert report(tmp_path).shots == ()


def test_documents_whose_text_differs_are_left_out_and_told(tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        if record["doc"]["template_id"].endswith("0003"):
            record["doc"]["question"] += " Take your time."

    run(tmp_path / "zero", ZERO, shots=0)
    made = Run(tmp_path / "eight").add("original", 40, EIGHT, change=change)
    made.add("numbers", 40, EIGHT, k=2, change=change).write()
    (contrast,) = report(tmp_path).shots
    assert [(r.variant, r.changed) for r in contrast.rows] == [("original", 1), ("numbers", 2)]
    assert "3 documents left out: the texts differ" in render_text(report(tmp_path))


def test_what_cannot_be_told_says_why(tmp_path: Path) -> None:
    wrong = behaviour({"original": 0.0})
    run(tmp_path / "zero", wrong, shots=0)
    run(tmp_path / "eight", wrong)
    made = report(tmp_path)
    assert {r.finding for r in made.shots[0].rows} == {"not estimable"}
    assert "nothing was answered right" in render_text(made)


# --- runs ------------------------------------------------------------------------------------------


def checked(spread: RunsSpread) -> None:
    for row in spread.rows:
        assert row.mean == pytest.approx(statistics.fmean(row.accuracies))
        assert row.deviation == pytest.approx(statistics.stdev(row.accuracies))


def test_seeds_of_problems_are_runs(tmp_path: Path) -> None:
    for seed in range(3):
        outcome = behaviour({"original": 0.7}, salt=str(seed))
        made = Run(tmp_path / str(seed), seed=seed, time=f"2026-03-05T10-11-1{seed}")
        made.add("original", 30, behaviour({"original": 0.9})).add("numbers", 30, outcome, k=2).write()
    made_report = report(tmp_path)
    (spread,) = made_report.runs
    assert (spread.kind, [r.variant for r in spread.rows]) == ("problems", ["numbers"])
    (row,) = spread.rows
    assert row.names == ("0", "1", "2")
    assert row.templates == 30
    checked(spread)
    stated = [
        json.loads(p.read_text())["results"]["bank_numbers"]["exact_match,none"]
        for p in sorted(tmp_path.rglob("results_*.json"))
    ]
    assert row.accuracies == pytest.approx(stated)
    text = render_text(made_report)
    assert "Runs: mean +- standard deviation" in text
    assert "3 runs that differ in the seed of the problems" in text
    assert "Seeds: 0, 1, 2." in text
    assert "no confidence interval" in render_html(made_report)


def sampled(folder: Path, seeds: tuple[int, ...], accuracy: float = 0.7, **settings: Any) -> None:
    for seed in seeds:
        outcome = behaviour({"original": accuracy}, salt=str(seed))
        made = run(folder / str(seed), outcome, templates=30, **settings)
        for config in made.results["configs"].values():
            config["generation_kwargs"] = SAMPLED
        made.results["config"] |= {"random_seed": seed, "numpy_seed": seed, "torch_seed": seed}
        made.results_path.write_text(json.dumps(made.results), encoding="utf-8")


def test_seeds_of_sampling_are_runs(tmp_path: Path) -> None:
    sampled(tmp_path, (1, 2, 3))
    made = report(tmp_path)
    assert [s.setting for s in made.series] == [f"8-shot, seeds {n}" for n in (1, 2, 3)]
    (spread,) = made.runs
    assert (spread.kind, spread.setting) == ("sampling", "8-shot")
    assert [r.variant for r in spread.rows] == ["original", "numbers", "noop"]
    checked(spread)
    assert [r.names for r in spread.rows] == [("1", "2", "3")] * 3
    assert spread.rows[0].accuracies == tuple(s.original.estimate for s in made.series if s.original)


def test_runs_are_taken_together_in_comparisons(tmp_path: Path) -> None:
    sampled(tmp_path / "eight", (1, 2, 3), 0.9)
    sampled(tmp_path / "zero", (1, 2), 0.5, shots=0)
    sampled(tmp_path / "other", (1, 2), 0.6, shots=0, model_args="pretrained=org/other")
    made = report(tmp_path)
    assert [(s.setting, len(s.rows)) for s in made.standings] == [("zero-shot", 2)]
    (contrast,) = made.shots
    assert (contrast.fewer, contrast.more) == ("zero-shot", "8-shot")
    row = contrast.rows[1]
    assert (row.documents, row.fewer.instances, row.more.instances) == (60, 120, 180)  # type: ignore[union-attr]
    by_kind = {(r.model, r.setting): r.rows[1].mean for r in made.runs}
    assert row.gain is not None
    assert row.gain.estimate == pytest.approx(
        by_kind["org/model-a", "8-shot"] - by_kind["org/model-a", "zero-shot"]
    )
    assert "Runs with several seeds are taken together." in render_html(made)


def test_two_runs_are_told_to_be_few(tmp_path: Path) -> None:
    sampled(tmp_path, (1, 2))
    assert "A standard deviation over 2 runs says little; 3 to 5 are usual." in render_text(report(tmp_path))


def test_repeats_are_runs(tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        number = int(record["doc"]["template_id"][-4:])
        first = int(record["exact_match"])
        record["runs"] = [first, int(number % 2 == 0), 1]
        record["resps"] = [[record["resps"][0][0], "b", "c"]]

    made = Run(tmp_path).add("original", 20, EIGHT, change=change).add("numbers", 20, EIGHT, change=change)
    made.write()
    spread = next(s for s in report(tmp_path).runs if s.kind == "repeats")
    checked(spread)
    assert spread.rows[1].accuracies[1:] == (0.5, 1.0)
    assert spread.rows[1].accuracies[0] == made.results["results"]["bank_numbers"]["exact_match,none"]
    assert "3 responses that differ in the turn of the response" in render_text(report(tmp_path))


def test_runs_are_compared_on_the_templates_that_all_have(tmp_path: Path) -> None:
    for seed, templates in enumerate((30, 20)):
        made = Run(tmp_path / str(seed), seed=seed)
        made.add("original", templates, behaviour({"original": 1.0})).add("numbers", templates, EIGHT).write()
    assert [r.templates for r in report(tmp_path).runs[0].rows] == [20]


# --- ranks -----------------------------------------------------------------------------------------


def models(folder: Path, accuracies: dict[str, float], **settings: Any) -> None:
    for name, accuracy in accuracies.items():
        outcome = behaviour({"original": 0.95, "numbers": accuracy, "noop": accuracy}, salt=name)
        run(folder / name, outcome, model_args=f"pretrained=org/{name}", **settings)


def test_several_models_are_ranked(tmp_path: Path) -> None:
    models(tmp_path, {"low": 0.1, "high": 0.95, "good": 0.93})
    made = report(tmp_path)
    (standing,) = made.standings
    assert standing.variants == ("numbers", "noop")
    assert standing.templates == 40
    named = {r.model: r for r in standing.rows}
    assert standing.rows[-1].model == "org/low"
    assert (named["org/low"].by_accuracy.best, named["org/low"].by_accuracy.worst) == (3, 3)
    assert {named[f"org/{n}"].by_accuracy.tie_class for n in ("high", "good")} == {1}
    assert named["org/low"].by_accuracy.tie_class == 2
    drop = named["org/low"].by_drop
    assert drop is not None
    assert (drop.best, drop.worst) == (3, 3)
    low = next(s for s in made.series if s.model == "org/low")
    drops = [v.drop.estimate for v in low.variants if v.drop]
    assert -drop.estimate == pytest.approx(statistics.fmean(drops))
    for form in (render_text(made), render_markdown(made), render_html(made)):
        assert "1 to 2 of 3" in form
        assert "tie class" in form


def test_models_are_ranked_within_a_setting(tmp_path: Path) -> None:
    models(tmp_path / "zero", {"a": 0.5, "b": 0.9}, shots=0)
    models(tmp_path / "eight", {"a": 0.5}, shots=8)
    assert [s.setting for s in report(tmp_path).standings] == ["zero-shot"]


def test_models_without_common_variants_have_no_ranks(tmp_path: Path) -> None:
    Run(tmp_path / "a").add("original", 5, EIGHT).add("numbers", 5, EIGHT).write()
    other = Run(tmp_path / "b", model_args="pretrained=org/b")
    other.add("original", 5, EIGHT).add("noop", 5, EIGHT).write()
    made = report(tmp_path)
    assert made.standings[0].rows == ()
    assert "No ranks: no variant was asked of all 2 models." in render_text(made)


def test_without_originals_there_is_no_rank_by_drop(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Run(tmp_path / name, model_args=f"pretrained=org/{name}").add("numbers", 9, EIGHT, k=2).write()
    (standing,) = build_report(read_logs(tmp_path), unpaired=True).standings
    assert [r.by_drop for r in standing.rows] == [None, None]


def test_models_that_saw_other_texts_are_not_ranked_on_them(tmp_path: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        if not record["doc"]["template_id"].endswith("0003"):
            record["doc"]["question"] += " Take your time."

    Run(tmp_path / "a").add("original", 5, EIGHT).add("numbers", 5, EIGHT).write()
    other = Run(tmp_path / "b", model_args="pretrained=org/b")
    other.add("original", 5, EIGHT, change=change).add("numbers", 5, EIGHT, change=change).write()
    assert (
        "No ranks: 1 template(s) were asked alike of all 2 models; 2 are needed. "
        "4 templates left out: the texts differ."
    ) in render_text(report(tmp_path))


@pytest.mark.parametrize(("templates", "constant"), [(5, 1), (30, 0)])
def test_a_difference_without_spread_takes_templates(tmp_path: Path, templates: int, constant: int) -> None:
    for name, outcome in (("right", "right"), ("wrong", "wrong")):
        made = Run(tmp_path / name, model_args=f"pretrained=org/{name}")
        made.add("original", templates, behaviour({"original": 1.0}))
        made.add("numbers", templates, lambda n, v, i, o=outcome: o).write()  # type: ignore[misc]
    made_report = report(tmp_path)
    (standing,) = made_report.standings
    assert standing.constant == constant
    # The best model's rank is 1 to 2 where the pair is not told apart, 1 to 1 where it is.
    assert [(r.by_accuracy.best, r.by_accuracy.worst) for r in standing.rows] == (
        [(1, 2)] * 2 if constant else [(1, 1), (2, 2)]
    )
    told = "One pair of models differs by the same amount on every template" in render_text(made_report)
    assert told == bool(constant)
