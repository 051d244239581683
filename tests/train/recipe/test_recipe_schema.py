"""What a recipe may hold: unknown keys, wrong values and rules across fields, each named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from recipes import put, whole

from rote.errors import DataError, UsageError
from rote.train.recipe import TERMS, Recipe, RewardSpec, check_recipe
from rote.train.recipe.describe import fields_text, parts, recipes_text
from rote.train.recipe.reading import shipped
from rote.train.recipe.rewards import PRESETS


def refused(raw: Any) -> str:
    """The message for a recipe that is not taken."""
    with pytest.raises(DataError) as caught:
        check_recipe(raw, Path("small.yaml"))
    return str(caught.value)


def test_a_whole_recipe_is_taken() -> None:
    recipe = check_recipe(whole())
    assert [stage.algorithm for stage in recipe.stages.values()] == ["sft", "grpo", "rloo", "ppo"]


@pytest.mark.parametrize(
    ("where", "near"),
    [
        ("modle", "model"),
        ("model.pth", "path"),
        ("model.build.hiden", "hidden"),
        ("adapter.rr", "r"),
        ("adapter.dropuot", "dropout"),
        ("prompt.fromat", "format"),
        ("probe.every_step", "every_steps"),
        ("evaluation.task", "tasks"),
        ("export.dtyp", "dtype"),
        ("stages.first.learning_rat", "learning_rate"),
        ("stages.first.epoch", "epochs"),
        ("stages.second.generation", "generations"),
        ("stages.second.scale_reward", "scale_rewards"),
        ("stages.third.betta", "beta"),
        ("stages.fourth.mini_batches", "mini_batch"),
        ("stages.fourth.gae_lamda", "gae_lambda"),
        ("stages.first.data.source", "sources"),
        ("stages.first.data.sources.0.splitt", "split"),
        ("stages.second.data.sources.0.varaints", "variants"),
        ("stages.first.data.decontaminate.ngrams", "ngram"),
        ("stages.second.rewards.corectness", "correctness"),
        ("stages.first.checkpoints.every_minute", "every_minutes"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest(where: str, near: str) -> None:
    raw = whole()
    raw["stages"]["first"]["data"] |= {"decontaminate": {}}
    *path, last = where.split(".")
    at: Any = raw
    for part in path:
        at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
    at[last] = 1
    message = refused(raw)
    assert "small.yaml" in message
    assert where in message
    assert f"unknown key; did you mean {near!r}?" in message


def test_a_key_like_none_is_told_all_that_there_are() -> None:
    message = refused(put("export.zzz", 1))
    assert "export.zzz" in message
    assert "unknown key; known: dtype, max_shard_gib" in message


def test_keys_of_other_algorithms_are_unknown() -> None:
    assert "stages.first.generations" in refused(put("stages.first.generations", 4))
    assert "stages.second.epochs" in refused(put("stages.second.epochs", 1))
    assert "stages.third.scale_rewards" in refused(put("stages.third.scale_rewards", "none"))
    assert "stages.fourth.vllm" in refused(put("stages.fourth.vllm", True))


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        ("stages.first.learning_rate", "fast", "valid number"),
        ("stages.first.learning_rate", 0, "greater than 0"),
        ("stages.first.learning_rate", -1e-5, "greater than 0"),
        ("stages.first.learning_rate", float("inf"), "finite"),
        ("stages.first.learning_rate", float("nan"), "n"),
        ("stages.first.warmup", 1.5, "less than or equal to 1"),
        ("stages.first.epochs", 0, "greater than 0"),
        ("stages.first.batch_size", 0, "greater than or equal to 1"),
        ("stages.first.batch_size", 2.5, "integer"),
        ("stages.first.schedule", "exponential", "'cosine_with_min_lr'"),
        ("stages.first.gradient_checkpointing", "perhaps", "boolean"),
        ("stages.first.checkpoints.keep", 0, "greater than or equal to 1"),
        ("stages.first.checkpoints.every_minutes", -1, "greater than or equal to 0"),
        ("stages.first.data.sources", [], "at least 1 item"),
        ("stages.first.data.sources.0.source", "gsm8", "'gsm8k'"),
        ("stages.first.data.sources.0.split", "test", "'train'"),
        ("stages.first.data.sources.0.variants", ["nop"], "unknown variant 'nop'; known: original"),
        ("stages.first.data.too_long", "cut", "'drop'"),
        ("stages.second.generations", 1, "greater than or equal to 2"),
        ("stages.second.top_p", 0, "greater than 0"),
        ("stages.second.temperature", 0, "greater than 0"),
        ("stages.second.vllm_memory", 1.1, "less than or equal to 1"),
        ("stages.second.loss", "ppo", "'dr_grpo'"),
        ("stages.fourth.gamma", 1.01, "less than or equal to 1"),
        ("stages.fourth.clip", 0, "greater than 0"),
        ("stages.first.start", "third", "'previous'"),
        ("model.max_length", 8, "greater than or equal to 16"),
        ("model.engine", "jax", "'unsloth'"),
        ("model.path", 7, "string"),
        ("model.build", {"hidden": 10, "heads": 4}, "multiple of 2"),
        ("prompt.format", "html", "known: hash, tags, boxed, instruct"),
        ("adapter.r", 0, "greater than or equal to 1"),
        ("name", "My Model", "pattern"),
        ("stages", {}, "at least 1 item"),
    ],
)
def test_a_wrong_value_is_named_with_its_field(where: str, value: Any, told: str) -> None:
    message = refused(put(where, value))
    assert where.removesuffix(".0") in message
    assert told in message, message
    if isinstance(value, str | int | float):
        assert str(value) in message


@pytest.mark.parametrize("where", ["name", "about", "model", "stages", "model.path", "stages.first.data"])
def test_a_missing_field_is_named(where: str) -> None:
    raw = whole()
    *path, last = where.split(".")
    at: Any = raw
    for part in path:
        at = at[part]
    del at[last]
    assert re.search(rf"{re.escape(where)}\W+is missing", refused(raw)), refused(raw)


def test_a_stage_needs_an_algorithm_that_there_is() -> None:
    raw = whole()
    del raw["stages"]["first"]["algorithm"]
    assert (
        "[stages.first]: algorithm is missing; it must be one of pretrain, sft, grpo, rloo, ppo"
        in refused(raw)
    )
    message = refused(put("stages.second.algorithm", "dpo"))
    assert "[stages.second]: algorithm is 'dpo'; it must be one of pretrain, sft, grpo, rloo, ppo" in message


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model.load_in_4bit": True}, "4-bit weights go with qlora"),
        ({"adapter": {"kind": "qlora"}}, "4-bit weights go with qlora"),
        ({"model.build": {}, "model.engine": "unsloth"}, "model.build goes with model.engine: hf"),
        (
            {"model.attention": "eager", "model.engine": "unsloth"},
            "model.attention is eager; unsloth chooses its kernels itself: leave it at auto",
        ),
        ({"stages.second.max_completion": 1024}, "below model.max_length (1024)"),
        ({"prompt.system": "Be brief."}, "goes with chat: true"),
        ({"stages.first.min_learning_rate": 1e-6}, "goes with schedule: cosine_with_min_lr"),
        (
            {"stages.first.min_learning_rate": 1e-4, "stages.first.schedule": "cosine_with_min_lr"},
            "above learning_rate 1e-05",
        ),
        ({"stages.second.generations": 3}, "is 8; it must be a multiple of generations (3)"),
        ({"stages.third.batch_size": 12}, "is 12; it must be a multiple of generations (8)"),
        (
            {"stages.second.steps_per_generation": 2, "stages.second.checkpoints": {"every_steps": 3}},
            "must be a multiple of steps_per_generation × iterations (2)",
        ),
        ({"stages.fourth.rollouts": 40}, "rollouts is 40; it must be a multiple of batch_size (32)"),
        ({"stages.fourth.mini_batch": 5}, "batch_size is 32; it must be a multiple of mini_batch (5)"),
        ({"stages.first.data.sources": [{"source": "traces"}]}, "source traces needs a path"),
        ({"stages.first.data.sources": [{"source": "jsonl"}]}, "source jsonl needs a path"),
        ({"stages.first.data.sources": [{"source": "bank"}]}, "source bank needs a path"),
    ],
)
def test_fields_that_do_not_go_together(changes: dict[str, Any], told: str) -> None:
    raw = whole()
    for where, value in changes.items():
        *path, last = where.split(".")
        at: Any = raw
        for part in path:
            at = at.setdefault(part, {})
        at[last] = value
    assert told in refused(raw)


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"correctness": 0, "format": 0}, "all weights are 0"),
        ({"correctness": 0, "format": 0.1}, "a reward without truth goes with control: true"),
        ({"correctness": 0, "format": 0, "trace": 1}, "a reward without truth"),
        ({"random": 0.5}, "random is 0.5; it goes with control: true"),
        ({"correctness": 1, "format": 0.3}, "format is 0.3, more than 0.2 of the largest reward (1.3)"),
        ({"correctness": 0.5, "format": 0, "trace": 0.3, "process": 0.3}, "a wrong answer could earn more"),
        ({"correctness": 1, "format": 0.1, "process": 0.5, "length": 0.5}, "a wrong answer could earn more"),
        ({"correctness": -1}, "greater than or equal to 0"),
        ({"correctness": float("nan")}, "finite"),
    ],
)
def test_rewards_that_are_not_honest(weights: dict[str, float], told: str) -> None:
    message = refused(put("stages.second.rewards", weights))
    assert "stages.second.rewards" in message
    assert told in message


@pytest.mark.parametrize("weights", [{"format": 1.0}, {"random": 1.0, "format": 0}])
def test_a_control_says_that_it_is_one(weights: dict[str, float]) -> None:
    zero = {"correctness": 0, **weights}
    with pytest.raises(ValidationError):
        RewardSpec.model_validate(zero)
    assert RewardSpec.model_validate({**zero, "control": True}).control


def test_every_preset_is_honest_or_a_control() -> None:
    for name, spec in PRESETS.items():
        assert spec.control == name.endswith("_control")
        assert spec.control or spec.margin > 0
        assert tuple(spec.weights) == TERMS


def test_until_ends_with_the_algorithm_and_begins_where_the_base_is_taken() -> None:
    recipe = check_recipe(whole())
    assert list(recipe.until("sft")) == ["first"]
    assert list(recipe.until("grpo")) == ["first", "second"]
    assert list(recipe.until("ppo")) == ["first", "second", "third", "fourth"]
    fresh = check_recipe(put("stages.third.start", "base"))
    assert list(fresh.until("grpo")) == ["first", "second"]
    assert list(fresh.until("rloo")) == ["third"]
    assert list(fresh.until("ppo")) == ["third", "fourth"]
    twice = whole()
    twice["stages"]["fifth"] = dict(twice["stages"]["first"])
    assert list(check_recipe(twice).until("sft")) == ["first", "second", "third", "fourth", "fifth"]


def test_until_names_the_stages_that_there_are() -> None:
    raw = whole()
    del raw["stages"]["third"], raw["stages"]["fourth"]
    with pytest.raises(UsageError, match=r"'small' has no ppo stage; its stages: first \(sft\), second"):
        check_recipe(raw).until("ppo")


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    found = set(model.__subclasses__())
    return found | {below for one in found for below in models(one)}


def test_every_field_says_what_it_is() -> None:
    from rote.train.recipe.base import Part

    for model in models(Part):
        assert model.model_config["extra"] == "forbid"
        assert model.model_config["frozen"]
        assert model.__doc__
        for key, field in model.model_fields.items():
            is_part = key in ("model", "adapter", "prompt", "probe", "evaluation", "export")
            nested = is_part or key in ("data", "rewards", "checkpoints", "algorithm")
            assert field.description or nested, f"{model.__name__}.{key}"


def test_the_schema_in_words() -> None:
    told = {where: {line.key: line for line in lines} for where, _, lines in parts()}
    assert told["stages.<name>"]["learning_rate"].allowed == "number > 0"
    assert told["stages.<name>"]["learning_rate"].default == "needed"
    assert told["stages.<name>.data"]["n"].allowed == "integer >= 1 or null"
    assert told["adapter"]["dropout"].allowed == "number >= 0, <= 1"
    assert told["export"]["max_shard_gib"].allowed == "number > 0"
    assert told["model"]["engine"].allowed == "hf, unsloth"
    assert told["probe"]["variants"].allowed == "list of texts"
    text = fields_text()
    assert all(line.key in text for lines in told.values() for line in lines.values())
    assert "tiny\n" in recipes_text(shipped())


def test_recipes_are_read_without_the_heavy_packages() -> None:
    program = """
import sys
for name in ("torch", "transformers", "trl", "peft", "datasets", "numpy", "lm_eval", "unsloth", "matplotlib"):
    sys.modules[name] = None
from rote.train.recipe import read_recipe, shipped
from rote.train.recipe.describe import fields_text, recipes_text
from rote.cli import main
for path in shipped().values():
    read_recipe(path)
assert fields_text() and recipes_text(shipped())
assert main(["train", "--recipes"]) == 0 and main(["train", "--fields"]) == 0
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_recipe_cannot_be_changed() -> None:
    recipe = check_recipe(whole())
    assert isinstance(recipe, Recipe)
    with pytest.raises(ValidationError, match="frozen"):
        recipe.name = "other"


def test_the_last_round_of_responses_is_used_up() -> None:
    stage = {
        "algorithm": "grpo",
        "data": {"sources": [{"source": "linear"}]},
        "learning_rate": 1e-6,
        "max_steps": 5,
        "steps_per_generation": 2,
        "checkpoints": {"every_steps": 0},
    }
    with pytest.raises(DataError, match=r"max_steps is 5; it must be a multiple of .* \(2\)"):
        check_recipe({"name": "r", "about": "r", "model": {"path": "m"}, "stages": {"s": stage}})
