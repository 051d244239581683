"""Runs that are broken off and gone on with: the same weights and the same log as one that was left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runs import Ended, Server, recipe_of, stage_of, write_recipe

from rote.train.checkpoints import all_of, fault
from rote.train.manifest import weights_hash
from rote.train.monitor import read_log

pytestmark = pytest.mark.slow

LORA = {"kind": "lora", "r": 4, "alpha": 8, "targets": ["q_proj", "v_proj"]}
#: Algorithm, further fields of its stage, adapter, and updates of the weights a step.
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any] | None, int]] = {
    "sft": ("sft", {"accumulation": 2, "batch_size": 2}, None, 1),
    "grpo": ("grpo", {}, None, 1),
    "grpo-lora": ("grpo", {"beta": 0.1, "learning_rate": 0.1}, LORA, 1),
    "grpo-rounds": ("grpo", {"steps_per_generation": 2, "max_steps": 6}, None, 1),
    "rloo": ("rloo", {}, None, 1),
    "ppo": ("ppo", {}, None, 4),
}
#: What of a log is about the clock.
CLOCK = ("seconds", "step_time", "tokens_per_second")
#: Where transformers and our PPO write the state of the optimiser.
SAVE = "torch:save"


def log_of(stage: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k not in CLOCK} for line in read_log(stage)]


def saves_until_half(algorithm: str) -> int:
    """Files that torch writes until the second checkpoint is half there: 3 of each, transformers 4."""
    return 5 if algorithm == "ppo" else 6


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_is_killed_or_stopped_ends_as_one_that_was_not(
    case: str, server: Server, rows: Path, tmp_path: Path
) -> None:
    algorithm, fields, adapter, updates = CASES[case]
    parts = {} if adapter is None else {"adapter": adapter}
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"s": stage_of(algorithm, rows, **fields)}, **parts))
    events: dict[str, dict[str, Any] | None] = {
        "whole": None,
        "step": {"at": "torch.optim:AdamW.step", "call": 3 * updates + 1, "do": "kill"},
        "save": {"at": SAVE, "call": saves_until_half(algorithm), "do": "kill"},
        "term": {"at": "torch.optim:AdamW.step", "call": 2 * updates + 1, "do": "term"},
    }
    out = {name: tmp_path / name for name in events}

    def begin(name: str, *more: str, event: dict[str, Any] | None = None) -> Any:
        return server.start("train", algorithm, recipe, "--out", out[name], *more, event=event)

    jobs = {name: begin(name, event=event) for name, event in events.items()}
    first = {name: job.wait() for name, job in jobs.items()}
    assert {name: ended.status for name, ended in first.items()} == {
        "whole": 0,
        "step": -9,
        "save": -9,
        "term": 130,
    }, first
    assert f"stopped; go on with --resume --out {out['term']}" in first["term"].printed
    stopped = all_of(out["term"] / "s")[-1]
    assert fault(stopped) is None
    assert json.loads((out["term"] / "manifest.json").read_text())["stages"]["s"]["state"] == "stopped"

    again = {name: begin(name, "--resume") for name in ("step", "save", "term")}
    second: dict[str, Ended] = {name: job.wait() for name, job in again.items()}
    assert {ended.status for ended in second.values()} == {0}, second
    if algorithm != "ppo":  # which moves a folder to its place when it is whole
        assert "checkpoint-4 is not whole (it was not finished)" in second["save"].printed
        assert (out["save"] / "s" / "broken-checkpoint-4-1").is_dir()
    expected = weights_hash(out["whole"] / "s" / "final")
    assert expected is not None
    steps = log_of(out["whole"] / "s")
    assert [line["step"] for line in steps] == list(range(1, int(fields.get("max_steps", 5)) + 1))
    for name in second:
        assert weights_hash(out[name] / "s" / "final") == expected, name
        assert log_of(out[name] / "s") == steps, name
    assert weights_hash(out["whole"] / "base") != expected
    resumed = json.loads((out["step"] / "s" / "stage.json").read_text())["resumed_from"]
    assert resumed == "checkpoint-2"
