"""Organisms evaluated by stock lm-eval: the tasks, the processes, the archives."""

from __future__ import annotations

import importlib
import importlib.util
import json
import lzma
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rote.errors import DataError, UsageError
from rote.logs.files import find_runs
from rote.perturb.authored import load_template
from rote.perturb.keys import digest
from rote.train.recipe import TinyModel
from rote.train.scratch import build_model, character_tokenizer

ORGANISMS = Path(__file__).parents[2] / "organisms"
# Behind everything else: a script of there has the name of a package that lm-eval's tasks import.
sys.path.append(str(ORGANISMS))


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"organisms_{name}", ORGANISMS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # a dataclass looks its module up
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


sets = load_script("sets")
evaluate_tasks = importlib.import_module("evaluate_tasks")
evaluate_pack = importlib.import_module("evaluate_pack")
evaluate = load_script("evaluate")

#: Templates of each set here: to draw from all of them takes a while.
FEW = 3
TASKS = 19

#: In place of lm-eval: logs of what is asked, a failure, or no end.
FAKE = """
import json, pathlib, sys, time
name, tasks = sys.argv[1], sys.argv[2].split(",")
print("says", name, flush=True)
if name.startswith("broken"):
    raise SystemExit("it broke")
if name.startswith("hung"):
    time.sleep(60)
folder = pathlib.Path("logs.partial", name, "models__" + name)
folder.mkdir(parents=True)
stamp = "2026-01-01T00-00-00.000001"
for task in tasks[1 if name.startswith("partly") else 0 :]:
    (folder / f"samples_{task}_{stamp}.jsonl").write_text('{"doc_id": 0}' + chr(10))
scores = {task: {"exact_match,none": 0.5} for task in tasks}
(folder / f"results_{stamp}.json").write_text(json.dumps({"results": scores}))
"""


def organism(work: Path, name: str, weights: bytes = b"") -> None:
    folder = work / "models" / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"max_position_embeddings": 320}', encoding="utf-8")
    (folder / "planted.json").write_text(f'{{"organism": "{name}"}}', encoding="utf-8")
    (folder / "model.safetensors").write_bytes(weights)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    ids = {"known": sets.template_ids("train"), "unseen": sets.template_ids("held_out")}
    whole = (name for name in ids["known"] if sets.is_small(template(name), original(name)))
    ids["small"] = tuple(name for name, _ in zip(whole, range(FEW), strict=False))
    for name, members in ids.items():
        folder = tmp_path / "templates" / name
        folder.mkdir(parents=True)
        for member in members[:FEW]:
            (folder / f"{member}.yaml").write_bytes((sets.TEMPLATES / f"{member}.yaml").read_bytes())
    return tmp_path


def template(name: str) -> Any:
    return load_template(sets.TEMPLATES / f"{name}.yaml")


def original(name: str) -> Any:
    return template(name).problem("original", 0, 0)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    def command(work: Path, name: str, tasks: tuple[str, ...], options: Any) -> list[str]:
        return [sys.executable, "-c", FAKE, name, ",".join(tasks)]

    monkeypatch.setattr(evaluate, "command", command)


def options(**changed: Any) -> Any:
    given: dict[str, Any] = {
        "model": "vllm",
        "devices": ("0", "1"),
        "variants": 5,
        "small_variants": 10,
        "limit": None,
        "batch_size": "auto",
        "kv_gib": 2.0,
        "eager": False,
        "timeout": 60.0,
    }
    return evaluate.Options(**(given | changed))


def test_each_task_draws_from_its_own_templates(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lm_eval", reason="needs rote[eval]")
    from lm_eval.tasks import TaskManager

    names = evaluate_tasks.write_tasks(work, 2, 3)
    assert len(names) == TASKS
    monkeypatch.chdir(work)
    manager = TaskManager(include_path="tasks", include_defaults=False, metadata={"pretrained": "models/x"})
    assert set(manager.all_tasks) == set(names)
    own = [name for name in names if not name.startswith("bank_")]
    held = set(sets.family_names("held_out"))
    for name, task in manager.load(own)["tasks"].items():
        source, variant = name.removesuffix("_zeroshot").split("_", 1)
        docs = list(task.test_docs())
        assert {doc["source"] for doc in docs} == {source}
        assert {doc["variant"] for doc in docs} == {variant}
        draws = 1 if variant == "original" else 3 if source == "small" else 2
        assert len(docs) == FEW * draws
        assert {clause["family"] for doc in docs for clause in doc.get("noop") or ()} <= held
        assert bool(docs[0].get("noop")) == variant.startswith("noop")
        assert task.config.num_fewshot == 0
    assert evaluate_tasks.task_files(2, 3).keys() == {path.stem for path in Path("tasks").glob("*")}


def test_no_templates_no_tasks(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"run organisms/sets\.py first"):
        evaluate_tasks.write_tasks(tmp_path, 2, 3)


def test_tasks_that_say_the_same_are_left_as_they_are(work: Path) -> None:
    evaluate_tasks.write_tasks(work, 2, 3)
    folder = work / "tasks"
    changed, kept = folder / "small_numbers_zeroshot.yaml", folder / "bank_noop_zeroshot.yaml"
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}
    (folder / "of_before.yaml").write_text("task: of_before", encoding="utf-8")
    evaluate_tasks.write_tasks(work, 2, 4)
    after = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {
        "small_original_zeroshot.yaml",
        "small_numbers_zeroshot.yaml",
    }
    text = changed.read_text(encoding="utf-8")
    assert text == evaluate_tasks.task_files(2, 4)["small_numbers_zeroshot"]
    kept.write_text("cut o", encoding="utf-8")
    evaluate_tasks.write_tasks(work, 2, 4)
    assert kept.read_text(encoding="utf-8") == evaluate_tasks.task_files(2, 4)["bank_noop_zeroshot"]


def test_tasks_by_their_names(work: Path) -> None:
    every = evaluate_tasks.write_tasks(work, 2, 3)
    assert evaluate.asked(every, ()) == every
    assert evaluate.asked(every, ("small_*", "bank_p?")) == (
        "bank_p1_zeroshot",
        "bank_p2_zeroshot",
        "small_original_zeroshot",
        "small_numbers_zeroshot",
    )
    assert evaluate.asked(every, ("known_noop",)) == ("known_noop_zeroshot",)
    with pytest.raises(
        UsageError, match=r"no task is named bnak_\* or p3; there are bank_original, bank_names"
    ):
        evaluate.asked(every, ("bnak_*", "p3"))


def test_processes_have_caches_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cache(slot: int) -> str:
        return str(evaluate.environment(tmp_path, "0", slot)["VLLM_CACHE_ROOT"])

    monkeypatch.delenv("VLLM_CACHE_ROOT", raising=False)
    assert cache(1) == str(tmp_path / "cache" / "slot-1")
    monkeypatch.setenv("VLLM_CACHE_ROOT", "")
    assert cache(0) == str(tmp_path / "cache" / "slot-0")
    monkeypatch.setenv("VLLM_CACHE_ROOT", str(tmp_path / "kept"))
    assert [cache(slot) for slot in (0, 1)] == [str(tmp_path / "kept" / f"slot-{slot}") for slot in (0, 1)]
    # Processes run in WORK; the path is meant from where the command is given.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VLLM_CACHE_ROOT", "near")
    assert cache(0) == str(tmp_path / "near" / "slot-0")


def test_what_vllm_is_told(tmp_path: Path) -> None:
    organism(tmp_path, "reasoner-s0")
    words = evaluate.command(tmp_path, "reasoner-s0", ("a", "b"), options(limit=4))
    told = json.loads(words[words.index("--model_args") + 1])
    assert told["pretrained"] == "models/reasoner-s0"
    assert told["max_model_len"] == 320
    assert told["kv_cache_memory_bytes"] == 2 * 2**30
    assert words[words.index("--tasks") + 1] == "a,b"
    assert words[-2:] == ["--limit", "4"]


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert evaluate._devices(2, 2) == ("0", "1", "0", "1")
    assert evaluate._devices(0, 3) == ("", "", "")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    assert evaluate._devices(1, 2) == ("4", "4")
    with pytest.raises(UsageError, match="names 2"):
        evaluate._devices(3, 1)


def test_unfinished_models_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("reasoner-s0", "reasoner-s1", "memoriser-s0", "notes"):
        organism(tmp_path, name)
    (tmp_path / "models" / "reasoner-s1" / "planted.json").unlink()
    assert evaluate.find_models(tmp_path, []) == ["memoriser-s0", "reasoner-s0"]
    printed = capsys.readouterr().out
    assert "notes: is not named" in printed
    assert "reasoner-s1: has no planted.json" in printed
    assert evaluate.find_models(tmp_path, ["mem*"]) == ["memoriser-s0"]
    with pytest.raises(UsageError, match=r"other-\*"):
        evaluate.find_models(tmp_path, ["other-*"])


@pytest.mark.usefixtures("fake")
def test_one_fails_and_the_others_go_on(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("broken-s0", "good-s0", "good-s1", "hung-s0", "partly-s0"):
        organism(work, name)
    assert evaluate.main([str(work), "--per-gpu", "2", "--timeout", "3"]) == 1
    printed = capsys.readouterr().out
    assert "FAILED: broken-s0 ended with status 1" in printed
    assert "    it broke" in printed
    assert "FAILED: hung-s0 ended with status -15" in printed
    assert "FAILED: partly-s0 left no samples of bank_original_zeroshot" in printed
    assert "[2/5] good-s" in printed
    assert "known: original 0.50, names 0.50" in printed
    logged = sorted(path.name for path in (work / "logs").iterdir() if path.is_dir())
    assert logged == ["good-s0", "good-s1"]


@pytest.mark.usefixtures("fake")
def test_a_finished_one_is_skipped_while_nothing_changed(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    organism(work, "good-s0")
    assert evaluate.main([str(work)]) == 0
    kept = (work / "logs" / "good-s0.txt").stat().st_mtime_ns
    assert evaluate.main([str(work)]) == 0
    assert "1 models, 1 of them done before" in capsys.readouterr().out
    assert (work / "logs" / "good-s0.txt").stat().st_mtime_ns == kept
    assert evaluate.main([str(work), "--variants", "4"]) == 1
    assert "was made with variants 5, not 4" in capsys.readouterr().out
    (work / "models" / "good-s0" / "model.safetensors").write_bytes(b"other")
    assert evaluate.main([str(work)]) == 1
    assert "was made with weights" in capsys.readouterr().out


@pytest.mark.usefixtures("fake")
def test_some_of_the_tasks(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    organism(work, "good-s0")
    given = [str(work), "--tasks", "known_n*", "bank_original"]
    assert evaluate.main(given) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("[1/1] good-s0"))
    scores = "bank: original 0.50; known: names 0.50, numbers 0.50, noop 0.50, noop_control 0.50"
    assert line.partition("; ")[2] == scores
    (run,) = find_runs([work / "logs" / "good-s0"])
    asked = {task.removesuffix("_zeroshot") for _, task in run.samples}
    assert asked == {"bank_original", "known_names", "known_numbers", "known_noop", "known_noop_control"}
    # All task files are there, whichever are asked.
    assert len(list((work / "tasks").iterdir())) == TASKS
    assert evaluate.main(given) == 0
    assert "1 models, 1 of them done before" in capsys.readouterr().out
    assert evaluate.main([str(work)]) == 1
    assert "was made with tasks ['known_n*', 'bank_original'], not []" in capsys.readouterr().out
    assert evaluate.main([str(work), "--tasks", "p3"]) == 1
    assert "error: no task is named p3; there are bank_original" in capsys.readouterr().err


def logs(work: Path, name: str, text: str) -> None:
    organism(work, name)
    folder = work / "logs" / name
    folder.mkdir(parents=True)
    (folder / "samples.jsonl").write_text(text, encoding="utf-8")
    (work / "logs" / f"{name}.txt").write_text("done", encoding="utf-8")


def test_archives_hold_everything_and_are_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluate_pack, "_XZ", ({"id": lzma.FILTER_LZMA2, "preset": 1},))
    monkeypatch.setattr(evaluate_pack, "PACKED", 1500)
    for seed in range(3):
        logs(tmp_path, f"good-s{seed}", digest("noise", seed).hex() * 3 + digest(seed).hex() * 4)
    assert evaluate.main([str(tmp_path), "--pack", str(tmp_path / "packed")]) == 0
    assert "3 models" in capsys.readouterr().out
    monkeypatch.setattr(evaluate_pack, "PACKED", 900)
    evaluate.main([str(tmp_path), "--pack", str(tmp_path / "packed")])
    files = sorted((tmp_path / "packed").iterdir())
    assert [file.name for file in files] == ["logs-01.tar.xz", "logs-02.tar.xz"]
    before = [file.read_bytes() for file in files]
    for file in files:
        assert file.stat().st_size <= 900
        with tarfile.open(file) as archive:
            archive.extractall(tmp_path / "home", filter="data")
    for path in (p for folder in ("logs", "models") for p in (tmp_path / "home" / folder).rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / path.relative_to(tmp_path / "home")).read_bytes()
    assert len(list((tmp_path / "home").rglob("*.*"))) == 9
    evaluate.main([str(tmp_path), "--pack", str(tmp_path / "packed")])
    assert before == [file.read_bytes() for file in files]
    monkeypatch.setattr(evaluate_pack, "PACKED", 100)
    with pytest.raises(DataError, match="good-s0 take more than 100 bytes"):
        evaluate_pack.pack(tmp_path, ["good-s0"], tmp_path / "packed")


@pytest.mark.slow
def test_stock_lm_eval_evaluates_a_model(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("lm_eval", reason="needs rote[eval]")
    organism(work, "reasoner-s0")
    tokenizer = character_tokenizer()
    tiny = TinyModel(hidden=8, layers=1, heads=1, feed_forward=8, positions=1024)
    build_model(tiny, tokenizer, 0).save_pretrained(work / "models" / "reasoner-s0")
    tokenizer.save_pretrained(work / "models" / "reasoner-s0")
    given = [str(work), "--model", "hf", "--gpus", "0", "--limit", "1", "--variants", "1"]
    assert evaluate.main(given) == 0, capsys.readouterr().out
    (run,) = find_runs([work / "logs" / "reasoner-s0"])
    assert len(run.samples) == TASKS
    results = json.loads(run.results.read_text(encoding="utf-8"))
    config = results["configs"]["known_noop_zeroshot"]
    assert config["metadata"]["rote"]["templates"] == "templates/known"
    assert config["generation_kwargs"]["max_gen_toks"] == 200
    assert config["generation_kwargs"]["until"] == ["<|endoftext|>"]
    assert evaluate.main(given) == 0
