"""Tokens, GPU seconds and money of a report: from what logs hold, and a reason where they do not."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from log_factory import Run, behaviour

from rote.cli import main
from rote.errors import UsageError
from rote.reports import build_report, read_logs, render_text
from rote.reports.cost import ModelCost, check_price
from rote.reports.text import render_markdown

TELEMETRY = {
    "responses": 80,
    "prompt_tokens": {"total": 8000, "p50": 100.0, "p95": 120.0},
    "tokens": {"total": 3600, "p50": 45.0, "p95": 60.0},
}


def log(
    folder: Path,
    *,
    config: dict[str, Any] | None = None,
    seconds: Any = "90.0",
    date: Any = 1.0,
    time: str = "2026-03-05T10-11-12.345678",
    variants: tuple[str, ...] = ("original", "noop"),
    seed: int = 0,
    **settings: Any,
) -> Path:
    """A log of 40 templates whose results file has these values besides."""
    run = Run(folder, time=time, seed=seed, **settings)
    for variant in variants:
        run.add(variant, 40, behaviour({"original": 0.8}))
    run.write()
    run.results["config"] |= config or {}
    run.results |= {"total_evaluation_time_seconds": seconds, "date": date}
    run.results_path.write_text(json.dumps(run.results), encoding="utf-8")
    return folder


def costs(folder: Path, price: float | None = None) -> tuple[ModelCost, ...]:
    return build_report(read_logs(folder), price=price).costs


def vllm(folder: Path, arguments: str = "tensor_parallel_size=2,data_parallel_size=2", **more: Any) -> Path:
    return log(
        folder,
        model="rote-vllm",
        model_args=f"pretrained=org/model-a,{arguments}",
        config={"telemetry": TELEMETRY},
        **more,
    )


def test_tokens_gpu_seconds_and_money(tmp_path: Path) -> None:
    [found] = costs(vllm(tmp_path), 2.5)
    assert found == ModelCost("org/model-a", 1, 80, 8000, 3600, 90.0, 360.0, 0.25, ())
    assert found.tokens_per_gpu_second == 10.0
    [unpriced] = costs(tmp_path)
    assert unpriced == dataclasses.replace(found, money=None)


def test_runs_of_a_model_add_up_and_logs_of_one_process_count_once(tmp_path: Path) -> None:
    vllm(tmp_path / "a", seconds="90.0", date=1.0)
    # a second seed of the same process, whose log was written a little later
    vllm(tmp_path / "b", seconds="91.5", date=1.0, seed=1)
    assert [(c.runs, c.tokens, c.seconds, c.gpu_seconds) for c in costs(tmp_path)] == [(1, 3600, 91.5, 366.0)]
    vllm(tmp_path / "c", seconds="10.0", date=2.0, seed=2)
    assert [(c.runs, c.tokens, c.seconds, c.gpu_seconds) for c in costs(tmp_path)] == [
        (2, 7200, 101.5, 406.0)
    ]


def test_the_mark_of_a_sweep_says_what_the_job_held(tmp_path: Path) -> None:
    vllm(tmp_path / "m" / "slot" / "org__model-a", "dtype=auto")
    mark = {"run": {"seconds": 120.0, "gpus": 3, "host": "here", "job": "m"}}
    (tmp_path / "m" / "slot" / "sweep-0abc.json").write_text(json.dumps(mark))
    [found] = costs(tmp_path)
    assert (found.seconds, found.gpu_seconds) == (120.0, 360.0)
    (tmp_path / "m" / "slot" / "sweep-0abc.json").write_text('{"run": ')
    assert costs(tmp_path)[0].gpu_seconds == 90.0


@pytest.mark.parametrize(
    ("settings", "config", "environment", "gpu_seconds", "reason"),
    [
        ({"model": "hf"}, {"device": "cuda:1"}, None, 90.0, None),
        ({"model": "hf"}, {"device": "cpu"}, None, None, "tells no GPUs: it ran on the device cpu"),
        ({"model": "hf"}, {}, "Is CUDA available: True\nCUDA runtime", 90.0, None),
        ({"model": "hf"}, {}, "a\nIs CUDA available: False\n", None, "it ran on the device cpu"),
        ({"model": "hf"}, {}, None, None, "the log names no device"),
        (
            {"model": "hf", "model_args": "pretrained=m,parallelize=True"},
            {"device": "cuda"},
            None,
            None,
            "spread over GPUs that the log does not count",
        ),
        ({"model": "vllm", "model_args": "pretrained=m"}, {}, None, 90.0, None),
        (
            {"model": "vllm", "model_args": {"pretrained": "m", "tensor_parallel_size": 4}},
            {},
            None,
            360.0,
            None,
        ),
        (
            {"model": "vllm", "model_args": "pretrained=m,tensor_parallel_size=two"},
            {},
            None,
            None,
            "a parallel size is no whole number above 0",
        ),
        ({"model": "rote-budget", "model_args": "model=vllm,pretrained=m"}, {}, None, 90.0, None),
        ({"model": "rote-planted", "model_args": "behaviour=solver"}, {}, None, None, "a planted model"),
        ({"model": "local-completions", "model_args": "model=m"}, {}, None, None, "answers elsewhere"),
    ],
)
def test_gpus_are_those_that_the_log_names(
    tmp_path: Path,
    settings: dict[str, Any],
    config: dict[str, Any],
    environment: str | None,
    gpu_seconds: float | None,
    reason: str | None,
) -> None:
    log(tmp_path, config=config, **settings)
    [file] = tmp_path.glob("results_*.json")
    results = json.loads(file.read_text())
    file.write_text(json.dumps({**results, "pretty_env_info": environment}))
    [found] = costs(tmp_path, 1.0)
    assert found.gpu_seconds == gpu_seconds
    assert found.money == (None if gpu_seconds is None else gpu_seconds / 3600)
    assert found.tokens is None
    assert any("tells no tokens: its model does not measure them" in r for r in found.reasons)
    assert reason is None or any(reason in r for r in found.reasons)


@pytest.mark.parametrize("seconds", [None, "soon", "nan", "-1", True, {}, "inf"])
def test_seconds_that_are_none(tmp_path: Path, seconds: Any) -> None:
    [found] = costs(vllm(tmp_path, seconds=seconds), 2.0)
    assert (found.seconds, found.gpu_seconds, found.money) == (None, None, None)
    assert found.tokens_per_gpu_second is None
    assert found.reasons == ("tells no seconds: the log has no total_evaluation_time_seconds",)


@pytest.mark.parametrize(
    "telemetry", [None, [], "fast", {"tokens": 812}, {"tokens": {"total": -3}}, {"tokens": {"total": True}}]
)
def test_telemetry_of_another_shape_tells_nothing(tmp_path: Path, telemetry: Any) -> None:
    log(tmp_path, model="rote-vllm", config={"telemetry": telemetry})
    [found] = costs(tmp_path)
    assert found.tokens is None


def test_a_sum_is_given_only_where_every_run_tells(tmp_path: Path) -> None:
    vllm(tmp_path / "a", "dtype=auto")
    log(tmp_path / "b", model="rote-vllm", model_args="pretrained=org/model-a,dtype=auto", date=2.0, seed=1)
    [found] = costs(tmp_path)
    assert (found.runs, found.tokens, found.gpu_seconds) == (2, None, 180.0)
    assert found.reasons[0].startswith("1 of 2 runs tell no tokens")


# --- where it is shown -----------------------------------------------------------------------------


def test_the_section_is_in_every_format(tmp_path: Path) -> None:
    vllm(tmp_path / "a")
    log(tmp_path / "b", model="hf", model_args="pretrained=other", config={"device": "cpu"})
    report = build_report(read_logs(tmp_path), price=2.5)
    text = render_text(report)
    row = next(line for line in text.splitlines() if line.startswith("org/model-a") and "8,000" in line)
    assert row.split() == ["org/model-a", "1", "80", "8,000", "3,600", "90.0", "360.0", "10.0", "0.25"]
    assert "Not told, and why: other: tells no tokens" in text
    assert "GPU seconds / 3600 × 2.5, the price of a GPU hour" in render_markdown(report)
    out = tmp_path / "report.json"
    assert main(["report", str(tmp_path), "--price", "2.5", "--out", str(out)]) == 0
    content = json.loads(out.read_text())
    assert content["price"] == 2.5
    assert [cost["gpu_seconds"] for cost in content["costs"]] == [360.0, None]
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "report.html")]) == 0
    assert '<section class="part" id="cost"' in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_no_section_where_nothing_is_told(tmp_path: Path) -> None:
    log(tmp_path, model="rote-planted", model_args="behaviour=solver")
    assert "Tokens and time" not in render_text(build_report(read_logs(tmp_path)))
    asked = render_text(build_report(read_logs(tmp_path), price=1.0))
    assert "Tokens and time" in asked
    assert "a planted model needs none" in asked


def test_the_leaderboard_shows_and_offers_them(tmp_path: Path) -> None:
    vllm(tmp_path / "logs")
    site = tmp_path / "site"
    command = ["leaderboard", "build", str(tmp_path / "logs"), "--out", str(site)]
    assert main([*command, "--price", "2.5"]) == 0
    page = (site / "index.html").read_text(encoding="utf-8")
    assert '<table id="cost">' in page
    assert '<td class="n">360.0</td>' in page
    board = json.loads((site / "data" / "board.json").read_text())
    assert board["price_per_gpu_hour"] == 2.5
    assert board["costs"][0]["money"] == 0.25
    log(tmp_path / "quiet", model="rote-planted", model_args="behaviour=solver")
    assert main(["leaderboard", "build", str(tmp_path / "quiet"), "--out", str(site)]) == 0
    assert '<table id="cost">' not in (site / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("price", ["0", "-2", "nan", "inf"])
def test_prices_that_are_none(capsys: pytest.CaptureFixture[str], tmp_path: Path, price: str) -> None:
    vllm(tmp_path)
    for words in (
        ["report", str(tmp_path)],
        ["leaderboard", "build", str(tmp_path), "--out", str(tmp_path / "site")],
    ):
        assert main([*words, f"--price={price}"]) == 3
        assert "--price must be a number above 0, the price of one GPU hour" in capsys.readouterr().err
    with pytest.raises(UsageError):
        check_price(float(price))
