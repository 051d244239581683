"""The frame of the command line: dispatch, help, errors, pipes, and what importing it costs."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

import rote
from rote import cli
from rote.errors import DataError, RoteError, UsageError

HEAVY = ("numpy", "scipy", "jinja2", "lm_eval", "datasets", "torch", "yaml", "pydantic", "matplotlib")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """A command named ``probe`` whose ``run`` a test chooses."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--number", type=int, default=0)

    probe = types.SimpleNamespace(HELP="a probe", add_arguments=add_arguments, run=lambda args: args.number)
    monkeypatch.setitem(sys.modules, "rote.cli.probe", probe)
    monkeypatch.setitem(cli.COMMANDS, "probe", "a probe")
    return probe


def raising(error: BaseException) -> object:
    def run(args: argparse.Namespace) -> int:
        raise error

    return run


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_the_table_says_what_the_command_says(name: str) -> None:
    assert cli.COMMANDS[name] == cli.load(name).HELP


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_shows_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    assert "usage:" in capsys.readouterr().out


def test_every_command_module_stands_in_the_table() -> None:
    modules = {path.stem for path in Path(cli.__file__).parent.glob("*.py") if not path.stem.startswith("_")}
    assert modules == set(cli.COMMANDS)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    for name, line in cli.COMMANDS.items():
        assert f"  {name:<9} {line}\n" in out


def test_no_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "commands:" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"rote {rote.__version__}\n"


@pytest.mark.parametrize(
    ("word", "said"),
    [("repotr", "did you mean 'report'?"), ("evla", "did you mean 'eval'?"), ("zzz", "check, sample")],
)
def test_an_unknown_command_names_the_nearest(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([word]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"rote: error: no command '{word}'")
    assert said in err


def test_an_unknown_option_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--verison"]) == 2
    assert "--verison" in capsys.readouterr().err


@pytest.mark.usefixtures("command")
def test_the_status_of_a_command_is_the_status_of_the_program() -> None:
    assert cli.main(["probe", "--number", "1"]) == 1


@pytest.mark.usefixtures("command")
@pytest.mark.parametrize("words", [["--number", "x"], ["--num", "1"], ["--other"], ["stray"]])
def test_a_bad_command_line_is_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["probe", *words]) == 2
    assert "usage: rote probe" in capsys.readouterr().err


class _OwnStatusError(RoteError):
    exit_code = 7


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (UsageError("no variant 'x'"), 3, "no variant 'x'"),
        (
            DataError("not a number", path="a.jsonl", line=3, field="gold"),
            3,
            "a.jsonl:3 [gold]: not a number",
        ),
        (_OwnStatusError("seven"), 7, "seven"),
    ],
)
def test_an_error_raised_on_purpose_is_a_message(
    command: types.SimpleNamespace,
    error: RoteError,
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command.run = raising(error)
    assert cli.main(["probe"]) == status
    captured = capsys.readouterr()
    assert captured.err == f"rote probe: error: {message}\n"
    assert captured.out == ""


def test_an_error_not_raised_on_purpose_keeps_its_traceback(command: types.SimpleNamespace) -> None:
    command.run = raising(ZeroDivisionError("a fault of ours"))
    with pytest.raises(ZeroDivisionError):
        cli.main(["probe"])


def test_an_interrupt_is_status_130(
    command: types.SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    command.run = raising(KeyboardInterrupt())
    assert cli.main(["probe"]) == 130
    assert capsys.readouterr().err == "rote probe: interrupted\n"


@pytest.mark.parametrize(("code", "status"), [(None, 0), (0, 0), (4, 4), ("no such model", 1)])
def test_leaving_by_sys_exit_is_a_status(
    command: types.SimpleNamespace,
    code: int | str | None,
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command.run = raising(SystemExit(code))
    assert cli.main(["probe"]) == status
    assert capsys.readouterr().err == ("no such model\n" if code == "no such model" else "")


PIPE_PROBE = """
import sys, types
from rote import cli

def run(args):
    for line in range(200_000):
        print("a line of output", line)
    return 0

probe = types.SimpleNamespace(HELP="", add_arguments=lambda parser: None, run=run)
sys.modules["rote.cli.probe"] = probe
cli.COMMANDS["probe"] = ""
sys.exit(cli.main(["probe"]))
"""


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PIPE_PROBE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout as out, process.stderr as err:
        assert out.readline() == "a line of output 0\n"
        out.close()
        assert err.read() == ""
    assert process.wait(timeout=30) == 141


def modules_after(code: str) -> set[str]:
    """Names in ``sys.modules`` at the end of a fresh interpreter that ran the code."""
    program = f"import sys\n{code}\nimport json; print('\\n' + json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize("code", ["import rote", "from rote.cli import main; main(['--help'])"])
def test_nothing_heavy_is_imported_before_it_is_needed(code: str) -> None:
    modules = modules_after(code)
    assert "rote" in modules
    assert not modules & set(HEAVY)
    assert not {name for name in modules if name.startswith("rote.cli.")}


def test_python_m_rote_is_the_same_program() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "rote", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout == f"rote {rote.__version__}\n"
