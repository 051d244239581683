"""The ear of a stage: its log, when it saves and stops, what it tells."""

from __future__ import annotations

import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from rote.train.checkpoints import all_of
from rote.train.monitor import LOG, Monitor, Stop, read_log
from rote.train.recipe import CheckpointSpec
from rote.train.rewards import Health


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make(folder: Path, every: int = 0, minutes: float = 0, **more: Any) -> tuple[Monitor, io.StringIO, Clock]:
    out, clock = io.StringIO(), Clock()
    spec = CheckpointSpec(every_steps=every, every_minutes=minutes, keep=2)
    monitor = Monitor(folder, spec, **{"total": 10, "clock": clock, "out": out, **more})
    return monitor, out, clock


def test_a_line_of_the_log_is_json_whatever_a_metric_is(tmp_path: Path) -> None:
    monitor, out, clock = make(tmp_path)
    clock.now += 1.5
    monitor.log(1, {"loss": 2.0, "grad_norm": float("nan"), "lost": float("inf")})
    assert read_log(tmp_path) == [{"step": 1, "loss": 2.0, "grad_norm": None, "lost": None, "seconds": 1.5}]
    assert "step 1 of 10: loss 2" in out.getvalue()
    assert "grad_norm is nan at step 1: the run has diverged; lower the learning rate" in out.getvalue()


def test_a_resumed_run_drops_the_lines_that_are_done_again_and_counts_its_seconds_on(tmp_path: Path) -> None:
    monitor, _, clock = make(tmp_path)
    for step in (1, 2, 3):
        clock.now += 2
        monitor.log(step, {"loss": 1.0})
    with (tmp_path / LOG).open("a") as stream:
        stream.write('{"step": 4, "lo')
    again, _, clock = make(tmp_path, first=2)
    assert [line["step"] for line in read_log(tmp_path)] == [1, 2]
    clock.now += 1
    again.log(3, {"loss": 0.5})
    assert [line["seconds"] for line in read_log(tmp_path)] == [2, 4, 5]


def test_a_run_that_begins_again_begins_its_log_again(tmp_path: Path) -> None:
    monitor, _, _ = make(tmp_path)
    monitor.log(0, {"probe/original": 0.5})
    make(tmp_path)
    assert read_log(tmp_path) == []


def test_saving_by_steps_by_time_and_at_the_end(tmp_path: Path) -> None:
    monitor, _, _ = make(tmp_path, every=4)
    assert [step for step in range(1, 11) if monitor.step_done(step, None)[0]] == [4, 8, 10]
    by_time, _, clock = make(tmp_path, minutes=1)
    saved = []
    for step in range(1, 11):
        clock.now += 25
        if by_time.step_done(step, None)[0]:
            saved.append(step)
            folder = tmp_path / f"checkpoint-{step}"
            folder.mkdir()
            by_time.saved(folder)
    assert saved == [3, 6, 9, 10]
    assert [folder.name for folder in all_of(tmp_path)] == ["checkpoint-9", "checkpoint-10"]


def test_it_saves_and_stops_only_between_two_rounds(tmp_path: Path) -> None:
    stop = Stop()
    monitor, _, _ = make(tmp_path, every=3, round_=3, stop=stop)
    stop.asked = True
    assert [monitor.step_done(step, None) for step in (1, 2, 3)] == [
        (False, False),
        (False, False),
        (True, True),
    ]
    assert monitor.stopped


def test_asked_to_stop_at_the_last_step_a_run_is_done(tmp_path: Path) -> None:
    stop = Stop()
    stop.asked = True
    monitor, _, _ = make(tmp_path, stop=stop)
    assert monitor.step_done(10, None) == (True, False)
    assert not monitor.stopped


def test_signals_ask_once_and_end_the_second_time(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    now = [100.0]
    with Stop(clock=lambda: now[0]).listening() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.asked
        assert "SIGTERM: a checkpoint is written after this step" in capsys.readouterr().err
        now[0] += 0.5
        os.kill(os.getpid(), signal.SIGTERM)  # the same one, passed on by a parent
        now[0] += 1
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_probe_runs_at_its_steps_and_at_the_end_and_is_logged(tmp_path: Path) -> None:
    asked = []

    def probe(step: int, model: Any) -> dict[str, float]:
        asked.append(step)
        return {"original": 0.5, "drop": 0.25}

    monitor, _, _ = make(tmp_path, probe=probe, probe_every=4)
    for step in range(1, 11):
        monitor.step_done(step, None)
    assert asked == [4, 8, 10]
    assert [json.loads(line)["probe/drop"] for line in (tmp_path / LOG).read_text().splitlines()] == [
        0.25
    ] * 3


def test_alarms_are_told_and_kept(tmp_path: Path) -> None:
    class Cold:
        name, message = "cold_start", "no answer was right"

    monitor, out, _ = make(tmp_path, health=lambda step, metrics: [Cold()] if step == 2 else [])
    monitor.log(1, {"reward": 0.0})
    monitor.log(2, {"reward": 0.0})
    assert [alarm.name for alarm in monitor.alarms] == ["cold_start"]
    assert "cold_start at step 2: no answer was right" in out.getvalue()


def test_a_resumed_run_keeps_its_alarms_and_tells_none_twice(tmp_path: Path) -> None:
    def steps(monitor: Monitor, numbers: range) -> None:
        for step in numbers:
            reward = float("nan") if step == 3 else 1.0
            monitor.log(
                step, {"rewards/correctness/mean": 0.0, "reward": reward, "completions/clipped_ratio": 1}
            )

    def alarms(monitor: Monitor) -> list[tuple[str, int]]:
        return [(alarm.name, alarm.step) for alarm in monitor.alarms]

    whole, _, _ = make(tmp_path / "whole", health=Health().update, total=40)
    steps(whole, range(1, 41))
    assert alarms(whole) == [("not_finite", 3), ("clipped", 10), ("cold_start", 20)]

    broken, _, _ = make(tmp_path / "broken", health=Health().update, total=40)
    steps(broken, range(1, 16))
    again, out, _ = make(tmp_path / "broken", health=Health().update, total=40, first=12)
    assert alarms(again) == [("not_finite", 3), ("clipped", 10)]
    assert out.getvalue() == ""
    steps(again, range(13, 41))
    assert alarms(again) == alarms(whole)
    assert out.getvalue().count("rote train: ") == 1  # the cold start, of which all steps tell
    assert "cold_start at step 20" in out.getvalue()


def test_a_summary_says_what_was_done_and_where_to_read_more(tmp_path: Path) -> None:
    monitor, _, clock = make(tmp_path / "sft", health=Health().update)
    for step in (1, 2):
        clock.now += 40
        monitor.log(step, {"loss": 2.5 - step})
        monitor.step_done(step, None)
    monitor.log(2, {"probe/original": 0.5})
    log, curves = tmp_path / "sft" / LOG, tmp_path / "sft" / "curves.png"
    assert monitor.summary(curves) == (
        f"rote train: sft: 2 of 10 steps in 1 min 20 s; last loss 0.5; no alarm; see {log} and {curves}"
    )
    monitor.log(3, {"loss": 0.1, "reward": float("nan")})
    clock.now += 7200
    assert monitor.summary(None) == (
        f"rote train: sft: 2 of 10 steps in 2 h 1 min; last loss 0.1; alarms: not_finite; see {log}"
    )
    monitor.log(4, {"loss": 0.1, "reward": 0.75})
    assert "; last reward 0.75; " in monitor.summary(None)
