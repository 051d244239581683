#!/usr/bin/env python3
"""Install the built wheel into a fresh environment with no extras, and see that it works there.

    .venv/bin/python tools/fresh_install.py dist/rote-0.1.0-py3-none-any.whl

Shown there, away from the source tree: no torch came with it; the tests of the ground, ``perturb`` and
``reports`` pass; stock ``lm_eval`` finds our tasks with no flag; ``rote eval`` runs a planted model.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bootstrap import BootstrapError, Installer, venv_python

ROOT = Path(__file__).resolve().parent.parent
TASK = "bank_symbolic"
LIMIT = 5
#: Of these, and of properties that no installation changes, the whole suite tells.
OTHER_ROOMS = ("__pycache__", "cli", "docs", "harness_ext", "integration", "property", "tasks", "train")


def say(message: str) -> None:
    print(f"fresh install: {message}", flush=True)


def run(command: list[str], folder: Path) -> None:
    """Run a command in a folder that is not the source tree; its output is shown."""
    # PYTHONPATH could name the source tree. The hub is never asked.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    say("$ " + " ".join(command))
    status = subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, check=False).returncode
    if status != 0:
        raise BootstrapError(f"exit status {status}: {' '.join(command)}")


def samples_of(folder: Path) -> int:
    files = list(folder.rglob(f"samples_{TASK}_*.jsonl"))
    if len(files) != 1:
        raise BootstrapError(f"{folder}: expected one samples_{TASK}_*.jsonl, found {len(files)}")
    return len(files[0].read_text(encoding="utf-8").splitlines())


def check(wheel: Path, place: Path) -> None:
    venv = place / "environment"
    venv.mkdir()
    installer = Installer(venv, place / "install.log")
    say(f"installing {wheel.name} with {installer.name} into {venv}")
    installer.make_venv()
    # These run the tests; they are no part of any extra that a user would install.
    installer.install("-c", "constraints.txt", str(wheel), "pytest", "pytest-xdist", "hypothesis")

    python = str(venv_python(venv))
    scripts = Path(python).parent
    run(
        [
            python,
            "-c",
            "import importlib.util as u, pathlib, sys, rote;"
            "assert pathlib.Path(rote.__file__).is_relative_to(sys.prefix), rote.__file__;"
            "found = [name for name in ('torch', 'transformers', 'vllm') if u.find_spec(name)];"
            "sys.exit(f'came with the base install: {found}' if found else 0)",
        ],
        place,
    )

    say(f"stock lm_eval finds {TASK}")
    evaluation = ["--tasks", TASK, "--limit", str(LIMIT), "--log_samples", "--output_path"]
    run([str(scripts / "lm_eval"), "--model", "dummy", *evaluation, "stock"], place)
    planted = ["--model", "rote-planted", "--model_args", "behaviour=solver"]
    run([str(scripts / "rote"), "eval", *planted, *evaluation, "ours"], place)
    for folder in ("stock", "ours"):
        if (count := samples_of(place / folder)) != LIMIT:
            raise BootstrapError(f"{folder}: {count} samples were logged, expected {LIMIT}")

    say("tests of the ground, perturb and reports")
    copy = place / "copy"
    shutil.copytree(ROOT / "tests", copy / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    entries = sorted((copy / "tests").iterdir())
    tests = [f"tests/{p.name}" for p in entries if p.is_dir() and p.name not in OTHER_ROOMS]
    tests += [f"tests/{p.name}" for p in entries if p.match("test_*.py")]
    # what is slow is run by the whole suite; here it is the installation that is tried
    spread = ["-n", "logical", "--maxprocesses", "2", "--dist", "loadscope"]
    run([python, "-m", "pytest", "-q", *spread, "-m", "not slow", "-p", "no:cacheprovider", *tests], copy)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Try the built wheel in a fresh environment.")
    parser.add_argument("wheel", type=Path)
    wheel: Path = parser.parse_args(argv).wheel.resolve()
    if not wheel.is_file():
        parser.error(f"no file {wheel}: make build makes it")
    place = Path(tempfile.mkdtemp(prefix="rote-fresh-"))
    try:
        check(wheel, place)
    except BootstrapError as error:
        print(f"fresh install: error: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(place, ignore_errors=True)
    say("all of it works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
