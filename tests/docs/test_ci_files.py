"""The composite action and the example files: they parse, agree with the page, and the script runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rote.cli import main
from rote.reports.gate import parse_policy

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "action.yml").exists(), reason="in the source tree only")


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_the_policy_is_valid_and_the_pages() -> None:
    text = (ROOT / "docs/examples/policy.yaml").read_text(encoding="utf-8")
    assert len(parse_policy(yaml.safe_load(text)).checks) == 3
    assert text in (ROOT / "docs/guide-ci.md").read_text(encoding="utf-8")


def test_the_workflow_uses_the_actions_inputs() -> None:
    action, workflow = read("action.yml"), read("docs/examples/gate.yml")
    [step] = [s for s in workflow["jobs"]["gate"]["steps"] if s.get("uses") == "./.rote"]
    assert set(step["with"]) <= set(action["inputs"])
    needed = {name for name, facts in action["inputs"].items() if facts.get("required")}
    assert needed <= set(step["with"])


def test_no_input_is_read_as_code() -> None:
    for path in ("action.yml", "docs/examples/gate.yml"):
        steps = read(path)["runs"]["steps"] if path == "action.yml" else read(path)["jobs"]["gate"]["steps"]
        assert not any("${{" in step.get("run", "") for step in steps)


@pytest.mark.skipif(sys.platform == "win32", reason="the action's shell is bash")
@pytest.mark.parametrize(
    ("rate", "margin", "inconclusive", "code", "status"),
    [
        (0.9, 5, "fail", 0, "pass"),
        (0.2, 5, "fail", 1, "fail"),
        (0.9, 0.1, "fail", 2, "inconclusive"),
        (0.9, 0.1, "pass", 0, "inconclusive"),
        (None, 5, "pass", 3, "error"),
        (0.9, 5, "maybe", 3, None),
    ],
)
def test_the_script(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rate: float | None,
    margin: float,
    inconclusive: str,
    code: int,
    status: str | None,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "reports"))
    from log_factory import Run, behaviour

    base = tmp_path / "base line.json"
    Run(tmp_path / "old").add("original", 60, behaviour({"original": 0.9})).write()
    if rate is not None:
        Run(tmp_path / "new logs").add("original", 60, behaviour({"original": rate})).write()
    main(["gate", "--baseline", str(base), "--candidate", str(tmp_path / "old"), "--update-baseline"])
    check = {"variant": "original", "metric": "accuracy", "margin": margin, "tier": "critical"}
    (tmp_path / "policy.yaml").write_text(json.dumps({"checks": [check]}))
    [step] = read("action.yml")["runs"]["steps"]
    inputs = {
        "baseline": str(base),
        "candidate": f"{tmp_path / 'new logs'}\n",
        "policy": str(tmp_path / "policy.yaml"),
        "candidate-model": "",
        "reports": str(tmp_path / "reports"),
        "inconclusive": inconclusive,
    }
    environment = {
        k: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda m: inputs[m[1]], v) for k, v in step["env"].items()
    }
    output = tmp_path / "output"
    output.touch()
    scripts = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        env={
            **os.environ,
            **environment,
            "GITHUB_OUTPUT": str(output),
            "PATH": scripts + os.pathsep + os.environ["PATH"],
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stderr
    if status is not None:
        assert f"status={status}\n" in output.read_text()
        for name in ("gate.xml", "gate.json", "gate.md"):
            assert (tmp_path / "reports" / name).exists()
