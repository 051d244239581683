"""Planning: the variance of the design, what is detectable, and the command."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from log_factory import behaviour, full_run

from rote.cli import main
from rote.errors import DataError
from rote.reports.inference.power import (
    Design,
    assumed,
    best_choices,
    detectable,
    from_pilot,
    standard_error,
    templates_needed,
)
from rote.reports.statistics import drop_interval


def test_variance_by_hand() -> None:
    design = Design(0.01, 0.2, 0.16)
    assert design.variance(4) == pytest.approx(0.25)
    assert standard_error(design, 400, 4) == pytest.approx(math.sqrt(0.25 / 400 + 1 / 401**2))
    assert standard_error(design, 99, 4) == pytest.approx(math.sqrt(0.25 / 99 + 1e-4))
    # z at 97.5 % and 80 %
    assert detectable(design, 400, 4) == pytest.approx(
        (1.959963985 + 0.841621234) * math.sqrt(0.025**2 + 1 / 401**2), rel=1e-8
    )


def test_equal_difficulty_is_binomial() -> None:
    design = assumed(0.8, difficulty=0)
    assert (design.original, design.variant, design.tau2) == pytest.approx((0.16, 0.16, 0))


def test_templates_beat_variants_at_the_same_cost() -> None:
    # 5,100 problems either way; the ratio of the standard errors is that of the measured 3.45 and 1.29.
    design = assumed(0.72)
    few, many = standard_error(design, 100, 50), standard_error(design, 850, 5)
    assert 2.4 < few / many < 2.9
    best = best_choices(design, 5100)[0]
    assert best.k <= 3
    assert best.templates * (1 + best.k) == best.problems <= 5100


def test_a_bank_that_is_used_up_gets_variants() -> None:
    best = best_choices(assumed(0.72), 600, most_templates=100)[0]
    assert (best.templates, best.k) == (100, 5)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_templates_needed_is_the_least(k: int) -> None:
    design = assumed(0.8, tau=0.1)
    for drop in (0.02, 0.05, 0.2):
        g = templates_needed(design, drop, k)
        assert g is not None
        assert detectable(design, g, k) <= drop < detectable(design, g - 1, k)
    assert templates_needed(design, 0.0001, k) is None


@pytest.mark.parametrize(("templates", "k", "accuracy"), [(100, 3, 0.8), (400, 5, 0.5)])
def test_power_is_what_simulation_finds(templates: int, k: int, accuracy: float) -> None:
    design = assumed(accuracy, difficulty=0)
    drop = detectable(design, templates, k)
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(600):
        o = rng.random(templates) < accuracy
        v = (rng.random((templates, k)) < accuracy - drop).mean(axis=1)
        hits += drop_interval(o - v).low > 0
    # Standard error 1.6 points; the variants' variance at the lower accuracy is a little different.
    assert 0.72 < hits / 600 < 0.88


def test_pilot_finds_what_was_put_in() -> None:
    rng = np.random.default_rng(1)
    p = rng.choice([0.5, 0.9], 3000)
    o = (rng.random(3000) < p).astype(float).tolist()
    rows = (rng.random((3000, 4)) < p[:, None]).tolist()
    design = from_pilot(o, rows)
    noise = (0.25 + 0.09) / 2
    assert design.variant == pytest.approx(noise, abs=0.01)
    assert design.original == pytest.approx(noise, abs=0.02)


def test_a_pilot_without_any_spread_promises_nothing() -> None:
    design = from_pilot([1.0] * 20, [[True, True]] * 20)
    assert detectable(design, 20, 3) > 0.1


@pytest.mark.parametrize(
    "call",
    [
        lambda: assumed(1.0),
        lambda: assumed(0.5, tau=-1),
        lambda: from_pilot([1.0] * 3, [[True, False]] * 3),
        lambda: from_pilot([1.0] * 30, [[True]] * 30),
        lambda: detectable(assumed(0.5), 0, 1),
        lambda: templates_needed(assumed(0.5), 0, 1),
        lambda: best_choices(assumed(0.5), 3),
        lambda: detectable(assumed(0.5), 10, 1, power=1.0),
    ],
)
def test_bad_arguments(call) -> None:
    with pytest.raises(DataError):
        call()


def test_command_from_assumptions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["power", "--accuracy", "0.8", "--templates", "100", "--drop", "5", "--budget", "400"]) == 0
    out = capsys.readouterr().out
    assert "100 templates, 3 variants each: standard error" in out
    assert "A drop of 5 points takes" in out
    assert "Spend on 100 templates with 3 variants each." in out


def test_command_from_a_pilot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full_run(tmp_path, behaviour({"original": 0.7}), templates=40, k=3).write()
    assert main(["power", "--pilot", str(tmp_path), "--drop", "3"]) == 0
    assert "From 40 templates of org/model-a, 8-shot, numbers" in capsys.readouterr().out
    assert main(["power", "--pilot", str(tmp_path), "--model", "b", "--drop", "3"]) == 3
    assert "no series with originals and 'numbers' of 'b'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--accuracy", "0.8"], "nothing asked"),
        (["--drop", "5"], "either --pilot RESULTS or --accuracy"),
        (["--accuracy", "1.5", "--drop", "5"], "strictly between 0 and 1"),
        (["--accuracy", "0.5", "--drop", "500"], "at most 100"),
        (["--accuracy", "0.5", "--budget", "2"], "4 problems"),
        (["--accuracy", "0.5", "--templates", "5", "--variants", "0"], "at least 1"),
    ],
)
def test_command_refuses(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["power", *words]) == 3
    assert message in capsys.readouterr().err
