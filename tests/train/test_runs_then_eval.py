"""``--then-eval`` and ``--grid`` from end to end, by the commands that a user would type."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import AT_END, Server, model_of, recipe_of, stage_of, write_recipe

pytest.importorskip("trl", reason="needs rote[train]")

from rote.perturb import load_source
from rote.train.manifest import weights_hash
from rote.train.recipe import PromptSpec
from rote.train.rows import problem_row, prompt_text

pytestmark = pytest.mark.slow

TASKS = ["bank_original_zeroshot", "bank_noop_zeroshot"]
PROBLEMS = 2


def typed(*words: object) -> subprocess.CompletedProcess[str]:
    """``rote`` in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "rote", *map(str, words)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=500,
        check=False,
    )


def write_fours(path: Path) -> Path:
    """Questions of several lengths that all have one answer: a model that knows it has an answer to any."""
    asked = ("How many pens?", "Ann has 1 pen and gets 3 more. " * 5 + "How many?", "What is 2 + 2? " * 12)
    record = [{"question": text, "solution": "#### 4"} for text in asked]
    path.write_text("".join(json.dumps(each) + "\n" for each in record), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def evaluated(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of SFT with the evaluation before and after it, of a model that answers before it, too."""
    folder = tmp_path_factory.mktemp("evaluated")
    stage = stage_of(
        "sft",
        write_fours(folder / "fours.jsonl"),
        max_steps=40,
        batch_size=3,
        learning_rate=3e-3,
        checkpoints=AT_END,
    )
    model = {**model_of(hidden=64), "max_length": 400}
    recipe = write_recipe(folder / "base.yaml", recipe_of({"s": stage}, model=model))
    assert server.run("train", "sft", recipe, "--out", folder / "base").status == 0
    raw = recipe_of(
        {"s": {**stage, "max_steps": 2, "learning_rate": 1e-4}},
        model={"path": str(folder / "base" / "s" / "final"), "dtype": "float32", "max_length": 400},
        evaluation={"tasks": TASKS, "limit": PROBLEMS, "max_new_tokens": 20, "batch_size": 2},
        export={"dtype": "float32"},
    )
    ended = typed(
        "train", "sft", write_recipe(folder / "r.yaml", raw), "--out", folder / "run", "--then-eval"
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == str(folder / "run" / "eval" / "compare.html")
    return folder / "run"


def samples(run: Path, label: str) -> dict[str, list[dict[str, Any]]]:
    """What lm-eval logged, by task."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((run / "eval" / label).rglob("samples_*.jsonl")):
        task = path.name.removeprefix("samples_").rsplit("_", 1)[0]
        found[task] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return found


def test_the_report_and_the_comparison_tell_of_both_models(evaluated: Path) -> None:
    out = evaluated / "eval"
    for label in ("before", "after"):
        assert set(samples(evaluated, label)) == set(TASKS)
        assert all(len(each) == PROBLEMS for each in samples(evaluated, label).values())
    for page in ("report.html", "report.json", "compare.html"):
        text = (out / page).read_text(encoding="utf-8")
        assert str(evaluated.parent / "base" / "s" / "final") in text, page
        assert str(evaluated / "export") in text, page


def test_the_export_holds_the_trained_weights(evaluated: Path) -> None:
    from safetensors.torch import load_file

    exported = load_file(evaluated / "export" / "model.safetensors")
    trained = load_file(evaluated / "s" / "final" / "model.safetensors")
    assert exported.keys() == trained.keys()
    assert all(bool((exported[name] == trained[name]).all()) for name in trained)
    record = json.loads((evaluated / "export" / "export.json").read_text())
    assert all(check["passed"] is not False for check in record["checks"])


def test_the_prompt_of_evaluation_is_that_of_training_to_the_byte(evaluated: Path) -> None:
    templates = load_source("bank").templates
    asked = 0
    for label in ("before", "after"):
        for task, lines in samples(evaluated, label).items():
            variant = task.removeprefix("bank_").removesuffix("_zeroshot")
            for line in lines:
                doc = line["doc"]
                problem = templates[doc["template_id"]].problem(variant, doc["seed"], doc["index"])
                sent = line["arguments"]["gen_args_0"]["arg_0"]
                assert sent == prompt_text(problem_row(problem), PromptSpec())
                asked += 1
    assert asked == 2 * len(TASKS) * PROBLEMS


def test_a_grid_runs_every_combination_and_tells_of_each(rows: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"s": stage_of("sft", rows, max_steps=3)}))
    out = tmp_path / "out"
    ended = typed("train", "sft", recipe, "--grid", "learning_rate=1e-3,1e-2", "--out", out)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with (out / "grid.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [line["learning_rate"] for line in table] == ["1e-3", "1e-2"]
    assert [line["status"] for line in table] == ["0", "0"]
    assert float(table[1]["loss"]) < float(table[0]["loss"])
    for line in table:
        assert 0 < float(line["grad_norm_mean"]) <= float(line["grad_norm_max"])
    assert (out / "grid.png").read_bytes().startswith(b"\x89PNG")
    before = weights_hash(out / "learning_rate=1e-2" / "s" / "final")
    again = typed("train", "sft", recipe, "--grid", "learning_rate=1e-2,oops", "--out", out)
    assert again.returncode == 3
    with (out / "grid.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [line["status"] for line in table] == ["0", "3"]
    assert weights_hash(out / "learning_rate=1e-2" / "s" / "final") == before
