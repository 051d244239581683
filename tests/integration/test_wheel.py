"""The distribution: what is inside the wheel and the sdist, what it asks for, and what installing it does.

Builds happen without isolation and without network. That stock lm_eval finds the tasks in a fresh
environment is shown by .ci/run, which installs every dependency there.
"""

from __future__ import annotations

import configparser
import email.message
import email.parser
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import rote

ROOT = Path(__file__).parents[2]
pytest.importorskip("build", reason="building needs the dev extra: pip install 'rote[dev]'")
pytest.importorskip("hatchling", reason="building needs the dev extra: pip install 'rote[dev]'")
pytestmark = pytest.mark.skipif(
    not (ROOT / "rote" / "__init__.py").exists(), reason="builds from the source tree only"
)

TOO_BIG = re.compile(r"^(torch|transformers|accelerate|peft|trl|unsloth|vllm|bitsandbytes)\b", re.IGNORECASE)


def build(target: Path, *options: str) -> Path:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), *options]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (made,) = target.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"), "--wheel", str(ROOT))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("sdist"), "--sdist", str(ROOT))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def read(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (path for path in archive.namelist() if path.endswith(f".dist-info/{name}"))
        return archive.read(path).decode("utf-8")


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    return email.parser.Parser().parsestr(read(wheel, "METADATA"))


def source_files() -> set[str]:
    """Files of the package in the source tree, as git would keep them."""
    files = (path for path in (ROOT / "rote").rglob("*") if path.is_file())
    return {
        path.relative_to(ROOT).as_posix()
        for path in files
        if "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def test_every_file_of_the_package_is_in_the_wheel(names: set[str]) -> None:
    assert source_files() <= names
    assert "rote/py.typed" in names
    assert any(name.startswith("rote/tasks/") and name.endswith((".yaml", ".yml")) for name in names)


def test_the_task_folder_is_in_the_wheel_a_second_time_where_lm_eval_looks(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    ours = {
        name.removeprefix("rote/tasks/"): c for name, c in content.items() if name.startswith("rote/tasks/")
    }
    theirs = {
        name.removeprefix("lm_eval/tasks/rote/"): c
        for name, c in content.items()
        if name.startswith("lm_eval/")
    }
    assert ours
    assert ours == theirs


def test_nothing_else_is_in_the_wheel(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {
        "rote",
        "lm_eval",
        f"rote-{rote.__version__}.dist-info",
    }
    assert not [name for name in names if name.endswith(".pyc") or "__pycache__" in name]


def test_the_base_install_asks_for_no_torch(metadata: email.message.Message) -> None:
    base = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert any(line.startswith("lm-eval") for line in base)
    assert [line for line in base if TOO_BIG.match(line) or "[" in line] == []
    assert set(metadata.get_all("Provides-Extra", [])) == {"api", "dev", "hf", "sweep", "train", "vllm"}


def test_metadata(metadata: email.message.Message, wheel: Path) -> None:
    assert metadata["Name"] == "rote"
    assert metadata["Version"] == rote.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert read(wheel, "licenses/LICENSE").startswith("MIT License")


def test_entry_points(wheel: Path) -> None:
    entries = configparser.ConfigParser()
    entries.read_string(read(wheel, "entry_points.txt"))
    assert dict(entries["console_scripts"]) == {"rote": "rote.cli:main"}
    for group in entries.sections():
        for value in entries[group].values():
            module = value.split(":")[0].replace(".", "/")
            assert (ROOT / f"{module}.py").exists() or (ROOT / module / "__init__.py").exists(), value


def test_the_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert {"tests", "tools", "Makefile", "constraints.txt", "README.md", "CHANGELOG.md"} <= {
        p.name for p in source.iterdir()
    }
    again = build(tmp_path / "again", "--wheel", str(source))
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert set(first.namelist()) == set(second.namelist())
        for name in first.namelist():
            assert first.read(name) == second.read(name), name


@pytest.mark.slow
def test_installing_and_uninstalling_leaves_nothing(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True, symlinks=os.name != "nt")
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def run(*arguments: str) -> str:
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        result = subprocess.run(
            [str(python), *arguments], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout.strip()

    site = Path(run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    run("-m", "pip", "install", "--no-index", "--no-deps", str(wheel))
    installed = {path.name for path in (site / "lm_eval" / "tasks" / "rote").rglob("*") if path.is_file()}
    assert installed == {path.name for path in rote.tasks_path().rglob("*") if path.is_file()}
    assert run("-m", "rote", "--version") == f"rote {rote.__version__}"
    assert Path(run("-c", "import rote; print(rote.__file__)")).is_relative_to(environment)
    run("-m", "pip", "uninstall", "--yes", "rote")
    assert not (site / "rote").exists()
    assert not (site / "lm_eval" / "tasks" / "rote").exists()
    assert [path for path in (site / "lm_eval").rglob("*") if path.is_file()] == []
