"""benchmarks/gpu/run.sh: its exit status tells of what failed. A script of three lines stands for Python."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks/gpu/run.sh"
pytestmark = [
    pytest.mark.skipif(not SCRIPT.exists(), reason="in the source tree only"),
    pytest.mark.skipif(sys.platform == "win32", reason="a script of bash"),
]

#: Fails where its words hold $FAILING.
PYTHON = """#!/bin/sh
echo "$*"
case "$*" in *"$FAILING"*) exit 7 ;; esac
"""


def run(folder: Path, stage: str, failing: str, out: str = "") -> subprocess.CompletedProcess[str]:
    fake = folder / "bin" / "python3"
    fake.parent.mkdir(exist_ok=True)
    fake.write_text(PYTHON, encoding="utf-8")
    fake.chmod(0o755)
    path = f"{fake.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", str(SCRIPT), stage, "work"],
        cwd=folder,
        # PYTHON, too: a `make PYTHON=… test` leaves its own there.
        env={**os.environ, "PATH": path, "PYTHON": str(fake), "FAILING": failing, "OUT": out, "CHANGES": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("stage", "failing"),
    [
        ("engines", "lora-unsloth"),
        ("engines", "lora-hf"),
        ("qlora", "work/qlora"),
        ("qlora", "rote export"),
        ("prepare", "organisms/sets.py"),
        ("prepare", "organisms/recipes/grpo_rows.py"),
        # What they begin with is not there.
        ("grpo", "nothing of this kind"),
        ("counting", "nothing of this kind"),
        ("controls", "nothing of this kind"),
        ("cold", "nothing of this kind"),
        ("ppo", "nothing of this kind"),
    ],
)
def test_a_failure_is_the_scripts(stage: str, failing: str, tmp_path: Path) -> None:
    ended = run(tmp_path, stage, failing)
    assert ended.returncode == 1, ended.stdout + ended.stderr


@pytest.mark.parametrize("stage", ["engines", "qlora"])
def test_without_a_failure_it_is_0(stage: str, tmp_path: Path) -> None:
    ended = run(tmp_path, stage, "nothing of this kind")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_what_failed_is_packed_too_into_a_folder_named_from_here(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert run(tmp_path, "engines", "lora-hf", out="out").returncode == 1
    with tarfile.open(tmp_path / "out" / "engines.tar.gz") as packed:
        assert sorted(packed.getnames()) == ["./lora-hf.txt", "./lora-unsloth.txt"]


def test_a_pack_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    assert run(tmp_path, "engines", "nothing of this kind", out="missing").returncode == 1
