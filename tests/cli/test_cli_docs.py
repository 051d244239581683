"""docs/cli.md is what the commands say of themselves."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from rote.cli import COMMANDS

GENERATOR = Path(__file__).parents[2] / "tools" / "gen_cli_docs.py"
pytestmark = pytest.mark.skipif(
    not GENERATOR.exists(), reason="the generator of the page is in the source tree only"
)


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gen_cli_docs", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(generator: ModuleType) -> None:
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(), "run: make docs"


def test_every_option_of_every_command_is_on_the_page(generator: ModuleType) -> None:
    page = generator.PAGE.read_text(encoding="utf-8")
    for name in COMMANDS:
        start = page.index(f"\n## rote {name}\n")
        section = page[start : page.find("\n## ", start + 1) if "\n## " in page[start + 1 :] else None]
        for action in generator.command_parser(name)._actions:
            for option in action.option_strings:
                if option not in ("-h", "--help") and action.help != "==SUPPRESS==":
                    assert option in section, f"{name} {option}"
