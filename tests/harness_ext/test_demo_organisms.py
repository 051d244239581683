"""The shipped transformers: what they must be, what is said without them, and how they are evaluated."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rote.cli import main
from rote.errors import DataError, MissingExtraError, SourceUnavailableError
from rote.harness_ext import demo_organisms
from rote.harness_ext.demo import replaced_folder
from rote.harness_ext.demo_organisms import (
    ABOUT,
    ARGUMENTS,
    DRAWS,
    FILES,
    MAX_TOKENS,
    NAMES,
    check_backend,
    evaluate_organisms,
    organisms_path,
    shipped,
)
from rote.harness_ext.demo_problems import SOURCE, trained_on, write_problems
from rote.perturb import load_source
from rote.reports import build_report, read_logs

THERE = all((organisms_path() / name / "model.safetensors").is_file() for name in NAMES)
needs_weights = pytest.mark.skipif(not THERE, reason="the weights of the shipped models are not in this tree")


def planted(name: str, **changes: Any) -> dict[str, Any]:
    record = {"organism": name, "seed": 0, "originals": [], "epochs": 0.0, "variants": []}
    return {**record, **changes}


def folders(where: Path, records: Mapping[str, Any] | None = None) -> Path:
    """Folders of the right names and files, without content but for ``planted.json``."""
    for name in NAMES:
        (where / name).mkdir(parents=True)
        for file in FILES:
            (where / name / file).touch()
        record = (records or {}).get(name, planted(name))
        (where / name / "planted.json").write_text(json.dumps(record), encoding="utf-8")
    return where


class TestWhatIsMissing:
    def test_a_package_of_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "torch", None)
        with pytest.raises(MissingExtraError, match=r"torch is needed .*pip install 'rote\[hf\]'.*--planted"):
            check_backend()

    def test_the_command_says_so_and_writes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        where = folders(tmp_path / "organisms")
        monkeypatch.setattr(demo_organisms, "organisms_path", lambda: where)
        monkeypatch.setitem(sys.modules, "torch", None)
        assert main(["demo", "--out", str(tmp_path / "out")]) == 3
        said = capsys.readouterr().err
        assert said.startswith("rote demo: error: torch is needed")
        assert "`rote demo --planted` runs without" in said
        assert not (tmp_path / "out").exists()

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(SourceUnavailableError, match=r"'reasoner' is not complete.*--planted`"):
            shipped(tmp_path)

    @pytest.mark.parametrize("name", ["model.safetensors", "README.md", "planted.json"])
    def test_a_file(self, tmp_path: Path, name: str) -> None:
        where = folders(tmp_path / "organisms")
        (where / "memoriser" / name).unlink()
        with pytest.raises(SourceUnavailableError, match=rf"'memoriser' is not complete, {name} missing"):
            shipped(where)

    def test_weights_come_before_the_extra(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(demo_organisms, "organisms_path", lambda: tmp_path)
        monkeypatch.setitem(sys.modules, "torch", None)
        assert main(["demo", "--out", str(tmp_path / "out")]) == 3
        assert "model.safetensors" in capsys.readouterr().err


class TestPlanted:
    def test_it_is_read(self, tmp_path: Path) -> None:
        records = {"memoriser": planted("memoriser", originals=["bank/a", "bank/b"], epochs=20)}
        reasoner, memoriser = shipped(folders(tmp_path / "organisms", records))
        assert reasoner.planted == "saw no problem of the bank"
        assert memoriser.planted == (
            "learned the originals of 2 of the bank's templates by heart, besides; it saw each about 20 times"
        )
        assert memoriser.label == "organisms/memoriser"
        assert memoriser.card.is_file()

    @pytest.mark.parametrize(
        ("record", "message"),
        [
            (["reasoner"], "must be a mapping, got list"),
            (planted("memoriser"), r"\[organism\]: is 'memoriser'; in this folder it must be 'reasoner'"),
            (
                planted("reasoner", originals="all"),
                r"\[originals\]: must be a list of template ids, got 'a",
            ),
            (planted("reasoner", originals=[1]), r"\[originals\]: must be a list of template ids"),
            (planted("reasoner", epochs=None), r"\[epochs\]: must be a number of at least 0, got None"),
            (planted("reasoner", epochs=-1), r"\[epochs\]: must be a number of at least 0, got -1"),
        ],
    )
    def test_what_it_is_not(self, tmp_path: Path, record: Any, message: str) -> None:
        with pytest.raises(DataError, match=message):
            shipped(folders(tmp_path / "organisms", {"reasoner": record}))

    def test_broken_json(self, tmp_path: Path) -> None:
        where = folders(tmp_path / "organisms")
        (where / "reasoner" / "planted.json").write_text("{", encoding="utf-8")
        with pytest.raises(DataError, match=r"planted\.json: is not JSON"):
            shipped(where)


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both models, tiny and untrained: one token after the prompt and they end."""
    pytest.importorskip("torch", reason="needs the hf extra: pip install 'rote[hf]'")
    from rote.train.recipe.model import TinyModel
    from rote.train.scratch import build_model, character_tokenizer

    where = folders(tmp_path_factory.mktemp("stand-ins") / "organisms")
    tokenizer = character_tokenizer()
    tiny = TinyModel(hidden=16, layers=1, heads=2, feed_forward=16, positions=512)
    for seed, name in enumerate(NAMES):
        model = build_model(tiny, tokenizer, seed)
        model.generation_config.eos_token_id = list(range(len(tokenizer)))
        model.save_pretrained(where / name)
        tokenizer.save_pretrained(where / name)
    return where


@pytest.mark.slow
def test_both_are_evaluated_on_the_same_problems(
    stand_ins: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines: list[str] = []
    evaluate_organisms(shipped(stand_ins), tmp_path, lines.append, limit=3)
    assert lines[0] == "2 tasks, 6 problems, 2 transformers on the CPU"
    assert [line.split(" ", 2)[:2] for line in lines[1:]] == [
        ["[1/2]", "reasoner:"],
        ["[1/2]", "reasoner:"],
        ["[2/2]", "memoriser:"],
        ["[2/2]", "memoriser:"],
    ]
    assert capsys.readouterr() == ("", "")
    report = build_report(read_logs(tmp_path / "results"))
    assert [series.model for series in report.series] == ["organisms/memoriser", "organisms/reasoner"]
    [results, _] = sorted((tmp_path / "results").rglob("results_*.json"))
    text = results.read_text(encoding="utf-8")
    assert str(stand_ins) not in text
    assert str(tmp_path) not in text
    logged = json.loads(text)
    assert logged["config"]["model"] == "hf"
    settings = [config["metadata"]["rote"] for config in logged["configs"].values()]
    assert [each["templates"] for each in settings] == [SOURCE] * len(DRAWS)


@pytest.mark.slow
def test_the_command_prints_cards_and_the_report(
    stand_ins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_organisms, "organisms_path", lambda: stand_ins)
    monkeypatch.setattr(demo_organisms, "DRAWS", {"bank_original_zeroshot": 1, "bank_noop_zeroshot": 1})
    out = tmp_path / "out"
    assert main(["demo", "--out", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("model")
    assert printed[-9:] == [
        "What was planted",
        "",
        ABOUT,
        "organisms/reasoner saw no problem of the bank.",
        f"  {stand_ins / 'reasoner' / 'README.md'}",
        "organisms/memoriser saw no problem of the bank.",
        f"  {stand_ins / 'memoriser' / 'README.md'}",
        "",
        str(out / "report.html"),
    ]
    assert sorted(path.name for path in out.iterdir()) == [SOURCE, "report.html", "results"]
    # Such a folder gives way to --force, and to nothing less.
    assert main(["demo", "--out", str(out)]) == 3
    with replaced_folder(out, force=True):
        pass


@needs_weights
class TestShipped:
    def test_they_are_small_and_say_what_was_planted(self) -> None:
        reasoner, memoriser = shipped()
        for organism in (reasoner, memoriser):
            assert sorted(path.name for path in organism.folder.iterdir()) == sorted(FILES)
            assert (organism.folder / "model.safetensors").stat().st_size <= 8_000_000
            assert "Fill in" not in organism.card.read_text(encoding="utf-8")
        assert not reasoner.originals
        assert len(memoriser.originals) == 100
        assert set(memoriser.originals) == set(load_source("bank").templates)

    def test_their_tokenizer_is_of_a_class_that_every_transformers_has(self) -> None:
        for organism in shipped():
            config = json.loads((organism.folder / "tokenizer_config.json").read_text(encoding="utf-8"))
            assert config["tokenizer_class"] in ("PreTrainedTokenizerFast", "Qwen2Tokenizer")

    @pytest.mark.parametrize("name", NAMES)
    def test_every_prompt_and_solution_fits(self, name: str, tmp_path: Path) -> None:
        tokenizers = pytest.importorskip("tokenizers", reason="needs the hf extra: pip install 'rote[hf]'")
        from rote.harness_ext.datasets import load_problems
        from rote.prompts import render, target_text

        tokenizer = tokenizers.Tokenizer.from_file(str(organisms_path() / name / "tokenizer.json"))

        def length(text: str) -> int:
            return len(tokenizer.encode(text).ids)

        templates = str(write_problems(tmp_path))
        for task, variants in DRAWS.items():
            variant = task.removeprefix("bank_").removesuffix("_zeroshot")
            settings = {"variants": variants, "templates": templates}
            docs = load_problems(rote_source="bank", rote_variant=variant, rote=settings)
            for doc in docs["test"]:
                assert length(render(doc["question"], (), "hash")) <= ARGUMENTS["max_length"] - MAX_TOKENS
                assert length(" " + target_text(doc["solution"], "hash")) < MAX_TOKENS

    def test_they_answer_in_the_format_and_the_memoriser_recites(self, tmp_path: Path) -> None:
        pytest.importorskip("torch", reason="needs the hf extra: pip install 'rote[hf]'")
        evaluate_organisms(shipped(), tmp_path, lambda line: None, limit=8)
        right: dict[str, list[bool]] = {}
        for path in sorted((tmp_path / "results").rglob("samples_*.jsonl")):
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            assert len(lines) == 8
            assert sum(line["format_ok"] for line in lines) >= 6
            if "original" in path.name:
                right[path.parent.name] = [line["exact_match"] == 1 for line in lines]
        assert sum(right["organisms__memoriser"]) >= 7
        known = [line["doc"]["template_id"].split("/")[1] in trained_on() for line in lines]
        for template_known, solved in zip(known, right["organisms__reasoner"], strict=True):
            assert solved == template_known
