"""Plans that are taken, and plans that are not, each with file, field and value."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest
import yaml

from rote.errors import DataError, SourceUnavailableError
from rote.harness_ext.sweeps.checkpoints import identity, lacking, models_of
from rote.harness_ext.sweeps.plan import Plan
from rote.harness_ext.sweeps.reading import check_plan, read_plan


def plan(*models: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "results": "results",
        "models": list(models) or [{"name": "solver", "backend": "planted"}],
        "tasks": {"core": ["bank_original"]},
        **others,
    }


def checked(*models: dict[str, Any], **others: Any) -> Plan:
    return check_plan(plan(*models, **others))


def checkpoint(folder: Path, numbers: bytes = b"\0\0\0\0") -> Path:
    """A folder in the shape of a checkpoint, with one tensor."""
    folder.mkdir(parents=True)
    folder.joinpath("config.json").write_text('{"model_type": "qwen2"}', encoding="utf-8")
    table = {"w": {"dtype": "F32", "shape": [len(numbers) // 4], "data_offsets": [0, len(numbers)]}}
    head = json.dumps(table).encode()
    folder.joinpath("model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + numbers)
    return folder


def test_a_plan_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(plan(seeds=[0, 2], time_limit="30m")), encoding="utf-8")
    found = read_plan(path)
    assert found.seeds == (0, 2)
    assert found.time_limit == 1800
    assert found.models[0].gpus_asked == 0


def test_gpus_asked() -> None:
    models = checked(
        {"path": "a", "backend": "vllm", "tensor_parallel": 4, "data_parallel": 2},
        {"hub": "b/c"},
        {"hub": "b/d", "gpus": 0},
    ).models
    assert [model.gpus_asked for model in models] == [8, 1, 0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": [1]}, r"seed: unknown key; did you mean 'seeds'\?"),
        ({"models": [{"pth": "a"}]}, r"models\.0\.pth: unknown key; did you mean 'path'\?"),
        ({"models": []}, "models: .*at least 1"),
        ({"models": [{"backend": "hf"}]}, r"models\.0: no place is given; give exactly one of path, hub"),
        ({"models": [{"path": "a", "hub": "b"}]}, "path and hub are given; give exactly one"),
        ({"models": [{"path": "a", "backend": "planted"}]}, "a planted model has no weights"),
        ({"models": [{"backend": "planted"}]}, "name is missing"),
        ({"models": [{"path": "a", "backend": "vlm"}]}, r"models\.0\.backend: .*got 'vlm'"),
        (
            {"models": [{"path": "a", "tensor_parallel": 2}]},
            "tensor_parallel is 2; it goes with backend vllm",
        ),
        ({"models": [{"path": "a", "revision": "x"}]}, "revision is 'x'; it goes with hub"),
        ({"models": [{"path": "a", "model_args": {"pretrained": "b"}}]}, "model_args.pretrained: is written"),
        (
            {"models": [{"path": "a", "model_args": {"batch_size": 4}}]},
            "model_args.batch_size: .*use batch_size",
        ),
        ({"models": [{"path": "a", "batch_size": "many"}]}, "batch_size is 'many'"),
        (
            {"models": [{"path": "a", "time_limit": "soon"}]},
            r"models\.0\.time_limit: must be seconds.*'soon'",
        ),
        ({"models": [{"path": "a", "tasks": ["other"]}]}, r"models\.0\.tasks names 'other'; .* are core"),
        ({"models": [{"path": "a", "name": "../a"}]}, r"models\.0\.name: .*got '\.\./a'"),
        ({"seeds": [1, 1]}, "seeds: 1 is there twice"),
        ({"seeds": [-1]}, r"seeds\.0: .*got '-1'"),
        ({"seeds": []}, "seeds: "),
        ({"formats": ["hash", "tag"]}, "formats: unknown format 'tag'; known: hash"),
        ({"tasks": {"a": ["x"], "b": ["x"]}}, "tasks: 'x' is in the sets 'a' and 'b'"),
        ({"tasks": {"a": []}}, "tasks: the set 'a' is empty"),
        ({"tasks": {}}, "tasks: "),
        ({"rote": {"seed": 3}}, "rote: seed is 3 here; a plan's seeds stand under `seeds`"),
        ({"retries": -1}, "retries: .*got '-1'"),
        ({"results": ""}, "results: "),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], told: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(plan(**change)), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_plan(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert re.search(told, message.replace("[", "", 1).replace("]:", ":", 1)), message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a", "a plan is a mapping, got list"),
        ("a: [", "is not YAML"),
        ("seeds: [1]\nseeds: [2]", "key 'seeds' is there twice, again in line 2"),
    ],
)
def test_what_is_no_plan(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=told):
        read_plan(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_plan(tmp_path / "none.yaml")


def test_names_of_models(tmp_path: Path) -> None:
    for name in ("a/step-1", "a/step-2", "b/step-1"):
        checkpoint(tmp_path / name)
    (tmp_path / "a" / "step-2" / "model.safetensors").write_bytes(b"half")
    found = models_of(
        checked(
            {"glob": str(tmp_path / "*" / "step-*"), "name": "run"},
            {"watch": str(tmp_path / "a")},
            {"path": str(tmp_path / "b" / "step-1"), "name": "best"},
            {"hub": "Some/Model-1"},
            {"name": "solver", "backend": "planted"},
        )
    )
    # A pattern takes what is broken along, to be reported; a watched folder waits for it.
    assert [model.name for model in found] == [
        *("run-a-step-1", "run-a-step-2", "run-b-step-1"),
        *("step-1", "best", "Some__Model-1", "solver"),
    ]


def test_models_that_cannot_be(tmp_path: Path) -> None:
    for name in ("a/last", "b/last"):
        checkpoint(tmp_path / name)
    cases = [
        ([{"glob": str(tmp_path / "x*")}], r"models\.0\.glob: '.*x\*' matches no folder"),
        ([{"path": str(tmp_path / "x")}], r"models\.0\.path: no folder '.*x'"),
        ([{"watch": str(tmp_path / "x")}], r"models\.0\.watch: no folder"),
        (
            [{"path": str(tmp_path / "a" / "last")}, {"path": str(tmp_path / "b" / "last")}],
            r"models\.1\.name: .*b/last would write the folder 'last', as models\.0 \(.*a/last\) does",
        ),
        (
            [{"name": "One", "backend": "planted"}, {"name": "one", "backend": "planted"}],
            r"models\.1\.name: ",
        ),
    ]
    for models, told in cases:
        with pytest.raises(DataError, match=told):
            models_of(checked(*models))


def test_whole_checkpoints(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "a")
    assert lacking(folder) is None
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    for data, told in [
        (whole[:-1], "bytes long and should be"),
        (b"", "ends in its head"),
        (whole[:20], "head"),
    ]:
        file.write_bytes(data)
        assert told in (lacking(folder) or "")
    file.write_bytes(struct.pack("<Q", 2) + b"xx")
    assert "cannot be read" in (lacking(folder) or "")
    file.unlink()
    assert "no weights" in (lacking(folder) or "")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": "model-1.safetensors"}}), encoding="utf-8")
    assert lacking(folder) == "model-1.safetensors is not there, which model.safetensors.index.json names"
    index.write_text("{}", encoding="utf-8")
    assert "weight_map" in (lacking(folder) or "")
    (folder / "config.json").write_text("{", encoding="utf-8")
    assert lacking(folder) == "config.json is no JSON mapping"
    (folder / "config.json").unlink()
    (folder / "adapter_config.json").touch()
    assert "adapter" in (lacking(folder) or "")


def test_identity_is_that_of_the_weights(tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "weights.json"
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    for folder, numbers in ((one, b"\1\0\0\0"), (same, b"\1\0\0\0"), (other, b"\2\0\0\0")):
        checkpoint(folder, numbers)
    (same / "trainer_state.json").write_text("{}", encoding="utf-8")
    models = models_of(checked(*({"path": str(folder)} for folder in (one, same, other))))
    first, second, third = (identity(model, cache) for model in models)
    assert first == second != third
    assert identity(models[0], cache) == first == identity(models[0])
    (one / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    assert identity(models[0], cache) != first
    (one / "model.safetensors").unlink()
    with pytest.raises(DataError, match="broken checkpoint: no weights"):
        identity(models[0], cache)


def test_identity_of_models_of_the_hub() -> None:
    commit = "0123456789" * 4
    pinned, named = models_of(
        checked({"hub": "some/model", "revision": commit}, {"hub": "some/other", "revision": "v1"})
    )
    assert identity(pinned) == {"hub": "some/model", "commit": commit}
    with pytest.raises(SourceUnavailableError, match="some/other, revision v1: the hub gives no commit"):
        identity(named)
