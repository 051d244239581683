"""Checkpoints that are not whole: each fault is named with its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rote.errors import DataError
from rote.train.wholeness import check_whole, is_adapter, read_header, weight_files


def safetensors(path: Path, tensors: dict[str, int]) -> Path:
    """A file of float32 vectors of these lengths."""
    header, end = {}, 0
    for name, length in tensors.items():
        header[name] = {"dtype": "F32", "shape": [length], "data_offsets": [end, end + 4 * length]}
        end += 4 * length
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
    return path


@pytest.fixture
def full(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    safetensors(tmp_path / "model.safetensors", {"a": 3, "b": 5})
    return tmp_path


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    files = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    for tensor, name in files.items():
        safetensors(tmp_path / name, {tensor: 4})
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    return tmp_path


def fault(folder: Path, **kwargs: object) -> DataError:
    with pytest.raises(DataError) as caught:
        check_whole(folder, **kwargs)  # type: ignore[arg-type]
    return caught.value


def test_whole_ones_pass(full: Path) -> None:
    check_whole(full)
    assert not is_adapter(full)
    assert weight_files(full) == [full / "model.safetensors"]
    assert sorted(read_header(full / "model.safetensors")) == ["a", "b"]


def test_a_sharded_one_passes(sharded: Path) -> None:
    check_whole(sharded)
    assert [path.name[:11] for path in weight_files(sharded)] == ["model-00001", "model-00002"]


def test_an_adapter_passes_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    safetensors(tmp_path / "adapter_model.safetensors", {"a": 1})
    check_whole(tmp_path)
    assert is_adapter(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    assert "no such folder" in str(fault(tmp_path / "none"))
    (tmp_path / "file").write_text("")
    assert "is no folder" in str(fault(tmp_path / "file"))


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "neither config.json" in str(fault(tmp_path))


@pytest.mark.parametrize("cut", [1, 20, 40])
def test_weights_cut_off(full: Path, cut: int) -> None:
    path = full / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-cut])
    error = fault(full)
    assert error.path == str(path)
    assert "cut off" in str(error)


def test_cut_within_the_header(full: Path) -> None:
    path = full / "model.safetensors"
    path.write_bytes(path.read_bytes()[:30])
    assert "header does not fit in 30 bytes" in str(fault(full))
    path.write_bytes(b"abc")
    assert "header does not fit in 3 bytes" in str(fault(full))


def test_weights_that_are_something_else(full: Path) -> None:
    path = full / "model.safetensors"
    path.write_bytes((5).to_bytes(8, "little") + b"[1,2]" + bytes(9))
    assert "header cannot be read" in str(fault(full))
    safetensors(path, {"a": 2})
    path.write_bytes(path.read_bytes() + b"more")
    assert "longer than it should be" in str(fault(full))


def test_a_tensor_of_the_wrong_length(full: Path) -> None:
    text = json.dumps({"w": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 10]}}).encode()
    (full / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(10))
    assert "shape [2, 3] of BF16 needs 12" in str(fault(full))


def test_weights_without_tensors(full: Path) -> None:
    safetensors(full / "model.safetensors", {})
    assert "no tensor at all" in str(fault(full))


def test_missing_weights(full: Path) -> None:
    (full / "model.safetensors").unlink()
    error = fault(full)
    assert error.path is not None
    assert error.path.endswith("model.safetensors")
    (full / "pytorch_model.bin").write_bytes(b"x")
    assert "is a pickle" in str(fault(full))


def test_a_missing_shard(sharded: Path) -> None:
    lost = sharded / "model-00002-of-00002.safetensors"
    lost.unlink()
    error = fault(sharded)
    assert error.path == str(lost)
    assert "names 2 files of weights, 1 of which is not there" in str(error)


def test_a_shard_of_another_checkpoint(sharded: Path) -> None:
    safetensors(sharded / "model-00002-of-00002.safetensors", {"other": 4})
    assert "lacks 1 of the tensors" in str(fault(sharded))


@pytest.mark.parametrize("content", ["{}", '{"weight_map": {}}', '{"weight_map": {"a": "../a"}}'])
def test_a_bad_index(sharded: Path, content: str) -> None:
    (sharded / "model.safetensors.index.json").write_text(content)
    assert "model.safetensors.index.json" in str(fault(sharded))


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "optimizer.pt", "chat_template.jinja"])
def test_empty_files(full: Path, name: str) -> None:
    (full / name).write_bytes(b"")
    error = fault(full)
    assert error.path == str(full / name)
    assert "0 bytes" in str(error)


def test_json_cut_off(full: Path) -> None:
    (full / "tokenizer.json").write_text('{"a": [1, 2')
    assert "cut off or no JSON" in str(fault(full))


def test_files_that_a_run_needs_to_go_on(full: Path) -> None:
    assert "optimizer.pt" in str(fault(full, needs=("optimizer.pt",)))
    (full / "optimizer.pt").write_bytes(b"half a zip file")
    assert "no file of torch.save" in str(fault(full, needs=("optimizer.pt",)))


def test_torch_files_that_are_whole_and_cut(full: Path) -> None:
    torch = pytest.importorskip("torch")
    path = full / "optimizer.pt"
    torch.save({"state": torch.zeros(100)}, path)
    check_whole(full, needs=("optimizer.pt",))
    path.write_bytes(path.read_bytes()[:-100])
    assert str(path) in str(fault(full))


def test_what_transformers_writes_passes(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=16, hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2
    )
    model = Qwen2ForCausalLM(config)
    model.save_pretrained(tmp_path / "one")
    check_whole(tmp_path / "one")
    model.save_pretrained(tmp_path / "many", max_shard_size=800)
    check_whole(tmp_path / "many")
    assert len(weight_files(tmp_path / "many")) > 1
