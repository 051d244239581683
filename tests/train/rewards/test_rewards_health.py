"""Alarms: raised when they should be, once, and not otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest

from rote.train.rewards import Alarm, Health

CORRECT, FORMAT = "rewards/correctness/mean", "rewards/format/mean"


def run(steps: Iterable[dict[str, float]], **settings: float) -> list[Alarm]:
    health = Health(window=4, cold=6, **settings)  # type: ignore[arg-type]
    return [alarm for step, metrics in enumerate(steps, 1) for alarm in health.update(step, metrics)]


def names(alarms: list[Alarm]) -> list[str]:
    return [alarm.name for alarm in alarms]


def healthy(step: int) -> dict[str, float]:
    return {
        CORRECT: 0.2 + step / 100,
        FORMAT: 0.5 + step / 100,
        "frac_reward_zero_std": 0.3,
        "completions/clipped_ratio": 0.05,
        "reward": 0.3,
        "reward_std": 0.4,
        "kl": 0.02,
    }


def test_a_healthy_run_is_left_alone() -> None:
    assert run(healthy(step) for step in range(50)) == []


def test_a_cold_start_is_named_once_and_explains_the_rest() -> None:
    alarms = run([{CORRECT: 0.0, FORMAT: 0.0, "frac_reward_zero_std": 0.5, "reward_std": 0.0}] * 30)
    assert names(alarms) == ["cold_start"]
    assert alarms[0].step == 6
    assert "SFT" in alarms[0].message
    assert "`format`" in alarms[0].message


def test_a_cold_start_with_the_format_kept_wants_easier_data() -> None:
    (alarm,) = run([{CORRECT: 0.0, FORMAT: 0.9}] * 10)
    assert "easier data, more generations" in alarm.message


def test_right_answers_in_time_are_no_cold_start() -> None:
    assert run([{CORRECT: 0.0}] * 5 + [{CORRECT: 0.2}] * 20) == []


def test_a_right_answer_now_and_then_does_not_warm_a_run_up() -> None:
    (alarm,) = run([{CORRECT: 0.0}, {CORRECT: 0.01}] * 20)
    assert (alarm.name, alarm.value) == ("cold_start", pytest.approx(0.005))
    assert "0.5% of the answers were right" in alarm.message


@pytest.mark.parametrize(("right", "advice"), [(0.95, "harder data"), (0.1, "easier data")])
def test_groups_without_spread(right: float, advice: str) -> None:
    (alarm,) = run([{CORRECT: right, "frac_reward_zero_std": 0.9}] * 20)
    assert (alarm.name, alarm.step, alarm.value) == ("zero_spread", 4, pytest.approx(0.9))
    assert advice in alarm.message


def test_one_step_without_spread_is_no_alarm() -> None:
    steps = [{"frac_reward_zero_std": 1.0 if step % 4 == 0 else 0.0} for step in range(40)]
    assert run(steps) == []


@pytest.mark.parametrize("key", ["completions/clipped_ratio", "clipped_ratio"])
def test_clipped_responses(key: str) -> None:
    (alarm,) = run([{key: 0.4}] * 10)
    assert alarm.name == "clipped"
    assert "40%" in alarm.message


def test_format_that_rises_while_correctness_stands_still() -> None:
    alarms = run({CORRECT: 0.1, FORMAT: min(0.9, step / 20)} for step in range(30))
    assert names(alarms) == ["format_only"]


def test_format_that_rises_with_correctness() -> None:
    assert run({CORRECT: 0.1 + step / 100, FORMAT: min(0.9, step / 20)} for step in range(30)) == []


def test_a_collapse() -> None:
    steps = [{CORRECT: 0.5}] * 6 + [{CORRECT: 0.1}] * 10
    (alarm,) = run(steps)
    assert alarm.name == "collapse"
    assert "from 0.50 to" in alarm.message


def test_a_constant_reward_where_no_groups_are_told() -> None:
    assert names(run([{"reward_std": 0.0, "reward": 1.0}] * 10)) == ["constant"]


def test_a_policy_that_left_its_reference() -> None:
    assert names(run([{"kl": 30.0}] * 10)) == ["kl"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_reward_that_is_no_number(value: float) -> None:
    alarms = run([{"reward": value, CORRECT: math.nan}] * 10)
    assert names(alarms) == ["not_finite"]
    assert alarms[0].step == 1


def test_nothing_known_is_nothing_wrong() -> None:
    assert run([{}] * 50) == []
