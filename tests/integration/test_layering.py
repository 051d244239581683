"""Imports run down only: each room of the package imports what it is allowed to, and nothing else.

Every ``import`` of every module is read from its syntax tree, those inside functions and behind
``TYPE_CHECKING`` too. The same rules are run on small faulty modules, to show that they catch them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import rote

PACKAGE = Path(rote.__file__).parent
GROUND = frozenset(
    {"errors", "problem", "rational", "answers", "steps", "prompts", "metrics", "logs", "hints"}
)
ROOMS = ("perturb", "tasks", "harness_ext", "reports", "train", "cli")
EVERYTHING = frozenset({"*"})


@dataclass(frozen=True)
class Rule:
    """What a room may import: rooms of rote, other packages anywhere, other packages inside functions."""

    rooms: frozenset[str]
    packages: frozenset[str] = frozenset()
    packages_in_functions: frozenset[str] = frozenset()
    rooms_in_functions: frozenset[str] = frozenset()


RULES = {
    "ground": Rule(rooms=frozenset({"ground"})),
    "perturb": Rule(
        rooms=frozenset({"ground", "perturb"}),
        packages=frozenset({"jinja2", "yaml", "pydantic", "inflect"}),
        # typeguard is kept from slowing inflect down; HanTa's model takes a while to load.
        packages_in_functions=frozenset({"typeguard", "HanTa"}),
    ),
    "reports": Rule(
        rooms=frozenset({"ground", "reports"}),
        packages=frozenset({"numpy", "scipy", "matplotlib", "jinja2"}),
    ),
    "harness_ext": Rule(
        rooms=frozenset({"ground", "perturb", "harness_ext"}),
        # lm_eval draws its progress with tqdm; plans of sweeps are checked as recipes are.
        packages=frozenset({"lm_eval", "datasets", "tqdm", "pydantic", "yaml"}),
        # torch and transformers are of rote[hf], for what runs such models; pyarrow and fsspec come with
        # datasets, the hub with transformers; ray is of rote[sweep].
        packages_in_functions=frozenset(
            {"torch", "transformers", "pyarrow", "fsspec", "huggingface_hub", "ray"}
        ),
    ),
    "train": Rule(
        rooms=frozenset({"ground", "perturb", "train"}),
        # Recipes are checked without any of the heavy packages.
        packages=frozenset({"pydantic", "yaml", "jinja2"}),
        packages_in_functions=frozenset(
            {
                "torch",
                "transformers",
                "tokenizers",
                "trl",
                "peft",
                "unsloth",
                "accelerate",
                "bitsandbytes",
                "vllm",
                "datasets",
                "safetensors",
                "huggingface_hub",
                "numpy",
                "matplotlib",
                "tqdm",
                "pynvml",
            }
        ),
    ),
    "cli": Rule(rooms=frozenset({"ground"}), rooms_in_functions=EVERYTHING, packages_in_functions=EVERYTHING),
    # rote/__init__.py is imported by everything, and rote/__main__.py is the command line.
    "__init__": Rule(rooms=frozenset()),
    "__main__": Rule(rooms=frozenset({"cli"})),
}


def room_of(module: str) -> str:
    """The room of a module named from the top: ``rote.perturb.draw`` is of ``perturb``."""
    parts = module.split(".")
    if len(parts) == 1:
        return "__init__"
    return "ground" if parts[1] in GROUND else parts[1]


@dataclass(frozen=True)
class Import:
    module: str
    line: int
    in_function: bool


def imported_name(target: ast.expr, module: str) -> str:
    """The module that a call of ``import_module`` reaches, as far as the source shows it."""
    if isinstance(target, ast.Constant):
        return str(target.value)
    if isinstance(target, ast.JoinedStr) and ast.unparse(target).startswith(
        ("f'{__name__}.", 'f"{__name__}.')
    ):
        return module  # one of its own submodules, whichever
    return "(computed)"


def imports(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[Import]:
    """All imports of a syntax tree, each as the full name of the module it reaches."""

    def visit(node: ast.AST, in_function: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, in_function)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                above = parts[: len(parts) - node.level + (1 if is_package else 0)]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                # `from rote import perturb` reaches rote.perturb; names of other packages do not matter.
                whole = f"{base}.{alias.name}"
                names_a_room = base == "rote" and alias.name in (*GROUND, *ROOMS)
                yield Import(whole if names_a_room else base, node.lineno, in_function)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.split(".")[-1] in ("import_module", "__import__"):
                name = imported_name(node.args[0], module) if node.args else "(computed)"
                yield Import(name, node.lineno, in_function)
        inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(tree, False)


def violations(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """What a module imports against the rule of its room, as ``module:line imports what``."""
    rule = RULES[room_of(module)]
    faults = []
    for found in imports(ast.parse(source), module, is_package=is_package):
        top = found.module.split(".")[0]
        if top in sys.stdlib_module_names:
            continue
        if top == "rote":
            wanted, allowed, late = room_of(found.module), rule.rooms, rule.rooms_in_functions
            if wanted == "__init__":  # `from rote import __version__`: imports nothing more
                continue
        else:
            wanted, allowed, late = top, rule.packages, rule.packages_in_functions
        if wanted in allowed or (found.in_function and (wanted in late or late == EVERYTHING)):
            continue
        faults.append(f"{module}:{found.line} imports {found.module}")
    return faults


def module_name(path: Path) -> str:
    parts = ("rote", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = [
    pytest.param(module_name(path), path, id=module_name(path)) for path in sorted(PACKAGE.rglob("*.py"))
]


@pytest.mark.parametrize(("module", "path"), MODULES)
def test_a_module_imports_only_what_its_room_may(module: str, path: Path) -> None:
    assert room_of(module) in RULES, f"{path} is in no room of the house"
    source = path.read_text(encoding="utf-8")
    assert violations(source, module, is_package=path.name == "__init__.py") == []


def test_tasks_hold_no_python() -> None:
    assert list((PACKAGE / "tasks").rglob("*.py")) == []


def test_tasks_name_functions_of_the_harness_room() -> None:
    files = [path for path in (PACKAGE / "tasks").rglob("*") if path.suffix in (".yaml", ".yml")]
    assert files
    for path in files:
        for name in re.findall(r"!function\s+(\S+)", path.read_text(encoding="utf-8")):
            assert name.startswith("rote.harness_ext."), f"{path.name}: !function {name}"


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("rote.answers", "import numpy"),
        ("rote.answers", "def f():\n    import yaml"),
        ("rote.metrics.chain", "import numpy"),
        ("rote.metrics.measures", "from rote.perturb import load_source"),
        ("rote.steps", "from rote.perturb import load_source"),
        ("rote.steps", "from rote import perturb"),
        ("rote.prompts", "from .reports import reader"),
        ("rote.perturb.draw", "import numpy as np"),
        ("rote.perturb.draw", "from ..harness_ext import datasets"),
        ("rote.perturb.draw", "import importlib\nm = importlib.import_module('lm_eval')"),
        ("rote.reports.reader", "import importlib\ndef f(n):\n    return importlib.import_module(n)"),
        ("rote.reports.reader", "from rote.perturb.schema import Template"),
        ("rote.reports.reader", "def f():\n    import lm_eval"),
        ("rote.reports.reader", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"),
        ("rote.harness_ext.scoring", "from rote.reports import build_report"),
        ("rote.harness_ext.scoring", "from rote.train import rewards"),
        ("rote.train.recipe", "import torch"),
        ("rote.train.recipe", "def f():\n    import lm_eval"),
        ("rote.cli.eval", "import lm_eval"),
        ("rote.cli.eval", "from rote.harness_ext import models"),
        ("rote", "from rote.errors import RoteError"),
    ],
)
def test_a_wrong_arrow_is_found(module: str, source: str) -> None:
    assert len(violations(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("rote.answers", "import re\nfrom rote.rational import parse\nfrom . import errors"),
        ("rote.perturb.draw", "import jinja2.sandbox\nfrom rote import __version__\nfrom .schema import T"),
        ("rote.harness_ext.models.planted", "from lm_eval.api.model import LM\nfrom rote import perturb"),
        ("rote.train.recipe", "def f():\n    from trl import SFTTrainer"),
        ("rote.reports", "from importlib import import_module\nx = import_module(f'{__name__}.html')"),
        ("rote.cli.eval", "from rote.errors import UsageError\ndef run():\n    from rote import harness_ext"),
    ],
)
def test_a_right_arrow_passes(module: str, source: str) -> None:
    assert violations(source, module) == []


def test_relative_imports_of_a_package_start_at_the_package() -> None:
    assert violations("from .reader import x", "rote.reports", is_package=True) == []
    assert violations("from ..perturb import x", "rote.reports", is_package=True) == [
        "rote.reports:1 imports rote.perturb"
    ]
