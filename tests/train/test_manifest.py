"""The manifest: hashes that mean what they say, whole files, and the recipe of a run that goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import recipe_of, stage_of

from rote.errors import DataError, UsageError
from rote.train import manifest
from rote.train.recipe import Recipe, check_recipe


def recipe(**fields: object) -> Recipe:
    return check_recipe(recipe_of({"s": stage_of("sft", Path("sums.jsonl"), **fields)}))


def test_a_recipes_hash_is_of_all_that_it_says() -> None:
    assert manifest.recipe_hash(recipe()) == manifest.recipe_hash(recipe())
    assert manifest.recipe_hash(recipe()) != manifest.recipe_hash(recipe(seed=43))
    assert len(manifest.recipe_hash(recipe())) == 16


def test_the_hash_of_weights_is_of_the_files_and_not_of_where_they_lie(tmp_path: Path) -> None:
    assert manifest.weights_hash(tmp_path) is None
    for name, base, targets in (("a", "/here/base", ["q", "v"]), ("b", "/there/base", ["v", "q"])):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_bytes(b"\0" * 64)
        config = {"base_model_name_or_path": base, "r": 4, "target_modules": targets}
        (folder / "adapter_config.json").write_text(json.dumps(config))
    first = manifest.weights_hash(tmp_path / "a")
    assert first == manifest.weights_hash(tmp_path / "b")
    (tmp_path / "b" / "adapter_model.safetensors").write_bytes(b"\0" * 63 + b"\1")
    assert first != manifest.weights_hash(tmp_path / "b")
    (tmp_path / "a" / "adapter_config.json").write_text('{"r": 8, "target_modules": ["q", "v"]}')
    assert first != manifest.weights_hash(tmp_path / "a")


def test_files_that_are_no_manifest_are_named(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    with pytest.raises(DataError, match=r"manifest\.json: cannot be read"):
        manifest.read_json(path)
    path.write_text("{")
    with pytest.raises(DataError, match="is cut off or no JSON"):
        manifest.read_json(path)
    path.write_text("[]")
    with pytest.raises(DataError, match="must hold an object, got list"):
        manifest.read_json(path)


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    manifest.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        manifest.write_json(path, {"a": object()})
    assert manifest.read_json(path) == {"a": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["manifest.json"]


def test_another_recipe_is_refused_by_the_first_key_that_differs(tmp_path: Path) -> None:
    record = manifest.begin(tmp_path, recipe(), {"torch": "2.13.0"})
    path = tmp_path / manifest.FILE
    with pytest.raises(
        UsageError, match=r"made with stages\.s\.learning_rate = 0\.001, and .* now says 0\.01"
    ):
        manifest.check_same(record, recipe(learning_rate=0.01), {}, path)
    with pytest.raises(UsageError, match=r"stages\.s\.accumulation = 1, and the recipe now says 2"):
        manifest.check_same(record, recipe(accumulation=2), {}, path)


def test_a_manifest_of_something_else_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / manifest.FILE
    whole = manifest.begin(tmp_path, recipe(), {})
    for key in ("recipe", "versions", "stages"):
        lacking = {name: value for name, value in whole.items() if name != key}
        with pytest.raises(DataError, match=rf"manifest\.json.*{key}.*has no table '{key}'"):
            manifest.check_same(lacking, recipe(), {}, path)
        with pytest.raises(DataError, match=rf"manifest\.json.*{key}.*must be a table, got \['x'\]"):
            manifest.check_same({**whole, key: ["x"]}, recipe(), {}, path)


def test_what_comes_after_training_may_change_and_versions_are_told(tmp_path: Path) -> None:
    record = manifest.begin(tmp_path, recipe(), {"torch": "2.13.0", "trl": "1.14.0"})
    later = recipe().model_copy(update={"evaluation": recipe().evaluation.model_copy(update={"limit": 3})})
    changed = manifest.check_same(record, later, {"torch": "2.13.0", "trl": "1.16.0"}, tmp_path)
    assert changed == ["trl 1.14.0 → 1.16.0"]


def test_fields_that_came_after_the_run_began_are_at_their_defaults(tmp_path: Path) -> None:
    record = manifest.begin(tmp_path, recipe(), {})
    del record["recipe"]["stages"]["s"]["weight_decay"], record["recipe"]["export"]
    assert manifest.check_same(record, recipe(), {}, tmp_path) == []
    with pytest.raises(UsageError, match=r"stages\.s\.weight_decay = 0\.0, and the recipe now says 0\.5"):
        manifest.check_same(record, recipe(weight_decay=0.5), {}, tmp_path)
    record["recipe"]["stages"]["s"]["no_more"] = 3
    with pytest.raises(UsageError, match=r"stages\.s\.no_more = 3"):
        manifest.check_same(record, recipe(), {}, tmp_path)
