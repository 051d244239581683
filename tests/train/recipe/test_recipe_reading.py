"""Reading recipes: by name or path, with changes on top, and written again without a loss."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from recipes import whole, write

from rote.errors import DataError, UsageError
from rote.train.recipe import (
    GrpoStage,
    PpoStage,
    Recipe,
    SftStage,
    check_recipe,
    find_recipe,
    read_recipe,
    shipped,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path)


def test_a_file_comes_before_a_name(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_recipe(str(path)) == path
    assert find_recipe("tiny") == shipped()["tiny"]
    monkeypatch.chdir(tmp_path)
    write(tmp_path).rename("tiny")
    assert find_recipe("tiny") == Path("tiny")


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no recipe 'tinny': no such file.*; did you mean 'tiny'"):
        find_recipe("tinny")
    with pytest.raises(UsageError, match="; shipped are: control-format-reward, "):
        find_recipe("zzzzzz")


def test_changes_with_dots(path: Path) -> None:
    changes = (
        "model.path=other/model",
        "model.load_in_4bit=false",
        "stages.first.learning_rate=3e-6",
        "stages.first.data.sources.0.n=5",
        "stages.second.rewards.format=0",
        "adapter={kind: lora, targets: [q_proj]}",
        "probe.variants=[original, noop]",
        "evaluation.limit=null",
        " export.dtype = float16",
    )
    recipe = read_recipe(path, changes)
    first, second = recipe.stages["first"], recipe.stages["second"]
    assert isinstance(second, GrpoStage)
    assert recipe.model.path == "other/model"
    assert first.learning_rate == 3e-6
    assert first.data.sources[0].n == 5
    assert (second.rewards.format, second.rewards.correctness) == (0, 1)
    assert (recipe.adapter.kind, recipe.adapter.targets) == ("lora", ("q_proj",))
    assert recipe.probe.variants == ("original", "noop")
    assert recipe.evaluation.limit is None
    assert recipe.export.dtype == "float16"
    assert read_recipe(path).model.path == "some/model"


def test_a_later_change_wins(path: Path) -> None:
    assert read_recipe(path, ("name=a", "name=b")).name == "b"


def test_short_keys_are_of_the_last_stage_of_the_algorithm(tmp_path: Path) -> None:
    raw = whole()
    raw["stages"]["last"] = {**raw["stages"]["first"]}
    recipe = read_recipe(write(tmp_path, raw), ("learning_rate=1e-4", "data.sources.0.n=3"), "sft")
    assert recipe.stages["last"].learning_rate == 1e-4
    assert recipe.stages["last"].data.sources[0].n == 3
    assert recipe.stages["first"].learning_rate == 1e-5
    assert recipe.stages["first"].data.sources[0].n == 8
    changed = read_recipe(write(tmp_path, raw), ("rewards.trace=0.1", "generations=4"), "grpo")
    stage = changed.stages["second"]
    assert isinstance(stage, GrpoStage)
    assert (stage.rewards.trace, stage.generations) == (0.1, 4)


@pytest.mark.parametrize(
    ("change", "algorithm", "told"),
    [
        ("learning_rate", "sft", "'learning_rate' is not of the form key=value"),
        ("=3", "sft", "is not of the form key=value"),
        ("name={a: [", "sft", "the value is not YAML"),
        ("learning_rat=1", "sft", "no key of a recipe or of its sft stage; did you mean 'learning_rate'?"),
        ("generations=4", "sft", "no key of a recipe or of its sft stage"),
        ("zzzz=4", "ppo", "no key of a recipe or of its ppo stage; known: name, about"),
        ("modle.path=x", "sft", "did you mean 'model'?"),
        ("name.x=1", "sft", "name is 'small', a single value: nothing below it can be set"),
        ("stages.first.data.sources.1.n=1", "sft", "'1' is no place in a list of 1; it begins with 0"),
        ("stages.first.data.sources.x=1", "sft", "'x' is no place in a list of 1"),
    ],
)
def test_a_change_that_cannot_be_made(path: Path, change: str, algorithm: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_recipe(path, (change,), algorithm)
    assert told in str(caught.value)


def test_a_short_key_needs_a_stage(tmp_path: Path) -> None:
    raw = whole()
    del raw["stages"]["fourth"]
    with pytest.raises(UsageError, match="'kl' is a key of a stage, and the recipe has no ppo stage"):
        read_recipe(write(tmp_path, raw), ("kl=0.1",), "ppo")


def test_a_change_is_checked_as_the_file_is(path: Path) -> None:
    with pytest.raises(DataError, match=r"small.yaml \[model.pth\]: unknown key; did you mean 'path'"):
        read_recipe(path, ("model.pth=x",))
    with pytest.raises(DataError, match=r"\[stages.frist\]: algorithm is missing"):
        read_recipe(path, ("stages.frist.seed=1",))
    with pytest.raises(DataError, match=r"\[stages.first.learning_rate\].*got 'fast'"):
        read_recipe(path, ("learning_rate=fast",), "sft")


def test_numbers_without_a_dot_are_numbers(tmp_path: Path) -> None:
    """YAML 1.1 takes 1e-5 for a text."""
    text = yaml.safe_dump(whole()).replace("learning_rate: 1.0e-05", "learning_rate: 2e-5")
    path = tmp_path / "r.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_recipe(path).stages["first"].learning_rate == 2e-5


def test_a_change_to_one_stage_does_not_reach_another_by_an_alias(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "name: r\nabout: x\nmodel: {path: m}\nstages:\n"
        "  a: {algorithm: sft, learning_rate: 1.0e-5, data: &d {sources: [{source: linear}]}}\n"
        "  b: {algorithm: grpo, learning_rate: 1.0e-6, data: *d}\n",
        encoding="utf-8",
    )
    recipe = read_recipe(path, ("data.sources.0.n=7",), "grpo")
    assert recipe.stages["b"].data.sources[0].n == 7
    assert recipe.stages["a"].data.sources[0].n is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a recipe is a mapping, got NoneType"),
        ("- name", "a recipe is a mapping, got list"),
        ("name: {", "is not YAML"),
        ("name: a\nmodel: {path: m}\nname: b", "key 'name' is there twice, again in line 3"),
        ("stages:\n  a: {seed: 1}\n  a: {seed: 2}", "key 'a' is there twice, again in line 3"),
        ("model: &m {build: *m}", "is not YAML"),
        ("? [a]\n: b", "is not YAML"),
        ("model: 3", "[name]: is missing"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_recipe(path)
    assert "bad.yaml" in str(caught.value)
    assert told in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_recipe(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff")
    with pytest.raises(DataError, match="is not YAML"):
        read_recipe(tmp_path / "latin.yaml")


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_recipe_is_the_same_written_and_read_again(name: str, tmp_path: Path) -> None:
    recipe = read_recipe(find_recipe(name))
    assert again(recipe, tmp_path / "again.yaml") == recipe


def again(recipe: Recipe, path: Path) -> Recipe:
    """Written as a run's folder holds it, and read."""
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    return read_recipe(path)


rates = st.floats(1e-9, 1.0).filter(math.isfinite)
counts = st.integers(1, 64)
texts = st.text(min_size=1, max_size=20).filter(lambda text: "\x85" not in text)
shared: dict[str, st.SearchStrategy[Any]] = {
    "learning_rate": rates,
    "seed": st.integers(-(2**40), 2**40),
    "warmup": st.floats(0, 1),
    "optimizer": texts,
    "gradient_checkpointing": st.booleans(),
    "start": st.sampled_from(["previous", "base"]),
    "data": st.just(whole()["stages"]["first"]["data"]),
    "checkpoints": st.fixed_dictionaries({"every_minutes": st.floats(0, 1e6), "keep": counts}),
}
stages = st.one_of(
    st.fixed_dictionaries({"algorithm": st.just("sft"), "epochs": rates, "batch_size": counts, **shared}),
    st.fixed_dictionaries({"algorithm": st.just("grpo"), "generations": st.just(4), "beta": rates, **shared}),
    st.fixed_dictionaries({"algorithm": st.just("ppo"), "gamma": st.floats(0, 1), "kl": rates, **shared}),
)


@given(
    drawn=st.dictionaries(st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,8}\Z"), stages, min_size=1, max_size=4),
    about=texts,
    system=st.none() | texts,
)
def test_any_recipe_is_the_same_written_and_read_again(
    drawn: dict[str, Any], about: str, system: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    recipe = check_recipe(
        {
            "name": "drawn",
            "about": about,
            "model": {"path": "m"},
            "prompt": {"chat": True, "system": system},
            "stages": drawn,
        }
    )
    found = again(recipe, tmp_path_factory.mktemp("again") / "r.yaml")
    assert found == recipe
    assert list(found.stages) == list(drawn)
    kinds = {"sft": SftStage, "grpo": GrpoStage, "ppo": PpoStage}
    assert all(type(found.stages[name]) is kinds[drawn[name]["algorithm"]] for name in drawn)
