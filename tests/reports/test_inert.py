"""What reports say of inert clauses: traps by kind, factors, the contrast with clauses without a number."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from log_factory import Outcome, Run, behaviour, full_run

from rote.reports import build_report, read_logs, render_html, render_json, render_markdown, render_text
from rote.reports.clauses import way_of
from rote.reports.inert import FactorRow
from rote.reports.report import Report, SeriesReport
from rote.reports.statistics import drop_interval, wilson_interval
from rote.reports.verdicts import points


def report_of(folder: Path, outcome: Outcome, *variants: str, templates: int = 40, k: int = 1) -> Report:
    run = Run(folder).add("original", templates, outcome)
    for variant in variants:
        run.add(variant, templates, outcome, k=k)
    run.write()
    return build_report(read_logs(folder))


def series_of(folder: Path, outcome: Outcome, *variants: str, **settings: Any) -> SeriesReport:
    (series,) = report_of(folder, outcome, *variants, **settings).series
    return series


def said(series: SeriesReport) -> str:
    return " ".join(series.verdict.sentences)


# --- which trap ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "way"),
    [
        ("answer + 17", "answer + k"),
        ("answer - 1.5", "answer - k"),
        ("answer * 5/3", "answer * k"),
        ("answer / 1,080", "answer / k"),
        ("jars - 4", "a number replaced or a step shifted"),
        ("number jars - 4", "a number replaced"),
        ("step answer_2 + 4", "a step shifted"),
        ("jars * 4", "another way"),
        ("takes the hens away", "another way"),
        ("", "another way"),
        (None, "not found again"),
    ],
)
def test_ways_of_arising(how: str | None, way: str) -> None:
    assert way_of(how) == way


def test_traps_are_counted_by_way_and_only_where_the_original_is_right(tmp_path: Path) -> None:
    def outcome(number: int, variant: str, index: int) -> str:
        if variant == "original":
            return "right" if number < 6 else "wrong"
        return ("trap0", "trap1", "trap2", "right", "wrong", "trap1")[number % 6]

    series = series_of(tmp_path, outcome, "noop", "symbolic_noop", templates=12, k=2)
    counts = [(c.variant, c.way, c.given_right, c.answers) for c in series.traps]
    expected = [
        ("answer + k", 4, 8),
        ("answer - k", 2, 4),
        ("a number replaced or a step shifted", 2, 4),
    ]
    assert counts == [(v, *e) for v in ("noop", "symbolic_noop") for e in expected]
    for result in series.variants:
        assert result.trapped is not None
        assert (result.trapped.templates, result.trapped.instances) == (6, 12)
        assert result.trapped.estimate == pytest.approx(4 / 6)
    assert {e.trap for e in series.examples} == {"answer - 4", "answer + 5", "boxes + 6"}


def test_a_trap_that_is_not_in_the_response_is_said(tmp_path: Path) -> None:
    def other(record: dict[str, Any]) -> None:
        record["resps"] = [["#### 99999"]]

    run = Run(tmp_path).add("original", 3, behaviour({"original": 1.0}))
    run.add("noop", 3, behaviour({"original": 0.0}, trapped=1), change=other).write()
    (series,) = build_report(read_logs(tmp_path)).series
    assert [(c.way, c.given_right, c.answers) for c in series.traps] == [("not found again", 3, 3)]
    assert {e.trap for e in series.examples} == {None}


# --- factors ---------------------------------------------------------------------------------------


def factor(series: SeriesReport, name: str, value: str, variant: str = "noop") -> FactorRow:
    return next(f for f in series.factors if (f.variant, f.factor, f.value) == (variant, name, value))


def test_factors_by_hand(tmp_path: Path) -> None:
    # Even templates have hens, odd ones geese; hens trap on multiples of 4, originals are right below 30.
    def outcome(number: int, variant: str, index: int) -> str:
        if variant == "original":
            return "right" if number < 30 else "wrong"
        return "trap" if number % 4 == 0 else "right"

    series = series_of(tmp_path, outcome, "noop", "noop2", "noop_control")
    assert {f.variant for f in series.factors} == {"noop"}
    assert [(f.factor, f.value, f.accuracy.templates) for f in series.factors] == [
        ("topic", "off", 40),
        ("role", "other", 40),
        ("magnitude", "in_range", 40),
        ("position", "mid_text", 40),
        ("family", "geese", 20),
        ("family", "hens", 20),
    ]
    hens = factor(series, "family", "hens")
    assert hens.accuracy.estimate == pytest.approx(0.5)
    assert hens.accuracy.interval == wilson_interval(10, 20)
    assert hens.trapped is not None
    assert hens.trapped.estimate == pytest.approx(8 / 15)
    assert hens.trapped.templates == 15
    differences = [float(n < 30) - float(n % 4 != 0) for n in range(0, 40, 2)]
    assert hens.drop is not None
    assert hens.drop.estimate == pytest.approx(sum(differences) / 20)
    assert hens.drop.interval == drop_interval(differences)
    geese = factor(series, "family", "geese")
    assert (geese.accuracy.estimate, geese.trapped and geese.trapped.estimate) == (1.0, 0.0)


def test_no_factors_without_inert_clauses(tmp_path: Path) -> None:
    report = report_of(tmp_path, behaviour({"original": 0.5}), "names", "numbers")
    (series,) = report.series
    assert (series.factors, series.traps, series.contrast) == ((), (), None)
    for page in (render_html(report), render_markdown(report)):
        assert "<h3>Which traps" not in page
        assert "<summary>By kind" not in page
        assert not re.search(r"^### (?:Which traps|By kind)", page, re.MULTILINE)


# --- the contrast with the control -----------------------------------------------------------------


def test_contrast_is_paired_by_template_and_index(tmp_path: Path) -> None:
    # Controls exist for indices 0 and 1, inert clauses for 0 to 2, of templates 0..7 and 0..9.
    def outcome(number: int, variant: str, index: int) -> str:
        if variant == "noop":
            return "right" if index == 2 or number % 2 == 0 else "trap"
        return "right" if variant == "original" or index == 0 else "wrong"

    run = Run(tmp_path).add("original", 10, outcome)
    run.add("noop_control", 8, outcome, k=2).add("noop", 10, outcome, k=3).write()
    (series,) = build_report(read_logs(tmp_path)).series
    contrast = series.contrast
    assert contrast is not None
    assert contrast.cost is not None
    differences = [0.5 - (n % 2 == 0) for n in range(8)]
    assert contrast.cost.estimate == pytest.approx(0.0)
    assert contrast.cost.interval == drop_interval(differences)
    assert (contrast.cost.templates, contrast.pairs) == (8, 16)
    assert contrast.control_accuracy is not None
    assert contrast.noop_accuracy is not None
    assert (contrast.control_accuracy.estimate, contrast.noop_accuracy.estimate) == (0.5, 0.5)
    assert contrast.finding.kind == "no drop"


def test_the_number_itself_costs(tmp_path: Path) -> None:
    outcome = behaviour({"original": 0.95, "noop": 0.2}, trapped=0.9)
    report = report_of(tmp_path, outcome, "noop", "noop_control", templates=60, k=3)
    (series,) = report.series
    contrast = series.contrast
    assert contrast is not None
    assert contrast.cost is not None
    assert contrast.finding.kind == "drop"
    interval = contrast.cost.interval
    sentence = (
        f"the number itself costs {points(contrast.cost.estimate)} points "
        f"[{points(interval.low)}, {points(interval.high)}] beyond a clause without a number"
    )
    assert contrast.finding.sentence == sentence
    assert series.verdict.conclusions == ("distractible",)
    assert said(series).startswith("Distractible: an inert clause costs ")
    assert f" Of this {sentence}." in said(series)
    assert f"(noop against noop_control: {sentence})" in render_text(report)
    assert f"<b>noop against noop_control</b>: {sentence}" in render_html(report).replace("\xa0", " ")
    assert "**noop against noop\\_control**: the number itself costs" in render_markdown(report)
    stored = json.loads(render_json(report))["series"][0]["contrast"]
    assert stored["cost"]["estimate"] == contrast.cost.estimate


def test_a_control_that_costs_as_much_is_said(tmp_path: Path) -> None:
    outcome = behaviour({"original": 0.95, "noop": 0.3, "noop_control": 0.3}, trapped=0.9)
    series = series_of(tmp_path, outcome, "noop", "noop_control", templates=60, k=3)
    assert series.verdict.conclusions[0] == "distractible"
    assert "A clause without a number costs as much (" in said(series)
    assert "length or novelty, not the number, explains it." in said(series)
    plain = behaviour({"original": 0.95, "noop": 0.3, "noop_control": 0.3})  # the same without traps
    series = series_of(tmp_path / "plain", plain, "noop", "noop_control", templates=60, k=3)
    assert series.verdict.conclusions == ("sensitive",)
    assert "length or novelty, not the number, explains it." in said(series)


def test_too_little_data_leave_the_cause_open(tmp_path: Path) -> None:
    # noop loses 8 of 40 templates, the control 5 of them: neither a cost of the number nor its absence.
    def outcome(number: int, variant: str, index: int) -> str:
        lost = {"noop": 8, "noop_control": 5}.get(variant, 0)
        return "trap" if number < lost else "right"

    series = series_of(tmp_path, outcome, "noop", "noop_control")
    assert series.contrast is not None
    assert series.contrast.finding.kind == "no drop"
    assert "Whether the number is the cause stays open: a clause without one shows a drop [" in said(series)


def test_contrast_of_invalid_answers_is_not_estimable(tmp_path: Path) -> None:
    def outcome(number: int, variant: str, index: int) -> str:
        return "invalid" if variant == "noop_control" else "trap" if variant == "noop" else "right"

    series = series_of(tmp_path, outcome, "noop", "noop_control")
    assert series.contrast is not None
    assert series.contrast.cost is None
    assert "clauses without a number was invalid" in series.contrast.finding.sentence
    assert "What a clause without a number costs is not estimable: every answer" in said(series)


def test_more_inert_clauses_alone_are_not_called_distraction(tmp_path: Path) -> None:
    rates = {"original": 0.95, "noop2": 0.2, "symbolic_noop": 0.2}
    variants = ("noop", "noop2", "symbolic_noop")
    series = series_of(tmp_path, behaviour(rates, trapped=0.9), *variants, templates=60)
    assert series.verdict.conclusions == ("sensitive",)
    assert "Drop found on two inert clauses (noop2) " in said(series)
    rates["noop"] = 0.4
    series = series_of(tmp_path / "2", behaviour(rates, trapped=0.9), *variants, templates=60)
    assert series.verdict.conclusions == ("distractible",)
    assert " Likewise two inert clauses (noop2) " in said(series)
    assert "; other names and numbers, and an inert clause (symbolic_noop) " in said(series)


# --- pages -----------------------------------------------------------------------------------------


def test_pages_show_traps_and_factors(tmp_path: Path) -> None:
    outcome = behaviour({"original": 0.9, "noop": 0.3, "noop2": 0.3}, trapped=0.9)
    full_run(tmp_path, outcome).write()
    report = build_report(read_logs(tmp_path))
    page = render_html(report)
    assert "<h3>Which traps</h3>" in page
    assert "trapped: <bdi>answer - " in page
    assert page.count('<mark title="inert clause"> The bus has the number 80.</mark>') == 3
    assert "<bdi>mid text</bdi>" in page
    text = render_markdown(report)
    assert "### Which traps" in text
    assert "### By kind of inert clause" in text
    assert ", trapped: answer - " in text
    both = r"^inert: A neighbour keeps \d hens in a shed\. / The bus has the number 80\.$"
    assert re.search(both, text, re.MULTILINE)
    body = json.loads(render_json(report))["series"][0]
    assert {f["factor"] for f in body["factors"]} == {"family", "topic", "role", "magnitude", "position"}
    assert set(body["traps"][0]) == {"variant", "way", "given_right", "answers"}


def test_families_of_few_templates_are_left_to_the_data(tmp_path: Path) -> None:
    report = report_of(
        tmp_path, behaviour({"original": 0.9}), "noop", templates=9
    )  # 5 with hens, 4 with geese
    note = "Not shown: 1 family with fewer than 5 templates."
    for page in (render_html(report), render_markdown(report)):
        assert note in page
        assert "geese" not in re.sub(r"(?s)<details.class=.flips.*|<details><summary>Flip.*", "", page)
    assert {f["value"] for f in json.loads(render_json(report))["series"][0]["factors"]} >= {"geese", "hens"}


def test_hostile_families_and_ways_are_text(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>|[x](javascript:1)"

    def change(record: dict[str, Any]) -> None:
        record["doc"]["noop"][0]["family"] = hostile
        record["doc"]["noop"][0]["factors"]["topic"] = hostile
        for trap in record["doc"]["traps"]:
            trap["how"] = hostile

    run = Run(tmp_path).add("original", 6, behaviour({"original": 1.0}))
    run.add("noop", 6, behaviour({"original": 0.0}, trapped=1), change=change).write()
    report = build_report(read_logs(tmp_path))
    assert report.series[0].traps[0].way == "another way"
    page = render_html(report)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5
    text = render_markdown(report)
    assert "<script" not in text
    rows = [line for line in text.splitlines() if line.startswith("|") and "javascript" in line]
    assert len(rows) == 2
    assert all("](" not in row.replace("\\]\\(", "") for row in rows)
