"""What a recipe of pretraining may not say: each error as its reader sees it, with the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from mixtures import PLUMS, bank_part, folder_of
from runs import model_of, recipe_of, write_recipe

from rote.cli import main
from rote.errors import DataError
from rote.train.recipe import PretrainStage, check_recipe

ARITHMETIC = {"source": "arithmetic", "weight": 1}
ORIGINALS = {"source": "bank", "path": "bank", "variants": ["original"]}


def stage_of(*parts: Any, **fields: Any) -> dict[str, Any]:
    return {
        "algorithm": "pretrain",
        "data": {"parts": list(parts) or [ARITHMETIC], "decontaminate": None},
        "learning_rate": 1e-3,
        "max_steps": 4,
        "lengths": [64, 128],
        "batch_tokens": 512,
        **fields,
    }


def refused(stage: Any, **parts: Any) -> str:
    with pytest.raises(DataError) as caught:
        check_recipe(recipe_of({"pretrain": stage}, **parts), Path("r.yaml"))
    return str(caught.value)


def test_the_recipe_that_these_spoil_is_taken() -> None:
    check_recipe(recipe_of({"pretrain": stage_of()}))


PART = "r.yaml [stages.pretrain.data.parts.0"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"source": "arithmetic"}, f"{PART}]: weight and repeats are missing; a part has one of the two"),
        (
            {**ORIGINALS, "weight": 2, "repeats": 0.5},
            f"{PART}]: weight is 2 and repeats is 0.5; a part has one of the two",
        ),
        (
            {**ORIGINALS, "variants": ["symbolic", "original"], "repeats": 3},
            f"{PART}]: repeats is 3, of symbolic, original; it goes with source: bank and variants:",
        ),
        ({"source": "linear", "repeats": 3}, f"{PART}]: repeats is 3, of linear; it goes with source: bank"),
        (
            {"source": "bank", "weight": 1},
            f"{PART}]: source is bank and path is missing: a folder of template files, or bank",
        ),
        (
            {**ARITHMETIC, "path": "bank"},
            f"{PART}]: path is 'bank'; it goes with source: bank, not arithmetic",
        ),
        (
            {**ARITHMETIC, "noop": {"topic": "off"}},
            f"{PART}]: noop is {{'topic': 'off'}}; it goes with source: bank, not arithmetic",
        ),
        (
            {"source": "linear", "weight": 1, "planted": True},
            f"{PART}]: planted is True; it goes with source: bank, not linear",
        ),
        (
            bank_part("bank", "noop", noop={"family": "jersey_numbr"}),
            f"{PART}.noop]: unknown noop.family: 'jersey_numbr'; did you mean 'jersey_number'?",
        ),
        (
            bank_part("bank", "noop", noop={"topik": "off"}),
            f"{PART}.noop]: unknown factor of noop: 'topik'; did you mean 'topic'?",
        ),
        (
            bank_part("bank", "symbolic", noop={"topic": "off"}),
            f"{PART}]: noop chooses among inert clauses, and variants: symbolic have none; those",
        ),
        (bank_part("bank", "symbolik"), f"{PART}.variants]: unknown variant 'symbolik'; known: original"),
        (bank_part("bank"), f"{PART}.variants]: Tuple should have at least 1 item"),
        (bank_part("bank", "names", "names"), f"{PART}.variants]: a variant is named twice"),
        (bank_part("bank", "names", share=0), f"{PART}.share]: Input should be greater than 0; got '0'"),
        (bank_part("bank", "names", share=2), f"{PART}.share]: Input should be less than or equal to 1"),
        (
            bank_part("bank", "symbolic", sentences=["Add 7 to it."]),
            f"{PART}]: sentences: 'Add 7 to it.' must hold {{k}} once and end in a full stop",
        ),
        (
            bank_part("bank", "symbolic", sentences=["Add {k} to it.", "Add {k}, not {k}, to it."]),
            f"{PART}]: sentences: 'Add {{k}}, not {{k}}, to it.' must hold {{k}} once and end in a full stop",
        ),
        (
            bank_part("bank", "symbolic", sentences=["Add {k} to it"]),
            f"{PART}]: sentences: 'Add {{k}} to it' must hold {{k}} once and end in a full stop",
        ),
        (
            bank_part("bank", "symbolic", sentences=["Why not add {k}?"]),
            f"{PART}]: sentences: 'Why not add {{k}}?' must hold {{k}} once and end in a full stop",
        ),
        (bank_part("bank", "symbolic", sentences=[""]), f"{PART}]: sentences: '' must hold {{k}} once"),
        (
            bank_part("bank", "noop", sentences=["Add {k} to it."], trapped=True),
            f"{PART}]: sentences and trapped are given; a part has one of them",
        ),
        (
            bank_part("bank", "original", sentences=["Add {k} to it."], repeats=2),
            f"{PART}]: sentences and repeats are given; a part has one of them",
        ),
        (
            bank_part("bank", "symbolic_noop", "symbolic", trapped=True),
            f"{PART}]: trapped is true of variants symbolic_noop, symbolic; it goes with those alone that "
            "have one inert clause with a number: noop, symbolic_noop",
        ),
        # One has two clauses, the other's has no number: no row would ever come of them.
        (bank_part("bank", "noop2", trapped=True), f"{PART}]: trapped is true of variants noop2; it goes"),
        (
            bank_part("bank", "noop_control", trapped=True),
            f"{PART}]: trapped is true of variants noop_control; it goes with those alone that have one",
        ),
        (
            {"source": "linear", "weight": 1, "sentences": ["Add {k} to it."]},
            f"{PART}]: sentences is ('Add {{k}} to it.',); it goes with source: bank, not linear",
        ),
        (
            {"source": "linear", "weight": 1, "trapped": True},
            f"{PART}]: trapped is True; it goes with source: bank, not linear",
        ),
        ({**ARITHMETIC, "weight": 0}, f"{PART}.weight]: Input should be greater than 0; got '0'"),
        ({**ARITHMETIC, "weight": float("nan")}, f"{PART}.weight]: Input should be a finite number"),
        (
            {**ARITHMETIC, "source": "sums"},
            f"{PART}.source]: Input should be 'bank', 'linear' or 'arithmetic'; got 'sums'",
        ),
        ({**ARITHMETIC, "wieght": 1}, f"{PART}.wieght]: unknown key; did you mean 'weight'?"),
        ("arithmetic", f"{PART}]: Input should be a valid dictionary"),
    ],
)
def test_a_part(part: Any, message: str) -> None:
    assert refused(stage_of(part)).startswith(message)


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        ("batch_tokens", 100, "]: batch_tokens is 100, below the longest row (128 tokens)"),
        ("lengths", [128, 64], ".lengths]: must ascend, each length once; got '[128, 64]'"),
        ("lengths", [64, 64], ".lengths]: must ascend, each length once; got '[64, 64]'"),
        ("lengths", [], ".lengths]: Tuple should have at least 1 item"),
        ("gradient_checkpointing", True, "]: gradient_checkpointing is true; the plain loop of pretrain has"),
        ("compiled", "maybe", ".compiled]: Input should be 'auto', 'yes' or 'no'; got 'maybe'"),
        ("epochs", 2, ".epochs]: unknown key; known: "),
        ("batch_token", 2, ".batch_token]: unknown key; did you mean 'batch_tokens'?"),
        ("data.sources", [], ".data.sources]: unknown key; known: below, decontaminate, exclude, parts"),
        ("data.parts", [], ".data.parts]: Tuple should have at least 1 item"),
        ("data.parts", [{**ORIGINALS, "repeats": 2}], ".data]: one part at least needs a weight"),
        (
            "data.exclude",
            [{"path": "bank", "variants": ["nop"]}],
            ".data.exclude.0.variants]: unknown variant 'nop'; known",
        ),
        (
            "data.exclude",
            [{"path": "bank", "variants": ["noop"], "noop": {"role": "x"}}],
            ".data.exclude.0.noop]: unknown noop.role: 'x'",
        ),
        (
            "data.exclude",
            [{"path": "bank", "variants": ["noop"], "drws": 1}],
            ".data.exclude.0.drws]: unknown key; did you mean 'draws'?",
        ),
        ("data.below", -1, ".data.below]: Input should be greater than or equal to 0; got '-1'"),
        ("data", {"sources": [{"source": "linear"}]}, ".data.parts]: is missing"),
    ],
)
def test_a_stage(where: str, value: Any, message: str) -> None:
    stage = stage_of()
    *path, last = where.split(".")
    at = stage
    for name in path:
        at = at[name]
    at[last] = value
    found = refused(stage)
    assert found.startswith(f"r.yaml [stages.pretrain{message}"), found
    # The base of all stages takes either kind of data; neither may be named beside the other.
    assert "DataSpec" not in found


def test_sft_takes_no_mixture() -> None:
    stage = {"algorithm": "sft", "data": stage_of()["data"], "learning_rate": 1e-3}
    found = refused(stage)
    assert found == "r.yaml [stages.pretrain.data.sources]: is missing"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"adapter": {"kind": "lora"}}, "adapter.kind is lora; stages.pretrain pretrains, which trains all"),
        ({"model": {"path": "m", "engine": "unsloth"}}, "model.engine is unsloth; stages.pretrain pretrains"),
        (
            {"model": {**model_of(), "max_length": 100}},
            "stages.pretrain.lengths ends with 128, above model.max_length (100)",
        ),
    ],
)
def test_what_goes_with_no_pretraining(parts: Any, message: str) -> None:
    assert refused(stage_of(), **parts).startswith(f"r.yaml: {message}")


def test_two_vocabularies() -> None:
    found = refused(stage_of(), model=model_of(tokenizer="shared"))
    assert found == (
        "r.yaml [model.build]: vocabulary is 320 and tokenizer is 'shared', which has its own; "
        "leave one of them out"
    )


@pytest.fixture
def typed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What ``rote train pretrain`` prints of a recipe that it does not take."""
    pytest.importorskip("transformers", reason="needs rote[train]")

    def run(stage: dict[str, Any], *words: str, **parts: Any) -> str:
        recipe = write_recipe(tmp_path / "r.yaml", recipe_of({"pretrain": stage}, **parts))
        status = main(["train", "pretrain", str(recipe), "--out", str(tmp_path / "run"), *words])
        printed = capfd.readouterr()
        assert (status, printed.out) == (3, "")
        assert not (tmp_path / "run").exists()
        return printed.err.removeprefix("rote train: error: ").replace(str(tmp_path), "…")

    return run


def test_what_is_printed_is_the_message_alone(typed: Callable[..., str]) -> None:
    assert typed(stage_of(), "batch_tokens=100") == (
        "…/r.yaml [stages.pretrain]: batch_tokens is 100, below the longest row (128 tokens)\n"
    )
    assert typed(stage_of(), "stages.pretrain.data.parts.0.wieght=2").endswith(
        "[stages.pretrain.data.parts.0.wieght]: unknown key; did you mean 'weight'?\n"
    )


def test_a_tokenizer_that_is_none(typed: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    model = model_of(tokenizer=str(tmp_path / "shared"), vocabulary=0)
    assert typed(stage_of(), model=model) == "…/shared [model.build.tokenizer]: holds no tokenizer.json\n"


def test_templates_that_are_not_there(typed: Callable[..., str], tmp_path: Path) -> None:
    found = typed(stage_of(ARITHMETIC, bank_part("nowhere", "symbolic")))
    assert found == "data.parts.1.path: unknown source 'nowhere': neither a folder nor one of bank\n"
    own = folder_of(tmp_path / "own", PLUMS)
    found = typed(stage_of(bank_part(own, "p1")))
    assert found == "data.parts.0.variants: no template of …/own offers p1\n"
    stage = stage_of()
    stage["data"]["exclude"] = [{"path": "nowhere", "variants": ["original"]}]
    found = typed(stage)
    assert found == "data.exclude.0.path: unknown source 'nowhere': neither a folder nor one of bank\n"


PAGE = Path(__file__).parents[3] / "docs" / "pretraining.md"


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is in the source tree only")
def test_the_recipe_of_the_page_is_taken() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    recipe = check_recipe(yaml.safe_load(text))
    assert recipe.name == "small"
    stage = recipe.stages["pretrain"]
    assert isinstance(stage, PretrainStage)
    assert [part.source for part in stage.data.parts] == ["bank", "arithmetic", "linear", "bank"]
