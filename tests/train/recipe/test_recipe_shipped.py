"""The recipes that come with rote: they read, and their numbers are the seeds'."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import rote
from rote.prompts import format_of
from rote.train.recipe import GrpoStage, PpoStage, Recipe, SftStage, find_recipe, read_recipe, shipped

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
NAMES = (
    "control-format-reward",
    "control-random-reward",
    "gemma-2b-it-lora-main",
    "gemma-2b-it-lora-socratic",
    "gemma-2b-it-sft-main",
    "gemma-2b-it-sft-socratic",
    "gemma-3-1b-grpo-cold",
    "gemma-3-1b-tags",
    "qwen2.5-1.5b-gsm8k",
    "qwen2.5-1.5b-linear",
    "robust",
    "tiny",
)


def recipe(name: str) -> Recipe:
    return read_recipe(find_recipe(name))


def sft(name: str) -> SftStage:
    stage = recipe(name).stages["sft"]
    assert isinstance(stage, SftStage)
    return stage


def grpo(name: str) -> GrpoStage:
    stage = recipe(name).stages["grpo"]
    assert isinstance(stage, GrpoStage)
    return stage


def differences(a: Any, b: Any, where: str = "") -> set[str]:
    """Where two mappings differ, as keys with dots."""
    if isinstance(a, dict) and isinstance(b, dict):
        return {
            found
            for key in a.keys() | b.keys()
            for found in differences(a.get(key), b.get(key), f"{where}.{key}".lstrip("."))
        }
    return set() if a == b else {where}


def test_all_are_shipped() -> None:
    assert tuple(shipped()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_recipe_reads_and_is_called_as_its_file(name: str) -> None:
    found = recipe(name)
    assert found.name == name
    assert len(found.about.split()) > 10


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("gemma")])
def test_a_gated_model_is_said_to_be(name: str) -> None:
    text = shipped()[name].read_text(encoding="utf-8")
    assert "gated: accept Gemma's licence" in text
    assert recipe(name).model.path.removeprefix("google/") in text


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("gemma-2b-it-sft-main", "train"),
        ("gemma-2b-it-sft-socratic", "train_socratic"),
        ("gemma-2b-it-lora-main", "train"),
        ("gemma-2b-it-lora-socratic", "train_socratic"),
    ],
)
def test_gemma_2b_sft(name: str, split: str) -> None:
    whole, stage = recipe(name), sft(name)
    assert whole.model.path == "google/gemma-2b-it"
    assert whole.prompt.format == "instruct"
    assert [(source.source, source.split) for source in stage.data.sources] == [("gsm8k", split)]
    assert stage.optimizer == "adamw_bnb_8bit"
    assert (stage.learning_rate, stage.schedule, stage.min_learning_rate) == (
        1e-5,
        "cosine_with_min_lr",
        1e-6,
    )
    assert (stage.epochs, stage.batch_size, stage.accumulation) == (1, 8, 2)
    assert stage.gradient_checkpointing
    if "lora" in name:
        adapter = whole.adapter
        assert (adapter.kind, adapter.r, adapter.alpha, adapter.targets) == ("lora", 16, 32, LINEAR)
    else:
        assert whole.adapter.kind == "none"


def test_gemma_2b_ppo_goes_on_from_full_sft_on_main() -> None:
    whole = recipe("gemma-2b-it-sft-main")
    assert list(whole.until("ppo")) == ["sft", "ppo"]
    stage = whole.stages["ppo"]
    assert isinstance(stage, PpoStage)
    assert stage.rewards.weights == {**dict.fromkeys(stage.rewards.weights, 0.0), "correctness": 1.0}
    assert (stage.learning_rate, stage.optimizer) == (5e-7, "adamw_8bit")
    assert (stage.ppo_epochs, stage.rollouts, stage.batch_size, stage.mini_batch) == (2, 512, 32, 2)
    assert (stage.kl, stage.value_weight, stage.entropy_weight, stage.clip) == (0.05, 0.1, 0.01, 0.2)
    assert (stage.gae_lambda, stage.gamma, stage.max_steps) == (0.95, 0.99, 100)


def test_qwen_on_linear_equations_sets_sft_against_grpo() -> None:
    whole = recipe("qwen2.5-1.5b-linear")
    assert (whole.model.path, whole.model.engine) == ("Qwen/Qwen2.5-1.5B-Instruct", "unsloth")
    assert whole.adapter.kind == "lora"
    assert list(whole.until("sft")) == ["sft"]
    assert list(whole.until("grpo")) == ["grpo"]
    assert {stage.start for stage in whole.stages.values()} == {"base"}
    assert {s.source for stage in whole.stages.values() for s in stage.data.sources} == {"linear"}
    assert grpo(whole.name).rewards.largest == grpo(whole.name).rewards.correctness == 1


def test_qwen_on_gsm8k_is_a_pipeline() -> None:
    whole = recipe("qwen2.5-1.5b-gsm8k")
    assert (whole.model.path, whole.model.engine) == ("Qwen/Qwen2.5-1.5B-Instruct", "unsloth")
    assert list(whole.until("grpo")) == ["sft", "grpo"]
    assert grpo(whole.name).rewards.largest == grpo(whole.name).rewards.correctness == 1


def test_gemma_3_tags() -> None:
    whole, first, then = recipe("gemma-3-1b-tags"), sft("gemma-3-1b-tags"), grpo("gemma-3-1b-tags")
    assert (whole.model.path, whole.prompt.format) == ("google/gemma-3-1b-it", "tags")
    assert (whole.adapter.kind, whole.adapter.r) == ("lora", 16)
    assert list(whole.until("grpo")) == ["sft", "grpo"]
    assert (first.learning_rate, first.epochs, first.batch_size * first.accumulation) == (1e-5, 2, 32)
    assert (then.generations, then.learning_rate, then.beta, then.max_steps) == (4, 3e-6, 0.03, 2000)
    assert (then.batch_size * then.accumulation, then.max_completion, then.seed) == (32, 1400, 42)
    assert then.checkpoints.every_minutes == first.checkpoints.every_minutes == 30
    assert then.rewards.seeds == then.rewards.largest == 1


def test_the_cold_start_lacks_nothing_but_sft() -> None:
    warm, cold = recipe("gemma-3-1b-tags").model_dump(), recipe("gemma-3-1b-grpo-cold").model_dump()
    assert differences(warm, cold) == {"name", "about", "stages.sft"}


@pytest.mark.parametrize("which", ["random", "format"])
def test_a_control_differs_in_its_reward_alone(which: str) -> None:
    real, control = recipe("qwen2.5-1.5b-gsm8k"), recipe(f"control-{which}-reward")
    found = differences(real.model_dump(), control.model_dump())
    assert {key for key in found if not key.startswith("stages.grpo.rewards.")} == {"name", "about"}
    rewards = grpo(control.name).rewards
    assert rewards.control
    assert rewards.weights == {**dict.fromkeys(rewards.weights, 0.0), which: 1.0}


def test_the_robust_recipe_pays_for_robustness_on_siblings_with_inert_clauses() -> None:
    stage = grpo("robust")
    assert {name for name, weight in stage.rewards.weights.items() if weight} == {
        "correctness",
        "format",
        "consistency",
        "inertness",
    }
    (source,) = stage.data.sources
    assert (source.source, source.split) == ("symbolized", "train")
    assert any("noop" in variant for variant in source.variants)
    # consistency needs siblings in one step
    assert len(source.variants) * source.draws > 1
    assert stage.batch_size * stage.accumulation // stage.generations >= len(source.variants) * source.draws


@pytest.mark.parametrize("name", NAMES)
def test_data_and_evaluation_stay_apart(name: str) -> None:
    for stage in recipe(name).stages.values():
        assert all(source.split.startswith("train") for source in stage.data.sources)
        if name != "tiny":
            assert stage.data.decontaminate is not None
            assert {"gsm8k/test", "bank"} <= set(stage.data.decontaminate.against)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_evaluated_is_there_and_asks_as_training_does(name: str) -> None:
    known = {path.stem for path in (Path(rote.__file__).parent / "tasks").rglob("*.yaml")}
    whole = recipe(name)
    for task in whole.evaluation.tasks:
        assert task in known
        assert task.endswith("_instruct" if whole.prompt.format == "instruct" else "_zeroshot")
        assert format_of(task, {}) == whole.prompt.format


@pytest.mark.parametrize("name", NAMES)
def test_no_key_stands_twice_in_a_file(name: str) -> None:
    class Strict(yaml.SafeLoader):
        pass

    def once(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        keys = [loader.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
        return loader.construct_mapping(node, deep=True)

    Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, once)
    assert yaml.load(shipped()[name].read_text(encoding="utf-8"), Strict)["name"] == name
