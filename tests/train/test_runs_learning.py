"""A model of 1.5 million weights learns: its loss falls by SFT, its reward rises by GRPO, RLOO and PPO."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from runs import AT_END, TAUGHT_STEPS, Server, data_of, recipe_of, stage_of, write_recipe

from rote.train.manifest import weights_hash
from rote.train.monitor import read_log
from rote.train.rows import Row, prompt_text
from rote.train.tokens import FIXTURE, prompt_ids

pytestmark = pytest.mark.slow

#: Rewards of the first and of the last steps are taken together over so many of them.
WINDOW = 4


def test_the_loss_of_sft_falls(taught: Path) -> None:
    log = read_log(taught / "sft")
    losses = [line["loss"] for line in log]
    assert losses[0] > 4
    assert losses[-1] < 0.6
    # A rise by chance is small beside the fall.
    assert all(later < earlier + 0.5 for earlier, later in pairwise(losses))
    assert [line["num_tokens"] for line in log] == sorted(line["num_tokens"] for line in log)


def test_the_manifest_says_what_the_run_was_made_of(taught: Path, rows: Path) -> None:
    manifest = json.loads((taught / "manifest.json").read_text())
    assert {"torch", "transformers", "trl", "peft", "accelerate"} <= manifest["versions"].keys()
    assert manifest["recipe"]["stages"]["sft"]["seed"] == 42
    assert manifest["recipe"]["model"]["build"]["hidden"] == 256
    assert len(manifest["recipe_hash"]) == 16
    assert manifest["base"] == {"path": str(taught / "base"), "hash": weights_hash(taught / "base")}
    stage = manifest["stages"]["sft"]
    assert stage == json.loads((taught / "sft" / "stage.json").read_text())
    assert stage["state"] == "done"
    assert stage["weights_hash"] == weights_hash(taught / "sft" / "final") != manifest["base"]["hash"]
    assert stage["rows"] == {f"jsonl/{rows.name}": 8}
    assert len(stage["rows_hash"]) == 64
    assert stage["steps"] == TAUGHT_STEPS
    assert stage["too_long"] == 0
    assert stage["cost"]["seconds"] > 0
    assert stage["cost"]["tokens_per_second"] > 0
    certificate = json.loads((taught / "sft" / "certificate.json").read_text())
    assert certificate["rows"] == 8
    assert (taught / "sft" / "curves.png").read_bytes().startswith(b"\x89PNG")
    weights = sum(path.stat().st_size for path in (taught / "base").glob("*.safetensors")) / 4
    assert 1e6 < weights < 2e6


def test_the_manifests_prompt_is_the_one_that_was_trained_on(taught: Path) -> None:
    from transformers import AutoTokenizer

    from rote.train.recipe import PromptSpec

    kept = json.loads((taught / "manifest.json").read_text())["prompt"]
    tokenizer = AutoTokenizer.from_pretrained(taught / "sft" / "final")
    fixture: Row = FIXTURE
    assert kept["text"] == prompt_text(fixture, PromptSpec())
    assert kept["ids"] == " ".join(map(str, prompt_ids(kept["text"], PromptSpec(), tokenizer)))
    assert kept["end_tokens"] == [tokenizer.eos_token_id]


def reward_stage(algorithm: str, rows: Path) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "data": {**data_of(rows), "n": 4},
        "learning_rate": 3e-4,
        "schedule": "constant",
        "max_steps": 14,
        "batch_size": 64,
        "max_completion": 20,
        "rewards": {"correctness": 1.0, "format": 0.2},
        "checkpoints": AT_END,
    }
    if algorithm == "ppo":
        fields |= {"learning_rate": 2e-4, "rollouts": 64, "mini_batch": 32, "kl": 0.01, "max_steps": 10}
    else:
        fields["generations"] = 16
    return stage_of(algorithm, rows, **fields)


def test_rewards_rise_by_grpo_rloo_and_ppo(server: Server, rows: Path, taught: Path, tmp_path: Path) -> None:
    model = {"path": str(taught / "sft" / "final"), "dtype": "float32", "max_length": 200}
    jobs = {}
    for algorithm in ("grpo", "rloo", "ppo"):
        raw = recipe_of({"s": reward_stage(algorithm, rows)}, model=model)
        recipe = write_recipe(tmp_path / f"{algorithm}.yaml", raw)
        jobs[algorithm] = server.start("train", algorithm, recipe, "--out", tmp_path / algorithm)
    for algorithm, job in jobs.items():
        ended = job.wait()
        assert ended.status == 0, ended.printed
        log = read_log(tmp_path / algorithm / "s")
        rewards = [line["reward"] for line in log if "reward" in line]
        right = [line["rewards/correctness/mean"] for line in log if "reward" in line]
        assert len(rewards) == (10 if algorithm == "ppo" else 14)
        assert fmean(rewards[-WINDOW:]) > fmean(rewards[:WINDOW]) + 0.15, (algorithm, rewards)
        # Not the format alone: more answers are right.
        assert fmean(right[-WINDOW:]) > fmean(right[:WINDOW]) + 0.15, (algorithm, right)
        assert 0 < fmean(right[:WINDOW]) < 0.7
        stage = json.loads((tmp_path / algorithm / "s" / "stage.json").read_text())
        assert stage["prompts"] == 4
        assert stage["weights_hash"] != weights_hash(taught / "sft" / "final")
