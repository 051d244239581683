"""``rote train pretrain`` from end to end: it learns, says what it did, goes on when it was broken off."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mixtures import SOME, bank_part, folder_of
from runs import Ended, Server, recipe_of, write_recipe

pytest.importorskip("trl", reason="needs rote[train]")

from rote.cli import main
from rote.train.checkpoints import all_of, fault
from rote.train.manifest import weights_hash
from rote.train.monitor import read_log

pytestmark = pytest.mark.slow

MODEL = {
    "path": "bowls",
    "dtype": "float32",
    "max_length": 200,
    "build": {"hidden": 32, "layers": 2, "heads": 2, "feed_forward": 64, "vocabulary": 420},
}
#: What of a log is about the clock.
CLOCK = ("seconds", "step_time", "tokens_per_second")


def stage_of(own: Path, **fields: Any) -> dict[str, Any]:
    """A stage whose shards have four batches or so, and whose log says something every other step."""
    parts = [
        {"source": "arithmetic", "weight": 1},
        bank_part(own, "symbolic", weight=0.5),
        bank_part(own, "original", repeats=1.5, planted=True),
    ]
    return {
        "algorithm": "pretrain",
        "data": {
            "parts": parts,
            "exclude": [{"path": str(own), "variants": ["original"]}],
            "shard": 60,
            "workers": 1,
            # All of the bank would take longer than the run.
            "decontaminate": {"against": [str(folder_of(own.with_name("evaluated"), bank=SOME[:1]))]},
        },
        "learning_rate": 3e-3,
        "schedule": "constant",
        "batch_tokens": 1600,
        "lengths": [100, 160],
        "max_steps": 8,
        "log_every": 2,
        "checkpoints": {"every_steps": 3, "every_minutes": 0},
        **fields,
    }


def log_of(stage: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k not in CLOCK} for line in read_log(stage)]


def test_a_run_that_is_killed_or_stopped_ends_as_one_that_was_not(
    own: Path, server: Server, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"p": stage_of(own)}, model=MODEL))
    events: dict[str, dict[str, Any] | None] = {
        "whole": None,
        # Between two lines of the log and in the middle of a shard.
        "step": {"at": "torch.optim:AdamW.step", "call": 5, "do": "kill"},
        # While the second checkpoint is half there: torch writes three files of each.
        "save": {"at": "torch:save", "call": 5, "do": "kill"},
        "term": {"at": "torch.optim:AdamW.step", "call": 5, "do": "term"},
    }
    out = {name: tmp_path / name for name in events}

    def run(name: str, *more: str, event: dict[str, Any] | None = None) -> Ended:
        return server.run("train", "pretrain", recipe, "--out", out[name], *more, event=event)

    first = {name: run(name, event=event) for name, event in events.items()}
    assert {name: ended.status for name, ended in first.items()} == {
        "whole": 0,
        "step": -9,
        "save": -9,
        "term": 130,
    }, first
    assert f"stopped; go on with --resume --out {out['term']}" in first["term"].printed
    assert [path.name for path in all_of(out["term"] / "p")] == ["checkpoint-3", "checkpoint-5"]
    assert fault(out["term"] / "p" / "checkpoint-5") is None

    second = {name: run(name, "--resume") for name in ("step", "save", "term")}
    assert {ended.status for ended in second.values()} == {0}, second
    expected = weights_hash(out["whole"] / "p" / "final")
    assert expected not in (None, weights_hash(out["whole"] / "base"))
    steps = log_of(out["whole"] / "p")
    assert [line["step"] for line in steps] == [2, 4, 6, 8]
    whole = json.loads((out["whole"] / "p" / "stage.json").read_text())
    for name in second:
        assert weights_hash(out[name] / "p" / "final") == expected, name
        assert log_of(out[name] / "p") == steps, name
        record = json.loads((out[name] / "p" / "stage.json").read_text())
        for key in (
            "tokens",
            "tokens_computed",
            "rows",
            "rows_left_out",
            "parts",
            "epochs_of_planted",
            "rows_hash",
        ):
            assert record[key] == whole[key], (name, key)
    assert json.loads((out["step"] / "p" / "stage.json").read_text())["resumed_from"] == "checkpoint-3"
    assert not list((out["save"] / "p").glob(".checkpoint-*"))

    # Other settings than the run began with.
    ended = server.run("train", "pretrain", recipe, "learning_rate=1e-4", "--out", out["step"], "--resume")
    assert ended.status == 3
    assert (
        "the run was made with stages.p.learning_rate = 0.003, and the recipe now says 0.0001"
        in ended.printed
    )


@pytest.fixture(scope="module")
def learned(own: Path, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of some more steps, on its own templates and their originals."""
    folder = tmp_path_factory.mktemp("learned")
    stage = stage_of(own, max_steps=60, log_every=10, checkpoints={"every_steps": 0, "every_minutes": 0})
    recipe = write_recipe(folder / "r.yaml", recipe_of({"pretrain": stage}, model=MODEL))
    ended = server.run("train", "pretrain", recipe, "--out", folder / "run")
    assert ended.status == 0, ended.printed
    assert str(folder / "run" / "pretrain" / "final") in ended.printed.splitlines()
    return folder / "run"


def test_it_learns(learned: Path) -> None:
    losses = [line["loss"] for line in read_log(learned / "pretrain")]
    assert len(losses) == 6
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.6 * losses[0]


def test_the_record_says_what_was_trained_on(learned: Path, own: Path) -> None:
    stage = json.loads((learned / "pretrain" / "stage.json").read_text())
    counts = [part["rows"] for part in stage["parts"]]
    assert [part["part"]["source"] for part in stage["parts"]] == ["arithmetic", "bank", "bank"]
    assert all(counts)
    assert stage["rows"] == {"arithmetic": counts[0], "bank": counts[1] + counts[2]}
    assert set(stage["rows_left_out"]) == {
        "longer than 160 tokens",
        "not enough rows of their length for a batch",
    }
    assert all(stage["rows_left_out"].values())
    assert stage["planted"] == ["own/brick_carts", "own/plum_bowls"]
    assert stage["epochs_of_planted"] == pytest.approx(counts[2] / 2)
    assert stage["steps"] == 60
    assert stage["tokens"] < stage["tokens_computed"] == 60 * 1600
    assert stage["cost"]["tokens_per_second"] > 0
    certificate = json.loads((learned / "pretrain" / "certificate.json").read_text())
    assert certificate["content_hash"] == stage["rows_hash"]
    assert certificate["rows_out"] == 0
    assert certificate["rows"] > 0


def test_another_stage_goes_on_from_its_weights(
    learned: Path, own: Path, server: Server, tmp_path: Path
) -> None:
    final = learned / "pretrain" / "final"
    stage = stage_of(own, max_steps=4, learning_rate=1e-4, log_every=1, seed=7)
    stage["data"]["parts"].append({"source": "linear", "weight": 0.1})
    model = {"path": str(final), "dtype": "float32", "max_length": 200}
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"more": stage}, model=model))
    ended = server.run("train", "pretrain", recipe, "--out", tmp_path / "run")
    assert ended.status == 0, ended.printed
    before = read_log(learned / "pretrain")
    after = read_log(tmp_path / "run" / "more")
    # It knows what the first run has learned, and is another model in the end.
    assert after[0]["loss"] < 0.8 * before[0]["loss"]
    assert weights_hash(tmp_path / "run" / "more" / "final") != weights_hash(final)
    record = json.loads((tmp_path / "run" / "more" / "stage.json").read_text())
    assert record["start"] == str(final)


def test_its_export_loads(learned: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    exported = tmp_path / "exported"
    final = str(learned / "pretrain" / "final")
    assert main(["export", final, str(exported), "--dtype", "float32"]) == 0, capfd.readouterr().err
    model = AutoModelForCausalLM.from_pretrained(exported)
    tokenizer = AutoTokenizer.from_pretrained(exported)
    assert model.config.model_type == "qwen2"
    assert tokenizer("12 + 30")["input_ids"]
    assert weights_hash(exported) is not None


def test_the_dry_run_says_what_would_be_done(
    own: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"pretrain": stage_of(own)}, model=MODEL))
    assert main(["train", "pretrain", str(recipe), "--dry-run"]) == 0
    printed = capfd.readouterr().out
    told = re.search(r"^  rows       (.+)$", printed, re.MULTILINE)
    assert told is not None, printed
    counts = {source: int(n) for n, source in (each.split() for each in told[1].split(", "))}
    # Two templates of 10 draws each, and each original once or twice.
    assert counts == {"arithmetic": 40, "own": pytest.approx(23, abs=1)}
    assert re.search(r"^  tokens     [\d,]+ a pass; the longest row has \d+", printed, re.MULTILINE)
    assert "  steps      8, on 80 rows\n" in printed
    assert "  memory     about " in printed
    assert "note: rows and tokens are those of the first shard; the stream goes on" in printed
    assert not (tmp_path / "runs").exists()


def test_control_c_stops_the_run_and_not_its_processes_alone(own: Path, tmp_path: Path) -> None:
    """A terminal tells every process of the run; those that make rows leave it to the run itself."""
    stage = stage_of(own, max_steps=100_000, log_every=1, checkpoints={"every_steps": 0, "every_minutes": 0})
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"p": stage}, model=MODEL))
    with subprocess.Popen(
        [sys.executable, "-m", "rote", "train", "pretrain", recipe, "--out", tmp_path / "run"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "step 3 of" in line:
                os.killpg(process.pid, signal.SIGINT)
        status = process.wait(60)
    printed = "".join(lines)
    assert status == 130, printed
    assert "Traceback" not in printed
    assert "stopped; go on with --resume" in printed
    (last,) = all_of(tmp_path / "run" / "p")
    assert fault(last) is None
