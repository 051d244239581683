"""The example files of sweeps: they parse, and name commands and options that there are."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rote.cli import COMMANDS, command_parser
from rote.harness_ext.sweeps.plan import Plan

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="in the source tree only")


def text(name: str) -> str:
    return (EXAMPLES / name).read_text(encoding="utf-8")


def workflow() -> Any:
    return yaml.safe_load(text("nightly-sweep.yml"))


def scripts() -> list[str]:
    jobs = workflow()["jobs"].values()
    steps = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    return [*steps, text("ray-on-slurm.sbatch")]


def commands() -> list[list[str]]:
    """Every call of rote in the examples, as words."""
    found = []
    for script in scripts():
        for line in script.replace("\\\n", " ").splitlines():
            if re.match(r"\s*rote ", line):
                found.append(shlex.split(line)[1:])
    return found


def known_options(parser: argparse.ArgumentParser, words: list[str]) -> set[str]:
    """Options of a command, and of the sub-command that stands among its words."""
    options = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                options |= known_options(below, words) if name in words else set()
    return options


def test_commands_and_options_are_there() -> None:
    assert {words[0] for words in commands()} == {"sweep", "leaderboard", "gate"}
    for name, *words in commands():
        assert name in COMMANDS
        options = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert options <= known_options(command_parser(name), words), (name, words)


def test_commands_are_taken_as_they_stand() -> None:
    for name, *words in commands():
        ready = ["2.5" if word == "$PRICE" else word for word in words]
        command_parser(name).parse_args(ready)


def test_the_workflow_is_one() -> None:
    found = workflow()
    assert found[True]["schedule"][0]["cron"]  # YAML 1.1 reads `on` as a truth value
    assert found["concurrency"]["cancel-in-progress"] is False
    for job in found["jobs"].values():
        assert job["timeout-minutes"] > 0
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            # nothing from outside is read as code
            assert "${{" not in step.get("run", "")


def test_the_gate_waits_within_its_time() -> None:
    [words] = [words for words in commands() if words[0] == "gate"]
    job = workflow()["jobs"]["gate"]
    assert float(words[words.index("--wait") + 1]) < 60 * job["timeout-minutes"]


def test_the_plan_is_valid_and_its_results_are_those_of_the_workflow() -> None:
    plan = Plan.model_validate(yaml.safe_load(text("plan.yaml")))
    assert {model.backend for model in plan.models} == {"rote-vllm"}
    assert f'"$SHARED/{plan.results}"' in text("nightly-sweep.yml")
    from rote import tasks_path

    known = {path.stem for path in Path(tasks_path()).rglob("*.yaml")}
    assert {task for tasks in plan.tasks.values() for task in tasks} <= known


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("number", range(len(scripts()) if EXAMPLES.exists() else 0))
def test_scripts_are_bash(number: int) -> None:
    done = subprocess.run(
        ["bash", "-n"], input=scripts()[number], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(("status", "nodes"), [(0, 2), (1, 1)])
def test_the_slurm_script_on_stand_ins(tmp_path: Path, status: int, nodes: int) -> None:
    """Slurm, Ray and rote are small scripts that note how they are called."""
    tools = tmp_path / "venv" / "bin"
    tools.mkdir(parents=True)
    log = tmp_path / "calls.txt"
    bodies = {
        "srun": 'echo "srun $*" >> "$CALLS"; exec sleep 60',
        "ray": 'echo "ray $*" >> "$CALLS"',
        "rote": f'sleep 0.5; echo "rote $*" >> "$CALLS"; exit {status}',
        "scontrol": "printf 'n1\\nn2\\n'",
        "hostname": "echo '10.0.0.1 10.1.0.1 '",
    }
    for name, body in bodies.items():
        (tools / name).write_text(f"#!/usr/bin/env bash\n{body}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    (tools / "activate").write_text("", encoding="utf-8")
    slurm = {
        "SLURM_JOB_NODELIST": "n[1-2]",
        "SLURM_JOB_NUM_NODES": str(nodes),
        "SLURM_JOB_ID": "1234567",
        "SLURM_CPUS_PER_TASK": "64",
        "SLURM_GPUS_ON_NODE": "8",
    }
    done = subprocess.run(
        ["bash", str(EXAMPLES / "ray-on-slurm.sbatch"), "my plan.yaml"],
        env={
            **slurm,
            "CALLS": str(log),
            "ROTE_VENV": str(tmp_path / "venv"),
            "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin",
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=30,
    )
    assert done.returncode == status, done.stderr
    calls = log.read_text(encoding="utf-8").splitlines()
    resources = "--num-cpus 64 --num-gpus 8 --disable-usage-stats --block"
    head = f"ray start --head --node-ip-address=10.0.0.1 --port=24567 {resources}"
    assert f"srun --nodes=1 --ntasks=1 --nodelist=n1 {head}" in calls
    joined = [c for c in calls if f"ray start --address=10.0.0.1:24567 {resources}" in c]
    assert len(joined) == (nodes > 1)
    assert calls[-1] == "rote sweep my plan.yaml --address 10.0.0.1:24567 --once"
