"""The set-up script: what it installs, when it does nothing, and what an interruption leaves behind.

The installer is replaced by one that records what it was asked; the real one is run by every ``make test``.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "bootstrap.py"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the set-up script is in the source tree only")


class FakeInstaller:
    """Makes a folder that looks like an environment, and writes down what it is asked to install."""

    cpu_build: str | None = "2.13.0+cpu"
    fail = False
    asked: list[tuple[str, ...]]

    def __init__(self, venv: Path, log: Path) -> None:
        self.venv = venv
        self.python = sys.executable
        self.links = ["--find-links", "wheels"]
        self.name = "fake"

    def make_venv(self) -> None:
        (self.venv / "bin").mkdir()
        (self.venv / "bin" / "python").write_text("made", encoding="utf-8")

    def install(self, *arguments: str) -> None:
        self.asked.append(arguments)
        if FakeInstaller.fail:
            raise KeyboardInterrupt

    def would_install(self, requirement: str, *arguments: str) -> str | None:
        return FakeInstaller.cpu_build


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, at work on an empty project, with the fake installer."""
    spec = importlib.util.spec_from_file_location("rote_bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "rote" / "tasks").mkdir(parents=True)
    (tmp_path / "rote" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "rote" / "tasks" / "a.yaml").write_text("task: a\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    (tmp_path / "constraints.txt").write_text("# pins\ntorch==2.13.0\n", encoding="utf-8")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "Installer", FakeInstaller)
    monkeypatch.setattr(module, "runs", Path.exists)
    monkeypatch.setattr(module, "venv_python", lambda venv: venv / "bin" / "python")
    monkeypatch.setattr(module, "installed_version", lambda python, package: None)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(FakeInstaller, "asked", [], raising=False)
    monkeypatch.setattr(FakeInstaller, "cpu_build", "2.13.0+cpu")
    monkeypatch.setattr(FakeInstaller, "fail", False)
    return module


def state(script: ModuleType) -> dict[str, object]:
    record = json.loads((script.ROOT / ".venv" / ".rote-bootstrap.json").read_text(encoding="utf-8"))
    assert isinstance(record, dict)
    return record


def test_the_base_install_has_no_torch(script: ModuleType) -> None:
    assert script.main([]) == 0
    assert FakeInstaller.asked == [("-c", "constraints.txt", "-e", ".")]
    assert state(script)["state"] == "complete"


def test_a_second_run_does_nothing(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    script.main(["--extras", "dev"])
    FakeInstaller.asked.clear()
    assert script.main(["--extras", "dev"]) == 0
    assert script.main([]) == 0  # fewer extras than there are: nothing to do either
    assert FakeInstaller.asked == []
    assert "up to date" in capsys.readouterr().out


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt", "rote/tasks/a.yaml"])
def test_a_changed_input_is_installed(script: ModuleType, changed: str) -> None:
    script.main(["--extras", "dev"])
    FakeInstaller.asked.clear()
    with (script.ROOT / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert script.main([]) == 0
    assert FakeInstaller.asked == [("-c", "constraints.txt", "-e", ".[dev]")]  # keeps the extras it has


def test_one_more_extra_is_added_to_those_there_are(script: ModuleType) -> None:
    script.main(["--extras", "dev"])
    script.main(["--extras", "hf"])
    assert FakeInstaller.asked[-1][-1] == ".[dev,hf]"


def test_torch_is_pinned_to_the_cpu_build_that_was_found(script: ModuleType) -> None:
    script.main(["--extras", "hf"])
    first, second = FakeInstaller.asked
    assert first[0] == "torch==2.13.0+cpu"
    assert "--no-index" in first
    assert second[-1] == ".[hf]"


@pytest.mark.parametrize("found", [None, "2.13.0", "2.13.0+cu130"])
def test_without_a_cpu_build_hf_is_left_out_loudly(
    script: ModuleType, found: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeInstaller.cpu_build = found
    assert script.main(["--extras", "dev,hf"]) == 0
    assert FakeInstaller.asked == [("-c", "constraints.txt", "-e", ".[dev]")]
    assert "the extra 'hf' was NOT installed" in capsys.readouterr().out
    assert script.main(["--extras", "dev,hf"]) == 0  # quick, and as loud
    assert len(FakeInstaller.asked) == 1
    assert "the extra 'hf' was NOT installed" in capsys.readouterr().out


def test_on_other_systems_the_default_build_is_a_cpu_build(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    FakeInstaller.cpu_build = None
    script.main(["--extras", "hf"])
    assert FakeInstaller.asked[0][0] == "torch==2.13.0"


def test_a_torch_that_is_there_already_stays(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "installed_version", lambda python, package: "2.13.0+cu130")
    FakeInstaller.cpu_build = None
    script.main(["--extras", "hf"])
    assert FakeInstaller.asked[0][0] == "torch==2.13.0+cu130"


def test_after_an_interruption_it_starts_from_scratch(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeInstaller.fail = True
    assert script.main([]) == 130
    assert state(script) == {"state": "installing", "made_here": True}
    half = script.ROOT / ".venv" / "half-installed"
    half.write_text("", encoding="utf-8")
    FakeInstaller.fail = False
    assert script.main([]) == 0
    assert "starting from scratch" in capsys.readouterr().out
    assert not half.exists()
    assert state(script)["state"] == "complete"


def test_force_starts_from_scratch(script: ModuleType) -> None:
    script.main([])
    old = script.ROOT / ".venv" / "old"
    old.write_text("", encoding="utf-8")
    script.main(["--force"])
    assert not old.exists()


def test_an_environment_of_the_users_own_is_never_deleted(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    own = script.ROOT / ".venv" / "own"
    own.parent.mkdir()
    own.write_text("", encoding="utf-8")
    assert script.main(["--force"]) == 1
    assert "was not made by this script" in capsys.readouterr().err
    assert own.exists()


def test_nor_is_it_after_an_interruption(script: ModuleType) -> None:
    own = script.ROOT / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.write_text("own", encoding="utf-8")
    FakeInstaller.fail = True
    assert script.main([]) == 130
    FakeInstaller.fail = False
    assert script.main([]) == 0
    assert script.main(["--force"]) == 0
    assert own.read_text(encoding="utf-8") == "own"


def test_an_unknown_extra_is_refused(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        script.main(["--extras", "hugging"])
    assert "unknown extras: hugging (known: api, dev, hf, sweep, train, vllm)" in capsys.readouterr().err
    assert not (script.ROOT / ".venv").exists()


def test_a_failing_tool_shows_the_end_of_its_log(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    with pytest.raises(script.BootstrapError, match="exit status 3; the whole log:"):
        script.run_logged([sys.executable, "-c", "print('no such wheel'); raise SystemExit(3)"], log)
    assert "no such wheel" in capsys.readouterr().err
