"""From logs to estimates and verdicts, on models whose behaviour is known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from log_factory import Outcome, Run, behaviour, full_run

from rote.errors import LogError, UsageError
from rote.reports import build_report, read_logs
from rote.reports.report import Report, SeriesReport, VariantResult
from rote.reports.statistics import cluster_wilson_interval
from rote.reports.verdicts import conclude, p_value, percent, points


def always(**answers: str) -> Outcome:
    """Each variant always answered one way; "right" where it is not named."""
    return lambda number, variant, index: answers.get(variant, "right")


def reported(folder: Path, outcome: Outcome, **settings: Any) -> SeriesReport:
    full_run(folder, outcome, **settings).write()
    (series,) = build_report(read_logs(folder)).series
    return series


def row(series: SeriesReport, variant: str) -> VariantResult:
    return next(v for v in series.variants if v.variant == variant)


def text(series: SeriesReport) -> str:
    return " ".join(series.verdict.sentences)


# --- estimates -------------------------------------------------------------------------------------


def test_numbers_by_hand(tmp_path: Path) -> None:
    # Templates 0..9, all originals right but 0's; of 2 variants each: 0 both right, 1..4 one, 5..9 none.
    def outcome(number: int, variant: str, index: int) -> str:
        if variant == "original":
            return "wrong" if number == 0 else "right"
        return "right" if number == 0 or (number < 5 and index == 0) else "wrong"

    run = Run(tmp_path).add("original", 10, outcome).add("numbers", 10, outcome, k=2)
    run.write()
    (series,) = build_report(read_logs(tmp_path)).series
    result = row(series, "numbers")
    assert result.drop is not None
    assert result.exchangeability is not None
    assert result.original_accuracy is not None
    assert result.original_accuracy.estimate == pytest.approx(0.9)
    assert result.accuracy.estimate == pytest.approx(0.3)
    assert (result.accuracy.templates, result.accuracy.instances) == (10, 20)
    assert result.drop.estimate == pytest.approx(0.6)
    assert (result.lost, result.won) == (14, 2)
    # m/(k+1): 2/3 for templates 0..4, 1/3 for 5..9; the observed sum is 9 of 10
    p_all = (2 / 3) ** 5 * (1 / 3) ** 5
    p_nine = p_all * (5 * (1 / 2) + 5 * 2)  # one miss among the first five, or among the last
    assert result.exchangeability.observed == 9
    assert result.exchangeability.expected == pytest.approx(5)
    assert result.exchangeability.p_exact == pytest.approx(p_all + p_nine)


def test_a_mean_is_rounded_once(tmp_path: Path) -> None:
    # Added one by one, thirds give another last digit in Python 3.11 than in 3.12, and in another order.
    rights = [(number * number + number) % 4 for number in range(40)]

    def outcome(number: int, variant: str, index: int) -> str:
        return "right" if variant == "original" or index < rights[number] else "wrong"

    Run(tmp_path).add("original", 40, outcome).add("numbers", 40, outcome, k=3).write()
    (series,) = build_report(read_logs(tmp_path)).series
    result = row(series, "numbers")
    accuracies = [Fraction(right / 3) for right in rights]
    drops = [Fraction(1 - right / 3) for right in rights]
    assert result.accuracy.estimate == float(sum(accuracies)) / 40
    assert result.drop is not None
    assert result.drop.estimate == float(sum(drops)) / 40


def test_k_instances_do_not_count_as_k_templates(tmp_path: Path) -> None:
    outcome = always(numbers="wrong")
    one = row(reported(tmp_path / "1", outcome, templates=20, k=1), "numbers").drop
    many = row(reported(tmp_path / "9", outcome, templates=20, k=9), "numbers").drop
    assert one is not None
    assert many is not None
    assert one.interval == many.interval


def test_unpaired_templates_count_in_the_accuracy_and_are_named(tmp_path: Path) -> None:
    outcome = behaviour({"original": 0.5})
    Run(tmp_path).add("original", 8, outcome).add("numbers", 12, outcome, k=2).add("noop", 5, outcome).write()
    report = build_report(read_logs(tmp_path))
    (series,) = report.series
    numbers = row(series, "numbers")
    assert numbers.drop is not None
    assert (numbers.drop.templates, numbers.accuracy.templates) == (8, 12)
    warnings = " ".join(report.warnings)
    assert "numbers: 4 of 12 templates have no original (bank/apples_0008, " in warnings
    assert "noop: 3 of 8 originals have no such variant" in warnings


def test_trapped_rates(tmp_path: Path) -> None:
    # Originals right on even templates; inert clauses trap on multiples of 4 and lose 2 mod 4 otherwise.
    def outcome(number: int, variant: str, index: int) -> str:
        if variant == "original":
            return "right" if number % 2 == 0 else "wrong"
        return "trap" if number % 4 == 0 else "wrong"

    Run(tmp_path).add("original", 20, outcome).add("noop", 20, outcome, k=3).write()
    (series,) = build_report(read_logs(tmp_path)).series
    noop = row(series, "noop")
    assert noop.trapped is not None
    assert noop.trapped_all is not None
    assert noop.trapped_all.estimate == pytest.approx(5 / 20)
    assert noop.trapped.estimate == pytest.approx(5 / 10)
    assert (noop.trapped.templates, noop.trapped.instances) == (10, 30)
    assert noop.trapped.interval == cluster_wilson_interval([0.0, 1.0] * 5, 30)
    assert noop.trapped_share_of_losses == pytest.approx(5 / 10)


def test_variants_without_traps_have_no_trapped_rate(tmp_path: Path) -> None:
    assert row(reported(tmp_path, behaviour({"original": 0.5})), "numbers").trapped is None


def test_models_and_settings_stand_side_by_side(tmp_path: Path) -> None:
    for i, model in enumerate(("a", "b")):
        for shots in (0, 8):
            full_run(
                tmp_path / f"{model}{shots}",
                behaviour({"original": 0.4 + 0.3 * i}),
                templates=10,
                model_args=f"pretrained={model}",
                shots=shots,
            ).write()
    report = build_report(read_logs(tmp_path))
    assert [s.label for s in report.series] == ["a · zero-shot", "a · 8-shot", "b · zero-shot", "b · 8-shot"]


def test_long_names_stay_distinct(tmp_path: Path) -> None:
    for i in range(3):
        name = f"organisation/{'a' * 60}{i}{'b' * 60}"
        full_run(tmp_path / str(i), always(), templates=2, model_args=f"pretrained={name}").write()
    labels = [s.label for s in build_report(read_logs(tmp_path)).series]
    assert len(set(labels)) == 3
    assert all(len(label) < 70 for label in labels)


def test_reports_are_deterministic(tmp_path: Path) -> None:
    full_run(tmp_path, behaviour({"original": 0.6}, trapped=0.5, invalid=0.1)).write()
    assert build_report(read_logs(tmp_path)) == build_report(read_logs(tmp_path))


# --- verdicts --------------------------------------------------------------------------------------


def test_solver(tmp_path: Path) -> None:
    series = reported(tmp_path, always(), templates=100)
    assert series.verdict.conclusions == ("no drop found",)
    assert "memoris" not in text(series)
    drop = row(series, "numbers").drop
    assert drop is not None
    assert drop.interval.low < 0 < drop.interval.high


def test_memoriser(tmp_path: Path) -> None:
    rates = {"original": 1.0, "numbers": 0.2, "symbolic": 0.2}
    series = reported(tmp_path, behaviour(rates), templates=50, k=5)
    assert series.verdict.conclusions[0] == "consistent with memorisation"
    assert text(series).startswith("Consistent with memorisation: accuracy falls by 79.6 points [70.9, 85.1]")
    assert "memorised" not in text(series)


def test_noisy_solver(tmp_path: Path) -> None:
    series = reported(tmp_path, behaviour({"original": 0.7}, salt="n"), templates=100, k=5)
    assert series.verdict.conclusions == ("no drop found",)


def test_distractible(tmp_path: Path) -> None:
    series = reported(tmp_path, behaviour({"original": 0.95, "noop": 0.2}, trapped=0.9), templates=60)
    assert series.verdict.conclusions == ("distractible",)
    assert "trapped on " in text(series)


def test_a_drop_on_noop_without_traps_is_not_distraction(tmp_path: Path) -> None:
    series = reported(tmp_path, behaviour({"original": 0.95, "noop": 0.2}, trapped=0.1), templates=60)
    assert series.verdict.conclusions == ("sensitive",)


def test_a_drop_where_steps_are_added_says_so(tmp_path: Path) -> None:
    series = reported(tmp_path, behaviour({"original": 0.95, "p2": 0.2}), templates=60)
    assert series.verdict.conclusions == ("sensitive",)
    assert "makes problems harder" in text(series)


def test_a_drop_on_names_is_no_memorisation(tmp_path: Path) -> None:
    series = reported(tmp_path, behaviour({"original": 1.0, "names": 0.3}), templates=60)
    assert series.verdict.conclusions == ("sensitive",)
    assert "memoris" not in text(series)


def test_gain_is_no_drop(tmp_path: Path) -> None:
    series = reported(tmp_path, always(original="wrong"), templates=30)
    assert row(series, "numbers").finding.kind == "gain"
    assert "answered better than originals" in text(series)


def test_test_and_interval_that_disagree_are_reported_as_such(tmp_path: Path) -> None:
    # Four discordant templates of 60, all lost: the exact test rejects, the adjusted interval holds 0.
    def outcome(number: int, variant: str, index: int) -> str:
        return "right" if variant == "original" or number >= 4 else "wrong"

    Run(tmp_path).add("original", 60, outcome).add("numbers", 60, outcome).write()
    (series,) = build_report(read_logs(tmp_path)).series
    result = row(series, "numbers")
    assert result.finding.kind == "no drop"
    assert result.exchangeability is not None
    assert result.exchangeability.p_mid == pytest.approx(0.5**5)
    assert "On numbers the exchangeability test rejects (p = 0.031), but" in text(series)
    assert series.verdict.conclusions == ("no drop found",)


def test_a_drop_without_a_rejecting_test_is_not_called_memorisation(tmp_path: Path) -> None:
    series = reported(tmp_path, always(numbers="wrong"), templates=30)
    numbers = row(series, "numbers")
    assert numbers.exchangeability is not None
    assert numbers.checks is not None
    weak = replace(numbers, checks=replace(numbers.checks, p_holm=0.2))
    assert conclude([numbers]).conclusions == ("consistent with memorisation",)
    verdict = conclude([weak])
    assert verdict.conclusions == ("sensitive",)
    assert (
        "Not called memorisation: the exchangeability test does not reject (p = 0.20)" in verdict.sentences[0]
    )


def test_checks_that_disagree_are_named(tmp_path: Path) -> None:
    numbers = row(reported(tmp_path, always(numbers="wrong"), templates=30), "numbers")
    checks = numbers.checks
    assert checks is not None
    assert checks.adjusted is not None
    assert checks.placebo is not None
    for change, words in (
        (
            {"adjusted": replace(checks.adjusted, p=0.3)},
            "adjusted for the measured covariates, originals are not special",
        ),
        (
            {"adjusted": None, "adjusted_reason": "why"},
            "no adjustment for the measured covariates is possible (why)",
        ),
        ({"placebo": replace(checks.placebo, p=0.01)}, "the placebo rejects, too"),
        ({"placebo": None, "placebo_reason": "why"}, "no placebo is possible (why)"),
        ({"against_reason": "why"}, "no comparison with reference models is possible (why)"),
    ):
        verdict = conclude([replace(numbers, checks=replace(checks, **change))])
        assert verdict.conclusions == ("sensitive",)
        assert words in verdict.sentences[0]


def test_one_instance_a_template_allows_no_placebo(tmp_path: Path) -> None:
    series = reported(tmp_path, behaviour({"original": 1.0, "numbers": 0.2, "symbolic": 0.2}), k=1)
    assert series.verdict.conclusions[0] == "sensitive"
    assert "no placebo is possible (no template has two instances)" in text(series)


def test_harder_draws_are_not_called_memorisation(tmp_path: Path) -> None:
    # Whatever is larger than 40 is answered wrong, and draws are larger: difficulty alone.
    def harder(record: dict[str, Any]) -> None:
        doc = record["doc"]
        number, original = int(doc["template_id"][-4:]), doc["variant"] == "original"
        largest = 10 + number % 20 + (0 if original else 10 * doc["index"] + 3 * (number % 3))
        doc["covariates"] = {"largest_number": largest}
        record["exact_match"] = float(largest <= 26)
        record["invalid"] = record["trapped"] = 0

    run = Run(tmp_path).add("original", 60, always(), change=harder)
    run.add("numbers", 60, always(), k=3, change=harder).write()
    (series,) = build_report(read_logs(tmp_path)).series
    numbers = row(series, "numbers")
    assert numbers.finding.kind == "drop"
    assert numbers.exchangeability is not None
    assert numbers.exchangeability.p_mid < 0.001
    assert "memorisation" not in " ".join(series.verdict.conclusions)
    assert "adjusted for the measured covariates" in text(series)


def test_reference_models(tmp_path: Path) -> None:
    memory = behaviour({"original": 1.0, "numbers": 0.3, "symbolic": 0.3})
    hard = behaviour({"original": 0.9, "numbers": 0.3, "symbolic": 0.3}, salt="r")
    fair = behaviour({"original": 0.7}, salt="f")
    for name, outcome in (("a", memory), ("hard", hard), ("fair", fair)):
        full_run(tmp_path / name, outcome, templates=60, model_args=f"pretrained={name}").write()
    runs = read_logs(tmp_path)
    for reference, conclusion in (("hard", "sensitive"), ("fair", "consistent with memorisation")):
        series = next(s for s in build_report(runs, references=[reference]).series if s.model == "a")
        assert series.verdict.conclusions[0] == conclusion
        checks = row(series, "numbers").checks
        assert checks is not None
        assert checks.against is not None
        assert checks.references == (reference,)
    with pytest.raises(UsageError, match="'b' is no model of these logs; they hold a, fair, hard"):
        build_report(runs, references=["b"])


def test_symbolic_without_a_drop_speaks_against_memorisation(tmp_path: Path) -> None:
    series = reported(tmp_path, always(numbers="wrong"), templates=30)
    assert row(series, "symbolic").finding.kind == "no drop"
    assert series.verdict.conclusions == ("sensitive",)
    assert "Not called memorisation: symbolic, which changes numbers too, shows no drop" in text(series)


@pytest.mark.parametrize("bad", ["numbers", "original"])
def test_all_invalid_is_neither_failure_nor_pass(tmp_path: Path, bad: str) -> None:
    Run(tmp_path).add("original", 10, always(**{bad: "invalid"})).add(
        "numbers", 10, always(**{bad: "invalid"})
    ).write()
    (series,) = build_report(read_logs(tmp_path)).series
    result = row(series, "numbers")
    assert result.drop is None
    assert result.finding.kind == "not estimable"
    assert "invalid" in result.finding.sentence
    assert series.verdict.conclusions == ("inconclusive",)


def test_many_invalid_answers_carry_a_caution(tmp_path: Path) -> None:
    series = reported(tmp_path, behaviour({"original": 0.9}, invalid=0.4), templates=60)
    assert any("commit to no number" in c for c in row(series, "numbers").finding.cautions)


def test_nothing_right_is_not_estimable(tmp_path: Path) -> None:
    series = reported(tmp_path, behaviour({"original": 0.0}), templates=20)
    assert {v.finding.kind for v in series.variants} == {"not estimable"}
    assert series.verdict.conclusions == ("inconclusive",)


def test_one_template_is_not_estimable(tmp_path: Path) -> None:
    series = reported(tmp_path, always(), templates=1, k=4)
    assert "only 1 template" in row(series, "numbers").finding.sentence
    assert row(series, "numbers").accuracy.interval is None


# --- pairing ---------------------------------------------------------------------------------------


def build(folder: Path, **options: Any) -> Report:
    return build_report(read_logs(folder), **options)


def test_originals_alone_are_refused(tmp_path: Path) -> None:
    Run(tmp_path).add("original", 4, always()).write()
    with pytest.raises(LogError, match=r"has originals \(bank_original\) but no variants") as caught:
        build(tmp_path)
    assert caught.value.path is not None
    report = build(tmp_path, unpaired=True)
    assert report.series[0].variants == ()
    assert any("originals only" in w for w in report.warnings)


def test_variants_alone_are_refused(tmp_path: Path) -> None:
    Run(tmp_path).add("symbolic", 4, always()).add("noop", 4, always()).write()
    with pytest.raises(LogError, match=r"has variants \(bank_noop, bank_symbolic\) but no originals"):
        build(tmp_path)
    (series,) = build(tmp_path, unpaired=True).series
    assert row(series, "noop").drop is None
    assert row(series, "noop").trapped is None  # nothing is known of the originals
    assert row(series, "noop").trapped_all is not None
    assert series.verdict.conclusions == ("inconclusive",)


def test_different_shots_are_not_paired(tmp_path: Path) -> None:
    Run(tmp_path / "a", shots=8).add("original", 4, always()).write()
    Run(tmp_path / "b", shots=0).add("numbers", 4, always()).write()
    with pytest.raises(LogError, match="another setting") as caught:
        build(tmp_path)
    assert "bank_numbers_zeroshot (zero-shot" in str(caught.value) or "bank_original (8-shot" in str(
        caught.value
    )


def test_disjoint_templates_are_refused(tmp_path: Path) -> None:
    run = Run(tmp_path).add("original", 4, always()).add("numbers", 8, always())
    run.samples["bank_numbers"] = run.samples["bank_numbers"][4:]
    run.write()
    with pytest.raises(LogError, match="of different templates") as caught:
        build(tmp_path)
    assert "bank/apples_0000" in str(caught.value)
    assert "bank/apples_0004" in str(caught.value)


def test_a_second_source_without_variants_only_warns(tmp_path: Path) -> None:
    full_run(tmp_path / "bank", always(), templates=5).write()
    Run(tmp_path / "gsm", source="gsm8k").add("original", 5, always()).write()
    report = build(tmp_path)
    assert [s.label.split(" · ")[-1] for s in report.series] == ["bank", "gsm8k"]
    assert any("originals only" in w for w in report.warnings)


# --- numbers in words ------------------------------------------------------------------------------


def test_points() -> None:
    assert [points(x) for x in (0.412, -0.05, 0.0, -0.0001, 1.0)] == [
        "41.2",
        "\u22125.0",
        "0.0",
        "0.0",
        "100.0",
    ]


def test_percent() -> None:
    assert [percent(x) for x in (0.0, 0.004, 0.62, 0.998, 1.0)] == ["0 %", "0.4 %", "62 %", "99.8 %", "100 %"]


def test_p_value() -> None:
    assert [p_value(x) for x in (0.0, 0.00009, 0.0022, 0.04, 1.0)] == [
        "< 0.0001",
        "< 0.0001",
        "0.0022",
        "0.040",
        "1.00",
    ]
