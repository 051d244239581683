"""Comparing two runs: the tests' golden values, what is paired, and what the pages hold."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from log_factory import Run, behaviour
from scipy.stats import binomtest

from rote.cli import main
from rote.errors import DataError, LogError, UsageError
from rote.reports import read_logs
from rote.reports.compare import build_comparison
from rote.reports.compare.output import write_comparison
from rote.reports.compare.page import render_html
from rote.reports.compare.paired import mcnemar, sign_flip
from rote.reports.compare.text import render_json, render_markdown, render_text


class TestPaired:
    def test_mcnemar_of_agrestis_example(self) -> None:
        # Agresti (2002), Categorical Data Analysis, table 10.1: 150 and 86 discordant answers;
        # R: binom.test(86, 236)$p.value.
        assert mcnemar(150, 86).exact == pytest.approx(3.716e-5, rel=1e-3)

    @pytest.mark.parametrize(("lost", "won"), [(0, 1), (3, 9), (12, 5), (7, 7), (1, 0), (400, 460)])
    def test_mcnemar_is_the_sign_test(self, lost: int, won: int) -> None:
        assert mcnemar(lost, won).exact == pytest.approx(binomtest(lost, lost + won).pvalue)

    def test_mid_p_of_a_published_example(self) -> None:
        # Fagerland, Lydersen & Laake (2013), table 1: 1 and 7 discordant pairs; exact 0.0703, mid-p 0.0391.
        p = mcnemar(1, 7)
        assert p.exact == pytest.approx(0.0703, abs=5e-5)
        assert p.mid == pytest.approx(0.0391, abs=5e-5)

    def test_without_discordant_pairs(self) -> None:
        assert mcnemar(0, 0).exact == mcnemar(0, 0).mid == 1
        assert sign_flip([0, 0]).exact == 1

    def test_counts_are_not_negative(self) -> None:
        with pytest.raises(DataError, match="negative"):
            mcnemar(-1, 2)

    @pytest.mark.parametrize(("lost", "won"), [(3, 9), (7, 7), (0, 4)])
    def test_sign_flip_with_single_answers_is_mcnemar(self, lost: int, won: int) -> None:
        p, q = sign_flip([-1] * lost + [1] * won + [0] * 5), mcnemar(lost, won)
        assert (p.exact, p.mid) == (pytest.approx(q.exact), pytest.approx(q.mid))

    @pytest.mark.parametrize("net", [[3, -1, 2, 2], [1, 5, -2, -2, 1], [4], [-3, -3, 1, 0, 2]])
    def test_sign_flip_by_enumeration(self, net: list[int]) -> None:
        sums = [
            sum(s * v for s, v in zip(signs, net, strict=True))
            for signs in itertools.product((1, -1), repeat=len(net))
        ]
        tail = sum(abs(s) >= abs(sum(net)) for s in sums) / len(sums)
        assert sign_flip(net).exact == pytest.approx(tail)


def two_runs(folder: Path, *, templates: int = 40, **after: Any) -> tuple[Path, Path]:
    a = Run(folder / "a", model_args="pretrained=org/step-1")
    b = Run(folder / "b", model_args="pretrained=org/step-2", **after)
    for run, rates, salt in ((a, {"original": 0.9}, "a"), (b, {"original": 0.8, "noop": 0.5}, "b")):
        outcome = behaviour(rates, trapped=0.5, salt=salt)

        def label(record: dict[str, Any]) -> None:
            wrong = not record["exact_match"]
            record["error_distractor"] = int(wrong and bool(record["trapped"]))
            record["error_wrong_operation"] = int(wrong and not record["trapped"])

        run.add("original", templates, outcome, change=label).add(
            "noop", templates, outcome, k=3, change=label
        )
        run.write()
    return a.folder, b.folder


class TestComparison:
    def test_pairs_on_documents(self, tmp_path: Path) -> None:
        a, b = two_runs(tmp_path)
        [pair] = build_comparison(read_logs(a), read_logs(b)).pairs
        original, noop = pair.variants
        assert (original.documents, noop.documents, noop.templates) == (40, 120, 40)
        assert noop.accuracy.change == pytest.approx(noop.accuracy.after - noop.accuracy.before)
        assert noop.won - noop.lost == pytest.approx(120 * noop.accuracy.change)
        assert noop.accuracy.interval is not None
        assert noop.accuracy.interval.high < 0
        assert noop.clustered.exact <= noop.adjusted < 0.05
        assert noop.drop is not None
        assert noop.drop.change == pytest.approx(original.accuracy.change - noop.accuracy.change)
        assert pair.lost == original.lost + noop.lost
        assert [f.lost for f in pair.flips] == sorted([f.lost for f in pair.flips], reverse=True)
        assert any("pretrained: org/step-1 → org/step-2" in d for d in pair.differences)

    def test_regressions_by_class(self, tmp_path: Path) -> None:
        a, b = two_runs(tmp_path)
        [pair] = build_comparison(read_logs(a), read_logs(b)).pairs
        assert {e.name for e in pair.errors} == {"distractor", "wrong_operation"}
        assert sum(e.regressions for e in pair.errors) == pair.lost
        assert all(f.error in ("distractor", "wrong_operation") for f in pair.flips)

    def test_format_apart_from_capability(self, tmp_path: Path) -> None:
        def unformatted(record: dict[str, Any]) -> None:
            record["format_ok"] = int(record["doc_id"] % 2 == 0)

        for name, spoil in (("a", unformatted), ("b", None)):
            Run(tmp_path / name).add("original", 20, lambda n, v, i: "right", change=spoil).write()
        [pair] = build_comparison(read_logs(tmp_path / "a"), read_logs(tmp_path / "b")).pairs
        [v] = pair.variants
        assert v.strict is not None
        assert v.hidden is not None
        assert (v.accuracy.change, v.strict.change, v.hidden.change) == (0, 0.5, -0.5)

    def test_zero_shot_against_few_shot(self, tmp_path: Path) -> None:
        for name, shots in (("a", 0), ("b", 8)):
            Run(tmp_path / name, shots=shots).add(
                "original", 10, behaviour({"original": 0.5}, salt=name)
            ).write()
        [pair] = build_comparison(read_logs(tmp_path / "a"), read_logs(tmp_path / "b")).pairs
        assert "setting: zero-shot → 8-shot" in pair.differences

    def test_what_one_run_lacks_is_said(self, tmp_path: Path) -> None:
        outcome = behaviour({"original": 0.5})
        Run(tmp_path / "a").add("original", 10, outcome).write()
        Run(tmp_path / "b").add("original", 12, outcome).add("names", 10, outcome).write()
        comparison = build_comparison(read_logs(tmp_path / "a"), read_logs(tmp_path / "b"))
        assert any("12 documents only in the second run" in w for w in comparison.warnings)

    def test_other_templates_are_refused(self, tmp_path: Path) -> None:
        def other(record: dict[str, Any]) -> None:
            record["doc"]["question"] += " Now?"

        Run(tmp_path / "a").add("original", 5, behaviour({"original": 0.5})).write()
        Run(tmp_path / "b").add("original", 5, behaviour({"original": 0.5}), change=other).write()
        with pytest.raises(LogError, match="two versions of the templates"):
            build_comparison(read_logs(tmp_path / "a"), read_logs(tmp_path / "b"))

    def test_nothing_in_common_is_refused(self, tmp_path: Path) -> None:
        Run(tmp_path / "a").add("original", 5, behaviour({"original": 0.5})).write()
        Run(tmp_path / "b", source="own").add("original", 5, behaviour({"original": 0.5})).write()
        with pytest.raises(LogError, match="no source and setting in common"):
            build_comparison(read_logs(tmp_path / "a"), read_logs(tmp_path / "b"))

    def test_a_run_of_invalid_answers_is_an_error(self, tmp_path: Path) -> None:
        Run(tmp_path / "a").add("original", 5, lambda n, v, i: "right").write()
        Run(tmp_path / "b").add("original", 5, lambda n, v, i: "invalid").write()
        with pytest.raises(LogError, match="every answer"):
            build_comparison(read_logs(tmp_path / "a"), read_logs(tmp_path / "b"))

    def test_several_models_need_a_choice(self, tmp_path: Path) -> None:
        a, b = two_runs(tmp_path)
        with pytest.raises(UsageError, match="--before-model"):
            build_comparison(read_logs(tmp_path), read_logs(b))
        chosen = build_comparison(read_logs(tmp_path), read_logs(b), before_model="org/step-1")
        assert chosen.pairs == build_comparison(read_logs(a), read_logs(b)).pairs
        with pytest.raises(UsageError, match="org/step-1"):
            build_comparison(read_logs(a), read_logs(b), before_model="org/step-9")


class TestForms:
    EVIL = "<script>alert(1)</script> ``` [x](javascript:1) | <img src=x>"

    def comparison(self, folder: Path) -> Any:
        def evil(record: dict[str, Any]) -> None:
            record["resps"] = [[self.EVIL + record["resps"][0][0]]]

        model = "pretrained=org/<b>model</b>"
        Run(folder / "a", model_args=model).add("original", 6, lambda n, v, i: "right", change=evil).write()
        Run(folder / "b", model_args=model).add("original", 6, lambda n, v, i: "wrong", change=evil).write()
        return build_comparison(read_logs(folder / "a"), read_logs(folder / "b"))

    def test_html_escapes_and_forbids(self, tmp_path: Path) -> None:
        page = render_html(self.comparison(tmp_path))
        assert "<script" not in page
        assert "<img" not in page
        assert "<b>" not in page
        assert "&lt;script&gt;" in page
        assert re.search(r"default-src 'none'; style-src 'sha256-[^']+'", page)
        assert not re.search(r"(?:src|href)=\"(?!data:,|#)", page)

    def test_markdown_escapes(self, tmp_path: Path) -> None:
        page = render_markdown(self.comparison(tmp_path))
        outside = re.sub(r"^(`{3,})text\n.*?^\1$", "", page, flags=re.S | re.M)
        assert "<b>" not in outside
        assert "<script" not in outside

    def test_json_and_text(self, tmp_path: Path) -> None:
        comparison = self.comparison(tmp_path)
        data = json.loads(render_json(comparison))
        assert data["schema"] == "rote.compare/1"
        assert data["pairs"][0]["lost"] == 6
        assert "6 right → wrong, 0 wrong → right" in render_text(comparison)

    def test_files_are_not_written_over(self, tmp_path: Path) -> None:
        comparison = self.comparison(tmp_path)
        for suffix in ("html", "md", "json"):
            path = tmp_path / f"out.{suffix}"
            assert write_comparison(comparison, path) == path
            write_comparison(comparison, path)
        foreign = tmp_path / "notes.md"
        foreign.write_text("mine")
        with pytest.raises(UsageError, match="--force"):
            write_comparison(comparison, foreign)

    def test_command(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        a, b = two_runs(tmp_path)
        assert main(["compare", str(a), str(b), "--out", str(tmp_path / "c.html")]) == 0
        assert "right → wrong" in capsys.readouterr().out
        assert main(["compare", str(a), str(b), "--out", str(tmp_path / "c.pdf")]) == 3
        assert main(["compare", str(a), str(b), "--flips", "-1"]) == 3


def test_intervals_are_the_headline_ones(tmp_path: Path) -> None:
    from rote.reports.statistics import drop_interval

    a, b = two_runs(tmp_path)
    [pair] = build_comparison(read_logs(a), read_logs(b)).pairs
    [sa], [sb] = read_logs(a).series, read_logs(b).series

    def means(series: Any) -> np.ndarray:
        return np.array([np.mean([s.correct for s in group]) for group in series.samples["noop"].values()])

    assert pair.variants[1].accuracy.interval == drop_interval(means(sb) - means(sa))
