"""docs/recipes.md is what the schema and the shipped recipes say of themselves."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from rote.train.recipe import shipped
from rote.train.recipe.describe import parts

GENERATOR = Path(__file__).parents[2] / "tools" / "gen_recipe_docs.py"
pytestmark = pytest.mark.skipif(
    not GENERATOR.exists(), reason="the generator of the page is in the source tree only"
)


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gen_recipe_docs", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(generator: ModuleType) -> None:
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), "run: make docs"


def test_every_field_and_every_shipped_recipe_is_on_the_page(generator: ModuleType) -> None:
    page = generator.page()
    for where, _, lines in parts():
        start = page.index(f"\n### `{where}`\n" if where else "\n### The whole recipe\n")
        section = page[start:].split("\n### ")[1]
        for line in lines:
            assert f"| `{line.key}` |" in section, f"{where} {line.key}"
    for name in shipped():
        assert f"[`{name}`]" in page


def test_check_says_whether_the_page_is_current(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "PAGE", tmp_path / "recipes.md")
    assert generator.main(["--check"]) == 1
    assert "run make docs" in capsys.readouterr().err
    assert not generator.PAGE.exists()
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
