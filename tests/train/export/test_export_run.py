"""Exports of tiny checkpoints: merged, checked, read again, and refused when something is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from tiny_checkpoints import byte_tokenizer, save_adapter, save_full, tiny_model

from rote.errors import DataError, SourceUnavailableError, UsageError
from rote.train.export import export, run
from rote.train.export.origin import trace
from rote.train.manifest import weights_hash
from rote.train.wholeness import check_whole, weight_files

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``base``, ``full`` (the same with other weights) and ``adapter`` on ``base``, with ChatML."""
    folder = tmp_path_factory.mktemp("made")
    tokenizer = byte_tokenizer(chat=True)
    save_full(folder / "base", tokenizer, tiny_model(tokenizer))
    save_full(folder / "full", tokenizer, tiny_model(tokenizer, seed=3))
    save_adapter(folder / "adapter", folder / "base", tokenizer=tokenizer)
    return folder


@pytest.fixture(scope="module")
def exported(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "model"
    export(made / "adapter", out, dtype="float32")
    return out


def checks_of(folder: Path) -> dict[str, Any]:
    return {c["name"]: c for c in json.loads((folder / "export.json").read_text())["checks"]}


def test_an_adapter_in_float32(exported: Path) -> None:
    checks = checks_of(exported)
    assert {name: check["passed"] for name, check in checks.items()} == {
        "changed": True,
        "logits": True,
        "greedy": True,
        "bos": True,
        "prompt": None,
        "reload": True,
    }
    assert checks["changed"]["values"]["changed"] == checks["changed"]["values"]["adapted"] == 6
    assert checks["greedy"]["values"]["share"] == 1
    assert checks["logits"]["values"]["max_abs"] < 1e-3
    check_whole(exported)


def test_every_end_is_in_the_generation_config(exported: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(exported)
    ends = json.loads((exported / "generation_config.json").read_text())["eos_token_id"]
    assert [tokenizer.convert_ids_to_tokens(each) for each in ends] == ["<eos>", "<|im_end|>"]
    assert tokenizer.chat_template


def test_no_folder_of_this_machine_is_told(exported: Path, made: Path) -> None:
    for path in exported.iterdir():
        assert str(made).encode() not in path.read_bytes(), path.name
        assert str(exported.parent).encode() not in path.read_bytes(), path.name


def test_the_card(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: transformers\n")
    assert "# model\n" in card
    assert "| base | base |" in card
    assert "Fill in." in card
    assert "No certificate" in card
    assert "| greedy | passed |" in card


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("kind", ["adapter", "full"])
def test_sixteen_bits(made: Path, tmp_path: Path, dtype: str, kind: str) -> None:
    export(made / kind, tmp_path / "out", dtype=dtype)
    assert json.loads((tmp_path / "out/config.json").read_text())["dtype"] == dtype
    checks = checks_of(tmp_path / "out")
    assert checks["reload"]["values"]["equal_answers"] == 8
    assert checks["changed"]["passed"] is (True if kind == "adapter" else None)


def test_a_full_model_against_a_base_that_is_named(made: Path, tmp_path: Path) -> None:
    export(made / "full", tmp_path / "out", dtype="float32", base=str(made / "base"))
    assert checks_of(tmp_path / "out")["changed"]["values"]["share"] > 0.5


def test_a_full_model_that_is_its_base(made: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"changed: 0 of 26 tensors differ .*the checkpoint is the base"):
        export(made / "base", tmp_path / "out", dtype="float32", base=str(shutil.copytree(
            made / "base", tmp_path / "copy")))  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_an_adapter_that_does_nothing(made: Path, tmp_path: Path) -> None:
    save_adapter(tmp_path / "adapter", made / "base", size=0)
    with pytest.raises(DataError, match="changed: 0 of"):
        export(tmp_path / "adapter", tmp_path / "out", dtype="float32")
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]


def test_an_adapter_too_small_for_sixteen_bits(made: Path, tmp_path: Path) -> None:
    save_adapter(tmp_path / "adapter", made / "base", size=1e-7)
    export(tmp_path / "adapter", tmp_path / "fine", dtype="float32")
    with pytest.raises(DataError, match="changed: 0 of"):
        export(tmp_path / "adapter", tmp_path / "out", dtype="bfloat16")


def test_shards(made: Path, tmp_path: Path) -> None:
    export(made / "full", tmp_path / "out", dtype="float32", max_shard_gib=1e-4)
    assert len(weight_files(tmp_path / "out")) > 1


def test_a_tokenizer_and_template_from_the_base(made: Path, tmp_path: Path) -> None:
    save_adapter(tmp_path / "adapter", made / "base")
    export(tmp_path / "adapter", tmp_path / "out", dtype="float32")
    assert (tmp_path / "out/chat_template.jinja").is_file()


def test_exactly_one_beginning(tmp_path: Path) -> None:
    tokenizer = byte_tokenizer(bos=True)
    save_full(tmp_path / "full", tokenizer, tiny_model(tokenizer))
    export(tmp_path / "full", tmp_path / "out", dtype="float32")
    assert checks_of(tmp_path / "out")["bos"]["values"] == {"adds": True, "plain": [1]}


@pytest.mark.parametrize(("start", "counts"), [("", "0"), ("{{ bos_token }}{{ bos_token }}", "2")])
def test_a_template_with_none_or_two_beginnings(tmp_path: Path, start: str, counts: str) -> None:
    tokenizer = byte_tokenizer(bos=True, chat=True)
    tokenizer.chat_template = start + tokenizer.chat_template
    save_full(tmp_path / "full", tokenizer, tiny_model(tokenizer))
    with pytest.raises(DataError, match=rf"bos: <s>: 1 before plain prompts, {counts} before chat prompts"):
        export(tmp_path / "full", tmp_path / "out", dtype="float32")


def test_an_export_in_use(exported: Path, made: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pass --force"):
        export(made / "adapter", exported, dtype="float32")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("keep")
    with pytest.raises(UsageError, match="not by an export"):
        export(made / "adapter", tmp_path / "mine", force=True)
    assert (tmp_path / "mine/notes.txt").read_text() == "keep"


def test_force_replaces_an_export_and_keeps_it_when_it_fails(
    exported: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = shutil.copytree(exported, tmp_path / "out")
    (out / "old").write_text("")
    monkeypatch.setattr(run.checks, "_TOLERANCES", {"float32": (0.0, 0.0, 1.1)})
    with pytest.raises(DataError, match="greedy"):
        export(made / "adapter", out, dtype="float32", force=True)
    assert (out / "old").exists()
    monkeypatch.undo()
    export(made / "adapter", out, dtype="float32", force=True)
    assert not (out / "old").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_never_over_what_it_is_made_from(made: Path, exported: Path, tmp_path: Path) -> None:
    again = shutil.copytree(exported, tmp_path / "export")
    with pytest.raises(UsageError, match="made from"):
        export(again, again, force=True)


def damage_cut(folder: Path) -> str:
    path = weight_files(folder)[0]
    path.write_bytes(path.read_bytes()[:-7])
    return f"{path.name}: is cut off"


def damage_empty(folder: Path) -> str:
    (folder / "tokenizer.json").write_bytes(b"")
    return "tokenizer.json: is empty"


def damage_gone(folder: Path) -> str:
    path = weight_files(folder)[0]
    path.unlink()
    return f"{path.name}: is missing"


@pytest.mark.parametrize("damage", [damage_cut, damage_empty, damage_gone])
@pytest.mark.parametrize("kind", ["full", "adapter"])
def test_a_checkpoint_that_is_not_whole(
    made: Path, tmp_path: Path, kind: str, damage: Callable[[Path], str]
) -> None:
    broken = shutil.copytree(made / kind, tmp_path / "broken")
    words = damage(broken)
    with pytest.raises(DataError, match=words):
        export(broken, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_that_the_model_lacks(made: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(made / "full", tmp_path / "broken")
    config = json.loads((broken / "config.json").read_text())
    layers = {"num_hidden_layers": 3, "layer_types": ["full_attention"] * 3}
    (broken / "config.json").write_text(json.dumps({**config, **layers}))
    with pytest.raises(DataError, match=r"lacks 12 tensors that its configuration asks for"):
        export(broken, tmp_path / "out")


def test_a_quantised_base(made: Path, tmp_path: Path) -> None:
    base = shutil.copytree(made / "base", tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    quantised = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    (base / "config.json").write_text(json.dumps({**config, "quantization_config": quantised}))
    save_adapter(tmp_path / "adapter", made / "base")
    point_to(tmp_path / "adapter", str(base))
    with pytest.raises(DataError, match=r"the base holds quantised weights \(nf4\).*--base"):
        export(tmp_path / "adapter", tmp_path / "out")
    export(tmp_path / "adapter", tmp_path / "out", dtype="float32", base=str(made / "base"))


def point_to(adapter: Path, base: str) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "base_model_name_or_path": base}))


@pytest.mark.parametrize(
    ("base", "words"),
    [("/no/such/folder", "is no folder here"), ("nobody/no-such-model", "could not be downloaded")],
)
def test_a_base_that_is_not_there(made: Path, tmp_path: Path, base: str, words: str) -> None:
    adapter = shutil.copytree(made / "adapter", tmp_path / "adapter")
    point_to(adapter, base)
    with pytest.raises(SourceUnavailableError, match=words):
        export(adapter, tmp_path / "out")


def test_a_base_of_another_shape(made: Path, tmp_path: Path) -> None:
    tokenizer = byte_tokenizer(chat=True)
    save_full(tmp_path / "wide", tokenizer, tiny_model(tokenizer, hidden_size=128))
    with pytest.raises(DataError, match="does not fit its base wide"):
        export(made / "adapter", tmp_path / "out", base=str(tmp_path / "wide"))


def test_a_tokenizer_larger_than_the_model(made: Path, tmp_path: Path) -> None:
    tokenizer = byte_tokenizer(chat=True)
    save_full(tmp_path / "full", tokenizer, tiny_model(tokenizer, vocab_size=len(tokenizer) - 1))
    with pytest.raises(DataError, match="the model embeds 260"):
        export(tmp_path / "full", tmp_path / "out")


def test_weights_beyond_float16(tmp_path: Path) -> None:
    import torch

    tokenizer = byte_tokenizer()
    model = tiny_model(tokenizer)
    with torch.no_grad():
        model.model.norm.weight[0] = 1e6
    save_full(tmp_path / "full", tokenizer, model)
    with pytest.raises(DataError, match=r"1 tensors hold infinities .*float16 \(such as model.norm.weight\)"):
        export(tmp_path / "full", tmp_path / "out", dtype="float16")


def test_a_full_disk(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("rote.train.export.target.shutil.disk_usage", lambda _: usage._replace(free=1 << 20))
    with pytest.raises(UsageError, match=r"needs 0.05 GiB and 0.00 GiB are free there"):
        export(made / "full", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_bad_settings(made: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown dtype 'int8'"):
        export(made / "full", tmp_path / "out", dtype="int8")
    with pytest.raises(UsageError, match="max_shard_gib"):
        export(made / "full", tmp_path / "out", max_shard_gib=0)


def run_folder(made: Path, root: Path, **model: Any) -> Path:
    """A run of two stages as ``rote train`` leaves it; gives the last stage's adapter."""
    base = shutil.copytree(made / "base", root / "base")
    final = shutil.copytree(made / "adapter", root / "second/final")
    point_to(final, str(base))
    (root / "first").mkdir()
    manifest = {
        "rote": "0",
        "recipe": {"name": "toy", "about": "A toy [model].", "model": {"path": "toy", **model}},
        "base": {"path": str(base), "hash": weights_hash(base)},
        "prompt": None,
        "stages": {
            "first": {"algorithm": "sft"},
            "second": {"algorithm": "grpo", "steps": 12, "alarms": ["flat: no spread"], "start": str(base)},
        },
    }
    (root / "manifest.json").write_text(json.dumps(manifest))
    for stage in ("first", "second"):
        record = {"format": 1, "statement": f"Of {stage}.", "rows": 1234, "out": []}
        (root / stage / "certificate.json").write_text(json.dumps(record))
    return final


def test_what_a_run_tells_of_itself(made: Path, tmp_path: Path) -> None:
    final = run_folder(made, tmp_path / "run", load_in_4bit=True)
    export(final, tmp_path / "out", dtype="float32")
    card = (tmp_path / "out/README.md").read_text()
    for words in (
        "| recipe | toy |",
        r"A toy \[model\].",
        "| algorithm | grpo |",
        "| steps | 12 |",
        "Alarm of the run: flat: no spread",
        "of stage first",
        "| statement | Of second. |",
        "| rows | 1,234 |",
        "trained on 4-bit weights",
    ):
        assert words in card
    assert str(tmp_path) not in card
    assert (tmp_path / "out/certificate-first.json").is_file()
    assert json.loads((tmp_path / "out/export.json").read_text())["quantised"] is True


def test_a_base_that_changed(made: Path, tmp_path: Path) -> None:
    final = run_folder(made, tmp_path / "run")
    shutil.copyfile(made / "full/model.safetensors", tmp_path / "run/base/model.safetensors")
    with pytest.raises(DataError, match="the base has changed since"):
        export(final, tmp_path / "out")


def test_another_revision(made: Path, tmp_path: Path) -> None:
    final = run_folder(made, tmp_path / "run", revision="v2")
    path = final / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "revision": "v1"}))
    with pytest.raises(DataError, match=r"\[revision\]: is 'v1', and manifest.json of the run says 'v2'"):
        trace(final)


def test_the_prompt_of_the_manifest(made: Path, tmp_path: Path) -> None:
    from rote.train.recipe import PromptSpec
    from rote.train.tokens import fixture

    final = run_folder(made, tmp_path / "run")
    path = tmp_path / "run/manifest.json"
    record = json.loads(path.read_text())
    record["prompt"] = fixture(PromptSpec(chat=True), byte_tokenizer(chat=True))
    path.write_text(json.dumps(record))
    export(final, tmp_path / "out", dtype="float32")
    assert checks_of(tmp_path / "out")["prompt"]["passed"] is True
    record["prompt"]["ids"] = "1 2 3"
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match="prompt: not the same"):
        export(final, tmp_path / "other", dtype="float32")
