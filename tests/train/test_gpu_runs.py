"""The recipes and rows of the runs on a GPU can be read, changed as the script does, and fit each other."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rote.perturb import load_source
from rote.train.recipe import Recipe, find_recipe, read_recipe

ROOT = Path(__file__).resolve().parents[2]
GPU = ROOT / "benchmarks" / "gpu"
ORGANISMS = ROOT / "organisms"
TEMPLATES = ORGANISMS.parent / "rote" / "organisms" / "templates"
RECIPES = (*sorted(GPU.glob("*.yaml")), ORGANISMS / "recipes" / "grpo.yaml")
SCRIPT = GPU / "run.sh"


def loaded(path: Path) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def longest() -> int:
    found = re.search(r"^longest=(\d+)$", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_can_be_read(path: Path) -> None:
    recipe = read_recipe(find_recipe(str(path)))
    assert list(recipe.stages) == [stage.algorithm for stage in recipe.stages.values()]


@pytest.mark.parametrize("name", ["grpo", "cold", "warmup", "ppo"])
def test_places_and_optimisers_are_given_on_the_command_line(name: str) -> None:
    path = ORGANISMS / "recipes" / "grpo.yaml" if name == "grpo" else GPU / f"{name}.yaml"
    stage = {"cold": "grpo", "warmup": "pretrain"}.get(name, name)
    rows = "parts" if stage == "pretrain" else "sources"
    changes = [
        f"stages.{stage}.data.{rows}.0.path=/rows",
        f"stages.{stage}.optimizer=adamw_8bit",
        "model.path=/model",
        "probe.source=/probe",
    ]
    recipe: Recipe = read_recipe(path, changes, stage)
    only: Any = recipe.stages[stage]
    sources = getattr(only.data, rows)
    assert sources[0].path == "/rows"
    assert only.optimizer == "adamw_8bit"
    assert (recipe.model.path, recipe.probe.source) == ("/model", "/probe")
    # The bank is kept for evaluation.
    assert only.data.decontaminate.against == ("bank",)
    # What the script asks of a model must hold all that is asked in training.
    assert recipe.model.max_length <= longest()
    # The probe's draws are not those that are trained on.
    seeds = {only.seed} if stage == "pretrain" else {s.seed for s in sources if s.source == "bank"}
    assert recipe.probe.seed not in seeds


def test_a_run_that_is_stopped_early_is_the_same_but_shorter() -> None:
    for path in (ORGANISMS / "recipes" / "grpo.yaml", GPU / "cold.yaml", GPU / "ppo.yaml"):
        for stage in read_recipe(path).stages.values():
            assert stage.schedule == "constant"


def test_the_script_knows_its_stages() -> None:
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    text = SCRIPT.read_text(encoding="utf-8")
    told = set(re.findall(r"run\.sh (\w+) WORK", text))
    cases = set(re.findall(r"^(\w+)\)$", text, re.MULTILINE))
    assert told == cases


def test_rows_for_grpo_have_clauses_of_the_families_for_training_alone(tmp_path: Path) -> None:
    rows = loaded(ORGANISMS / "recipes" / "grpo_rows.py")
    for_training = rows.training_families()
    table = (ORGANISMS / "families.tsv").read_text(encoding="utf-8").splitlines()[1:]
    held_out = {line.split("\t")[0] for line in table if line.endswith("\theld_out")}
    assert held_out
    assert not held_out & set(for_training)
    folder = tmp_path / "templates"
    folder.mkdir()
    for name in ("apprentice_wage", "bean_race"):
        text = (TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    path = tmp_path / "rows.jsonl"
    assert rows.write_rows(folder, path, (6, 2)) == 16
    written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    drawn = {}
    for template in load_source("known", folder).templates.values():
        for variant, seed, count in (("symbolic_noop", 1, 200), ("symbolic", 1, 2)):
            for problem in template.instances(variant, seed, count):
                drawn[problem.question] = problem
    chosen = [drawn[row["question"]] for row in written]
    families = {clause.family for problem in chosen for clause in problem.noop}
    assert families
    assert families <= set(for_training)
    assert sum(problem.variant == "symbolic" for problem in chosen) == 4
    assert all(row["solution"].endswith(f"#### {row['answer']}") for row in written)
    before = path.read_bytes()
    rows.write_rows(folder, path, (6, 2))
    assert path.read_bytes() == before


def test_runs_that_are_there_are_drawn(tmp_path: Path) -> None:
    for name, rise in (("cold", 0.0), ("warm", 0.05)):
        stage = tmp_path / name / "grpo"
        stage.mkdir(parents=True)
        log: list[dict[str, float | None]] = [{"step": 0, "probe/original": 0.1, "probe/numbers": 0.1}]
        log += [
            {
                "step": step,
                "reward": 0.1 + rise * step,
                "rewards/correctness/mean": rise * step,
                "frac_reward_zero_std": None if step == 2 else 0.5,
            }
            for step in range(1, 9)
        ]
        log.append({"step": 8, "probe/original": 0.1 + rise, "probe/numbers": 0.1})
        (stage / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log), encoding="utf-8")
    (tmp_path / "warm" / "grpo" / "stage.json").write_text('{"alarms": []}', encoding="utf-8")
    picture = tmp_path / "picture.png"
    line = [sys.executable, str(ROOT / "benchmarks" / "cold_start.py"), "--picture", str(picture), "--runs"]
    line += [f"GRPO alone={tmp_path / 'cold'}", f"after an SFT={tmp_path / 'warm'}"]
    told = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert "GRPO alone: right 0.0% → 0.0%" in told
    assert "it was stopped" in told
    assert "after an SFT: right 12.5% → 32.5%" in told
    assert "no alarm" in told
    assert picture.read_bytes().startswith(b"\x89PNG")
    line[-1] = f"after an SFT={tmp_path / 'nowhere'}"
    wrong = subprocess.run(line, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "expected NAME=FOLDER" in wrong.stderr
