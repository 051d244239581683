"""The live gate over answers that arrive in batches: it stops early, agrees, and refuses what it must."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from log_factory import Outcome, Run, behaviour

from rote.errors import DataError
from rote.reports import read_logs
from rote.reports.gate import Baseline, from_runs, parse_policy
from rote.reports.gate.live import LiveGate

CHECKS = [
    {"variant": "original", "metric": "accuracy", "margin": 5, "tier": "critical"},
    {"variant": "noop", "metric": "drop", "margin": 10, "tier": "critical"},
]


def run(folder: Path, outcome: Outcome, templates: int = 200) -> Run:
    made = Run(folder).add("original", templates, outcome).add("noop", templates, outcome, k=2)
    made.write()
    return made


def baseline(folder: Path, templates: int = 200) -> Baseline:
    run(folder, behaviour({"original": 0.9}, salt="a"), templates)
    return from_runs(read_logs(folder))


def play(gate: LiveGate, made: Run, size: int = 10) -> None:
    """Feed a run's samples in random order of templates until the gate has decided."""
    order = sorted(gate.templates)
    random.Random(4).shuffle(order)
    for start in range(0, len(order), size):
        now = set(order[start : start + size])
        gate.feed(
            made.results,
            {t: [r for r in lines if r["doc"]["template_id"] in now] for t, lines in made.samples.items()},
        )
        if gate.decided:
            return


def gate_of(old: Baseline, *checks: dict[str, Any]) -> LiveGate:
    return LiveGate(old, parse_policy({"checks": list(checks) or CHECKS}))


@pytest.mark.parametrize(
    ("rates", "status", "most"),
    [
        ({"original": 0.4}, "fail", 60),
        ({"original": 0.9, "noop": 0.2}, "fail", 60),
        ({"original": 1.0}, "pass", 200),
    ],
)
def test_stops_when_decided(tmp_path: Path, rates: dict[str, float], status: str, most: int) -> None:
    gate = gate_of(baseline(tmp_path / "a"))
    play(gate, run(tmp_path / "b", behaviour(rates, salt="b")))
    made = gate.outcome("candidate")
    assert made.status == status
    seen = max(c.templates for c in made.checks)
    assert seen <= most
    assert f"{seen} of 200 templates" in made.live


def test_the_same_answers_pass_when_all_are_known(tmp_path: Path) -> None:
    gate = gate_of(baseline(tmp_path / "a", 30))
    play(gate, run(tmp_path / "a", behaviour({"original": 0.9}, salt="a"), 30))
    assert gate.outcome("candidate").exit_code == 0


def test_needs_only_the_tasks_of_its_checks(tmp_path: Path) -> None:
    assert gate_of(baseline(tmp_path, 20), CHECKS[0]).tasks == ("bank_original",)
    assert gate_of(baseline(tmp_path, 20)).tasks == ("bank_noop", "bank_original")


def test_invalid_answers_are_an_error(tmp_path: Path) -> None:
    gate = gate_of(baseline(tmp_path / "a", 60), CHECKS[0])
    play(gate, run(tmp_path / "b", lambda n, v, i: "invalid", 60))
    made = gate.outcome("candidate")
    assert (made.status, made.exit_code) == ("error", 3)


def test_before_any_answer_nothing_is_decided(tmp_path: Path) -> None:
    gate = gate_of(baseline(tmp_path, 20))
    assert not gate.decided
    assert gate.outcome("candidate").exit_code == 2


def test_other_settings_are_refused(tmp_path: Path) -> None:
    gate = gate_of(baseline(tmp_path / "a", 20))
    made = run(tmp_path / "b", behaviour({"original": 0.9}), 20)
    made.results["configs"]["bank_noop"]["description"] = "Be brief."
    with pytest.raises(DataError, match=r"prompts of noop \(description\)"):
        play(gate, made)


def test_a_template_comes_once_and_whole(tmp_path: Path) -> None:
    gate = gate_of(baseline(tmp_path / "a", 20))
    made = run(tmp_path / "b", behaviour({"original": 0.9}), 20)
    one = {
        t: [r for r in lines if r["doc"]["template_id"].endswith("_0003")]
        for t, lines in made.samples.items()
    }
    gate.feed(made.results, one)
    with pytest.raises(DataError, match="second time"):
        gate.feed(made.results, one)
    half = {
        t: [r for r in lines if r["doc"]["template_id"].endswith("_0004")][:1]
        for t, lines in made.samples.items()
    }
    with pytest.raises(DataError, match="lacks documents"):
        gate.feed(made.results, half)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ({**CHECKS[0], "source": "gsm8k"}, "no series"),
        ({**CHECKS[0], "variant": "names"}, "no answers to names"),
    ],
)
def test_what_the_baseline_lacks(tmp_path: Path, check: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        gate_of(baseline(tmp_path, 20), check)
