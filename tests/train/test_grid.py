"""Combinations of a grid, and the command lines of an evaluation before and after."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from runs import recipe_of, stage_of

from rote.errors import UsageError
from rote.train.grid import combinations, folder_of
from rote.train.recipe import Recipe, check_recipe
from rote.train.then_eval import clear, commands, export_command, run_all, tasks_of


def recipe(**parts: Any) -> Recipe:
    return check_recipe(recipe_of({"s": stage_of("sft", Path("sums.jsonl"))}, **parts))


def test_every_combination_the_last_axis_fastest() -> None:
    found = combinations(["learning_rate=1e-6, 1e-5", "stages.sft.epochs=1,2"])
    assert [tuple(each.values()) for each in found] == [
        ("1e-6", "1"),
        ("1e-6", "2"),
        ("1e-5", "1"),
        ("1e-5", "2"),
    ]
    assert folder_of(found[1]) == "learning_rate=1e-6,epochs=2"


@pytest.mark.parametrize("axis", ["epochs", "epochs=", "=1,2", "epochs=,"])
def test_an_axis_that_is_none(axis: str) -> None:
    with pytest.raises(UsageError, match=r"is not of the form key=value,value, such as epochs=1,2,3"):
        combinations([axis])


def test_an_axis_that_is_there_twice() -> None:
    with pytest.raises(UsageError, match="'epochs' is there twice"):
        combinations(["epochs=1", "epochs=2"])


@pytest.mark.parametrize(
    ("format", "first"),
    [
        ("hash", "bank_original_zeroshot"),
        ("tags", "bank_original_tags_zeroshot"),
        ("boxed", "bank_original_boxed_zeroshot"),
        ("instruct", "bank_original_instruct"),
    ],
)
def test_the_tasks_are_those_of_the_recipes_format(format: str, first: str) -> None:
    folder = Path(sys.modules["rote.train"].__path__[0]).parent / "tasks" / "bank"
    found = tasks_of(recipe(prompt={"format": format}))
    assert found[0] == first
    for task in found:
        assert len(list(folder.rglob(f"{task}.yaml"))) == 1, task


def test_the_commands_evaluate_both_models_alike(tmp_path: Path) -> None:
    spec = {"tasks": ["bank_noop_zeroshot"], "limit": 4, "max_new_tokens": 9, "batch_size": 2, "seed": 7}
    asked = recipe(evaluation=spec, prompt={"chat": True, "system": "Be brief."})
    before, after, *reports = commands(asked, "base", "export", tmp_path)
    assert [word.replace("base", "export").replace("before", "after") for word in before] == after
    line = " ".join(after[3:])
    for words in (
        "eval --model rote-hf --model_args pretrained=export,dtype=float32",
        "--tasks bank_noop_zeroshot",
        f"--output_path {tmp_path / 'after'}",
        "--batch_size 2",
        '--metadata {"rote": {"seed": 7}}',
        "--limit 4",
        "--gen_kwargs max_gen_toks=9",
        "--apply_chat_template --system_instruction Be brief.",
    ):
        assert words in line
    assert [each[3] for each in reports] == ["report", "report", "compare"]
    assert [Path(each[-1]).name for each in reports] == ["report.html", "report.json", "compare.html"]


@pytest.mark.parametrize(
    ("backend", "told"), [("hf", "revision=v2"), ("vllm", "revision=v2,tokenizer_revision=v2")]
)
def test_the_base_is_evaluated_at_the_recipes_revision(backend: str, told: str, tmp_path: Path) -> None:
    model = {"path": "some/model", "revision": "v2"}
    asked = recipe(model=model, evaluation={"backend": backend})
    before, after, *_ = commands(asked, "some/model", "export", tmp_path)
    assert f"pretrained=some/model,{told}," in " ".join(before)
    assert "revision" not in " ".join(after)
    folder = tmp_path / "model"
    folder.mkdir()
    assert "revision" not in " ".join(commands(asked, str(folder), "export", tmp_path)[0])


def test_the_export_is_as_the_recipe_says() -> None:
    asked = recipe(export={"dtype": "float16", "max_shard_gib": 0.5})
    line = export_command(asked, Path("final"), Path("out"))
    assert line[2:] == [
        *("rote", "export", "final", "out", "--force"),
        *("--dtype", "float16", "--max-shard-gib", "0.5"),
    ]


def test_the_command_that_fails_is_named() -> None:
    with pytest.raises(UsageError, match=r"exit status 7 from: -c raise SystemExit\(7\)"):
        run_all([[sys.executable, "-c", "pass"], [sys.executable, "-c", "raise SystemExit(7)"]])


def test_logs_of_an_earlier_evaluation_do_not_count_twice(tmp_path: Path) -> None:
    for name in ("before", "after", "kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text("{}")
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
