"""The gate: its three answers, its errors, what it refuses to compare, and what it writes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from log_factory import Run, behaviour, full_run
from scipy.stats import beta

from rote.cli import main
from rote.errors import DataError
from rote.reports import read_logs
from rote.reports.gate import (
    Baseline,
    CheckResult,
    Outcome,
    decide,
    from_runs,
    parse_baseline,
    parse_policy,
    render,
    render_baseline,
)
from rote.reports.gate.decide import Losses, bounds, one_sided_p, overall, still_needed

ACCURACY = {"variant": "original", "metric": "accuracy", "margin": 5, "tier": "critical"}
DROP = {"variant": "noop", "metric": "drop", "margin": 10, "tier": "supporting"}


def policy(*checks: dict[str, Any], **top: Any) -> Any:
    return parse_policy({"checks": list(checks) or [ACCURACY, DROP], **top})


def answered(
    folder: Path, rates: dict[str, float], *, salt: str = "s", templates: int = 60, **run: Any
) -> Baseline:
    outcome = behaviour(rates, salt=salt)
    full = Run(folder, **run).add("original", templates, outcome).add("noop", templates, outcome, k=2)
    return from_runs(read_logs(full.write()))


class TestPolicy:
    def test_defaults(self) -> None:
        made = policy(ACCURACY)
        assert (made.alpha, made.missing) == (0.05, "error")
        assert made.checks[0].name == "accuracy of original"
        assert made.checks[0].margin == 0.05

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ({"chekcs": []}, "did you mean 'checks'"),
            ({"checks": []}, "at least one check"),
            ({"checks": [{**ACCURACY, "margn": 3}]}, "did you mean 'margin'"),
            ({"checks": [{**ACCURACY, "tier": "critcal"}]}, "did you mean 'critical'"),
            ({"checks": [{**ACCURACY, "variant": "nop"}]}, "did you mean 'noop'"),
            ({"checks": [{**ACCURACY, "margin": 0}]}, "strictly between 0 and 100"),
            ({"checks": [{**ACCURACY, "margin": float("nan")}]}, "strictly between"),
            ({"checks": [{**ACCURACY, "margin": True}]}, "strictly between"),
            ({"checks": [{**ACCURACY, "metric": "drop"}]}, "no drop from itself"),
            ({"checks": [{**ACCURACY, "tier": "advisory"}]}, "could not fail"),
            ({"checks": [ACCURACY, ACCURACY]}, "its own name"),
            ({"checks": [ACCURACY], "alpha": 0.7}, "between 0 and 0.5"),
            ({"checks": [ACCURACY], "version": 2}, "reads version 1"),
            ({"checks": ["original"]}, "table of keys"),
            ({"checks": [{"variant": "original"}]}, "is missing"),
            (None, "is empty"),
        ],
    )
    def test_what_is_wrong_is_named(self, data: Any, message: str) -> None:
        with pytest.raises(DataError, match=message):
            parse_policy(data)


class TestBaseline:
    def test_round_trip(self, tmp_path: Path) -> None:
        made = from_runs(read_logs(full_run(tmp_path, behaviour({"original": 0.7}, invalid=0.1)).write()))
        text = render_baseline(made)
        assert parse_baseline(text) == made
        assert render_baseline(parse_baseline(text)) == text

    def test_is_compact(self, tmp_path: Path) -> None:
        made = answered(tmp_path, {"original": 0.7}, templates=100)
        assert len(render_baseline(made)) < 100 * 3 * 45

    @pytest.mark.parametrize(
        ("spoil", "message"),
        [
            (lambda t: t[: len(t) // 2], "not valid JSON"),
            (lambda t: t.replace("rote.baseline/1", "rote.baseline/9"), "must be 'rote.baseline/1'"),
            (lambda t: t.replace("0/0=1", "0/0=7", 1), "is no item"),
            (lambda t: t.replace('"noop":', '"nope":'), "is no variant"),
            (lambda t: '{"schema": "rote.baseline/1"}', "make it anew"),
            (lambda t: "[]", "schema"),
        ],
    )
    def test_a_spoilt_file_is_named(self, tmp_path: Path, spoil: Any, message: str) -> None:
        text = render_baseline(answered(tmp_path, {"original": 1.0}, templates=5))
        with pytest.raises(DataError, match=message):
            parse_baseline(spoil(text))


class TestNumbers:
    def test_the_interval_and_the_p_value_agree(self) -> None:
        rng = np.random.default_rng(3)
        for size in (40, 500):
            losses = Losses(rng.choice([-1.0, 0.0, 1.0], size, p=[0.1, 0.75, 0.15]).tolist(), 1.0)
            for alpha in (0.01, 0.05, 0.2):
                low, high = bounds(losses, alpha)
                assert one_sided_p(losses, high + 1e-6, below=True) < alpha
                assert one_sided_p(losses, high - 1e-6, below=True) > alpha
                assert one_sided_p(losses, low - 1e-6, below=False) < alpha
                assert one_sided_p(losses, low + 1e-6, below=False) > alpha

    def test_the_upper_bound_is_the_exact_one_where_it_is_known(self) -> None:
        # Clopper & Pearson (1934): 5 of 55.
        assert bounds(Losses([0.0] * 50 + [1.0] * 5, 1.0), 0.05)[1] == pytest.approx(beta.ppf(0.95, 6, 50))

    def test_templates_needed(self) -> None:
        values = [0.0] * 180 + [1.0] * 12 + [-1.0] * 8
        more = still_needed(Losses(values, 1.0), 0.05, 0.05)
        assert more is not None
        times = (len(values) + more) / len(values)
        grown = Losses(values * (int(times) + 1), 1.0)
        assert one_sided_p(grown, 0.05, below=True) < 0.05
        assert still_needed(Losses([0.0, 1.0], 1.0), 0.5, 0.05) is None

    @pytest.mark.slow
    @pytest.mark.parametrize("size", [100, 500])
    def test_wrong_passes_at_the_margin(self, size: int) -> None:
        rng = np.random.default_rng(11)
        runs, wrong = 2000, 0
        for _ in range(runs):
            values = rng.choice([1.0, 0.0, -1.0], size, p=[0.08, 0.89, 0.03])  # a loss of exactly 5 points
            wrong += one_sided_p(Losses(values.tolist(), 1.0), 0.05, below=True) < 0.05
        assert wrong / runs < 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


class TestDecision:
    @pytest.mark.parametrize(
        ("rate", "status", "exit_code"), [(0.9, "pass", 0), (0.3, "fail", 1), (0.84, "inconclusive", 2)]
    )
    def test_three_answers(self, tmp_path: Path, rate: float, status: str, exit_code: int) -> None:
        old = answered(tmp_path / "a", {"original": 0.9}, templates=120)
        new = answered(tmp_path / "b", {"original": rate}, templates=120)
        made = decide(old, new, policy(ACCURACY))
        assert (made.status, made.exit_code) == (status, exit_code)
        [check] = made.checks
        assert (check.needed is None) == (status != "inconclusive")
        assert check.before is not None
        assert check.after is not None
        assert check.loss == pytest.approx(check.before - check.after)

    def test_a_drop_that_grows_fails_though_originals_hold(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9}, templates=100)
        new = answered(tmp_path / "b", {"original": 0.9, "noop": 0.3}, templates=100)
        made = decide(old, new, policy())
        assert [c.status for c in made.checks] == ["pass", "fail"]
        assert made.exit_code == 1

    def test_tiers(self) -> None:
        def of(*pairs: tuple[str, str]) -> str:
            return overall([CheckResult("c", t, "s", s, 0.05) for t, s in pairs])  # type: ignore[arg-type]

        assert of(("critical", "pass"), ("advisory", "fail")) == "pass"
        assert of(("critical", "pass"), ("supporting", "inconclusive")) == "pass"
        assert of(("critical", "pass"), ("supporting", "fail")) == "fail"
        assert of(("critical", "inconclusive"), ("supporting", "pass")) == "inconclusive"
        assert of(("critical", "inconclusive"), ("supporting", "fail")) == "fail"
        assert of(("critical", "fail"), ("advisory", "error")) == "error"

    def test_holm_leaves_advisory_checks_alone(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9})
        new = answered(tmp_path / "b", {"original": 0.85}, salt="t")
        advisory = {**DROP, "tier": "advisory"}
        alone = decide(old, new, policy(ACCURACY)).checks[0]
        assert decide(old, new, policy(ACCURACY, advisory)).checks[0] == alone
        with_another = decide(old, new, policy(ACCURACY, DROP)).checks[0]
        assert with_another.p_pass is not None
        assert alone.p_pass is not None
        assert with_another.p_pass >= alone.p_pass

    def test_invalid_answers_are_an_error(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9})
        run = Run(tmp_path / "b").add("original", 60, lambda n, v, i: "invalid")
        made = decide(old, from_runs(read_logs(run.write())), policy(ACCURACY))
        assert (made.status, made.exit_code) == ("error", 3)
        assert "every answer of the candidate" in made.checks[0].reason

    def test_nothing_to_lose_is_an_error(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.0})
        made = decide(old, old, policy(ACCURACY))
        assert "nothing to lose" in made.checks[0].reason

    def test_a_missing_variant_is_an_error(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9})
        run = Run(tmp_path / "b").add("original", 60, behaviour({"original": 0.9}, salt="s"))
        made = decide(old, from_runs(read_logs(run.write())), policy())
        assert [c.status for c in made.checks] == ["pass", "error"]
        assert "candidate has no answers to noop" in made.checks[1].reason

    def test_missing_documents(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9})
        new = answered(tmp_path / "b", {"original": 0.9}, templates=50)
        made = decide(old, new, policy(ACCURACY))
        assert "lacks documents of 10 of 60 templates" in made.checks[0].reason
        ignored = decide(old, new, policy(ACCURACY, missing="ignore"))
        assert ignored.checks[0].templates == 50
        assert any("left out" in n for n in ignored.notes)

    def test_a_source_that_is_not_there(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9})
        made = decide(old, old, policy({**ACCURACY, "source": "gsm8k"}))
        assert made.exit_code == 3


class TestNotComparable:
    def refusal(self, old: Baseline, folder: Path, new: Run) -> str:
        with pytest.raises(DataError, match="not comparable") as caught:
            decide(old, from_runs(read_logs(folder)), policy(ACCURACY))
        return str(caught.value)

    def run(self, folder: Path, change: Any = None) -> Run:
        run = Run(folder).add("original", 20, behaviour({"original": 0.9}), change=change)
        run.write()
        return run

    def test_templates(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9}, templates=20)

        def other(record: dict[str, Any]) -> None:
            record["doc"]["question"] += " Really?"

        assert "templates of original (bank/apples_0000" in self.refusal(
            old, tmp_path / "b", self.run(tmp_path / "b", other)
        )

    def test_prompts_by_their_hash(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9}, templates=20)

        def other(record: dict[str, Any]) -> None:
            record["prompt_hash"] = "0" * 64

        assert "prompts of original" in self.refusal(old, tmp_path / "b", self.run(tmp_path / "b", other))

    @pytest.mark.parametrize(
        ("key", "value", "told"),
        [
            ("doc_to_text", "Q: {{question}}", "prompts of original (doc_to_text)"),
            ("description", "Be brief.", "prompts of original (description)"),
            ("generation_kwargs", {"do_sample": True}, "decoding of original (generation_kwargs)"),
            ("filter_list", [{"name": "x"}], "grader of original (filter_list)"),
            ("doc_to_target", "{{answer}}", "format of original (doc_to_target)"),
        ],
    )
    def test_settings(self, tmp_path: Path, key: str, value: Any, told: str) -> None:
        old = answered(tmp_path / "a", {"original": 0.9}, templates=20)
        run = self.run(tmp_path / "b")
        run.results["configs"]["bank_original"][key] = value
        run.results_path.write_text(json.dumps(run.results))
        assert told in self.refusal(old, tmp_path / "b", run)

    def test_another_number_of_shots(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9}, templates=20)
        Run(tmp_path / "b", shots=0).add("original", 20, behaviour({"original": 0.9})).write()
        told = self.refusal(old, tmp_path / "b", Run(tmp_path / "b"))
        assert "bank, 8-shot" in told
        assert "evaluated on bank, zero-shot" in told

    def test_another_format(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9}, templates=20)
        run = self.run(tmp_path / "b")
        scores = 'def process_results_boxed(doc, results):\n    return _process(doc, results, "boxed")\n'
        run.results["configs"]["bank_original"]["process_results"] = scores
        run.results_path.write_text(json.dumps(run.results))
        assert "format boxed" in self.refusal(old, tmp_path / "b", run)

    def test_task_version(self, tmp_path: Path) -> None:
        old = answered(tmp_path / "a", {"original": 0.9}, templates=20)
        run = self.run(tmp_path / "b")
        run.results["versions"]["bank_original"] = 2.0
        run.results_path.write_text(json.dumps(run.results))
        assert "grader of original (version)" in self.refusal(old, tmp_path / "b", run)


def outcome(checks: int, status: str = "fail", reason: str = "") -> Outcome:
    made = tuple(
        CheckResult(
            f"check {i} of <b>&\x00",
            "critical",
            "bank",
            status,
            0.02,
            50,
            0.9,
            0.8,
            0.1,
            0.05,
            0.15,
            1,
            0.001,
            9,
            reason,
        )  # type: ignore[arg-type]
        for i in range(checks)
    )
    return Outcome(overall(made), made, "old", "new | <script>", 0.05)


class TestForms:
    def test_a_comment_fits_and_says_what_is_cut_off(self) -> None:
        whole, cut = render.render_markdown(outcome(3)), render.render_markdown(outcome(2000))
        assert "Truncated" not in whole
        assert len(cut) < render.COMMENT_CHARACTERS
        assert "**Truncated:**" in cut
        assert "<script>" not in whole

    def test_a_summary_fits(self) -> None:
        text = render.render_summary(outcome(20_000))
        assert len(text.encode()) < render.SUMMARY_BYTES
        assert "Truncated" in text

    def test_junit_tells_errors_from_failures(self) -> None:
        for status, tag in (("fail", "failure"), ("error", "error"), ("inconclusive", "failure")):
            suite = ElementTree.fromstring(
                render.render_junit(outcome(2, status, "it\x1b <broke>")).split("\n", 1)[1]
            )[0]
            assert suite.get("tests") == "2"
            assert suite.get("errors") == ("2" if status == "error" else "0")
            assert all(case.find(tag) is not None for case in suite)
        suite = ElementTree.fromstring(render.render_junit(outcome(1, "pass")).split("\n", 1)[1])[0]
        assert [child.tag for child in suite[0]] == ["system-out"]

    def test_annotations_are_lines_and_bounded(self) -> None:
        lines = render.workflow_commands(outcome(30, "error", "two\nlines 100%"))
        assert len(lines) == 10
        assert all(
            line.startswith("::error title=rote gate%3A ") or "more are not shown" in line for line in lines
        )
        assert "two%0Alines 100%25" in lines[0]
        assert "21 more" in lines[-1]

    def test_json(self) -> None:
        data = json.loads(render.render_json(outcome(1)))
        assert (data["schema"], data["status"], data["exit_code"]) == ("rote.gate/1", "fail", 1)

    def test_no_line_of_text_is_a_command(self) -> None:
        made = Outcome(
            "pass", outcome(1, "error", "x\n::set-env name=a::b").checks, "::error::x", "y", 0.05, ("::z",)
        )
        assert not any(line.startswith("::") for line in render.render_text(made).splitlines())


class TestCommand:
    @pytest.fixture
    def files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for name in ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"):
            monkeypatch.delenv(name, raising=False)
        answered(tmp_path / "a", {"original": 0.9})
        answered(tmp_path / "b", {"original": 0.3})
        (tmp_path / "policy.yaml").write_text(
            "checks:\n- {variant: original, metric: accuracy, margin: 5, tier: critical}\n"
        )
        assert self.gate(tmp_path, "a", "--update-baseline") == 0
        return tmp_path

    def gate(self, folder: Path, logs: str, *more: str) -> int:
        words = ["gate", "--baseline", str(folder / "base.json"), "--candidate", str(folder / logs), *more]
        return main(
            words if "--update-baseline" in more else [*words, "--policy", str(folder / "policy.yaml")]
        )

    def test_decides_and_writes(
        self, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(files / "summary.md"))
        options = [
            "--junit",
            str(files / "j.xml"),
            "--json",
            str(files / "o.json"),
            "--markdown",
            str(files / "c.md"),
        ]
        assert self.gate(files, "b", *options) == 1
        assert "\n::error title=rote gate%3A accuracy of original%3A FAIL::" in capsys.readouterr().out
        assert "FAIL" in (files / "summary.md").read_text()
        assert json.loads((files / "o.json").read_text())["exit_code"] == 1
        assert (files / "c.md").read_text().startswith(render.MARK)
        assert self.gate(files, "a", *options) == 0
        assert json.loads((files / "o.json").read_text())["status"] == "pass"

    def test_errors_are_three_or_more_and_are_written(
        self, files: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert (
            self.gate(files, "nowhere", "--junit", str(files / "j.xml"), "--json", str(files / "o.json")) == 3
        )
        suite = ElementTree.parse(files / "j.xml").getroot()[0]
        assert (suite.get("errors"), suite.get("failures")) == ("1", "0")
        assert json.loads((files / "o.json").read_text())["status"] == "error"
        assert main(["gate", "--nonsense"]) == 3
        assert main(["gate", "--baseline", "x.json"]) == 3
        (files / "policy.yaml").write_text("checks: []\nchecks: []\n")
        assert self.gate(files, "a") == 3
        assert "is there twice" in capsys.readouterr().err

    def test_an_internal_error_is_no_failure(self, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr("rote.reports.gate.decide", broken)
        assert self.gate(files, "a") == 4

    def test_the_readers_warnings_are_shown(self, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
        [path] = (files / "a").glob("results_*.json")
        results = json.loads(path.read_text())
        results["results"]["bank_original"]["exact_match,none"] = "N/A"
        path.write_text(json.dumps(results))
        options = ["--json", str(files / "o.json"), "--markdown", str(files / "c.md")]
        assert self.gate(files, "a", *options) == 0
        captured = capsys.readouterr()
        told = [line for line in captured.err.splitlines() if line.startswith("rote gate: warning: ")]
        assert len(told) == 1
        assert "could not be compared" in told[0]
        assert "warning" not in captured.out
        [kept] = json.loads((files / "o.json").read_text())["warnings"]
        assert "could not be compared" in kept
        assert "- Warning: " in (files / "c.md").read_text()
        assert self.gate(files, "a", "--update-baseline") == 0
        assert "could not be compared" in capsys.readouterr().err

    def test_nan_is_named(self, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
        [path] = (files / "b").glob("samples_bank_original_*")
        path.write_text(path.read_text().replace('"exact_match": 1.0', '"exact_match": NaN', 1))
        assert self.gate(files, "b") == 3
        assert "exact_match" in capsys.readouterr().err

    def test_a_baseline_is_replaced_only_by_name(self, files: Path) -> None:
        before = (files / "base.json").read_text()
        self.gate(files, "b")
        assert (files / "base.json").read_text() == before
        (files / "base.json").write_text("mine")
        assert self.gate(files, "a", "--update-baseline") == 3
        assert (files / "base.json").read_text() == "mine"
