#!/usr/bin/env python3
"""Make .venv and install this project into it, editable, at the versions of constraints.txt.

    python3 tools/bootstrap.py                    base install (no torch)
    python3 tools/bootstrap.py --extras dev,hf    what the tests need
    python3 tools/bootstrap.py --force            from scratch

Only the standard library is used, so any python3 can start it. uv does the work when it is on PATH (or
named by the environment variable UV), otherwise venv and pip.

.venv/.rote-bootstrap.json says what was installed from which inputs: when nothing changed, a second run
ends at once; when a run was interrupted, the file says so and the next run starts from an empty folder.

The ``hf`` extra needs torch, whose Linux wheels on the default index bring several gigabytes of CUDA
packages. So a CPU build is looked for first (pip's find-links, then PyTorch's own CPU index), and the
extra is left out, loudly, where there is none.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ((3, 11), (3, 12), (3, 13))
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
INDEX_TIMEOUT_SECONDS = 5
KNOWN_EXTRAS = ("api", "dev", "hf", "sweep", "train", "vllm")


class BootstrapError(Exception):
    """Something the user has to put right; the message says what."""


def say(message: str) -> None:
    print(f"bootstrap: {message}", flush=True)


# ---------------------------------------------------------------- which python, which tool


def supported_names() -> str:
    return ", ".join(".".join(map(str, version)) for version in SUPPORTED)


def leave_for_supported_python() -> None:
    """Run again under a supported Python when this one is not; return when this one is."""
    if sys.version_info[:2] in SUPPORTED:
        return
    here = ".".join(map(str, sys.version_info[:3]))
    for major, minor in ((3, 12), (3, 11), (3, 13)):
        other = shutil.which(f"python{major}.{minor}")
        # A pyenv shim exists for versions that are not active; only running it tells.
        if other and subprocess.run([other, "-c", ""], capture_output=True, check=False).returncode == 0:
            say(f"this python3 is {here}; going on with {other}")
            raise SystemExit(subprocess.call([other, str(Path(__file__).resolve()), *sys.argv[1:]]))
    raise BootstrapError(
        f"Python {supported_names()} is needed and this is {here} ({sys.executable}); "
        "install one, or name it: make PYTHON=/path/to/python3.12 …"
    )


def find_uv() -> str | None:
    named = os.environ.get("UV", "")
    found = shutil.which(named) if named else shutil.which("uv")
    if named and not found:
        raise BootstrapError(f"the environment variable UV names {named!r}, which is not a program")
    return found


def pip_find_links() -> list[str]:
    """Folders of wheels that pip is set up with; uv does not read pip's settings."""
    links = os.environ.get("PIP_FIND_LINKS", "").split()
    if not links:
        command = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        links = asked.stdout.split() if asked.returncode == 0 else []
    return links


# ---------------------------------------------------------------- the environment's own record


def inputs_hash(root: Path) -> str:
    """Hash of everything that an editable install copies or reads once."""
    digest = hashlib.sha256()
    tasks = root / "rote" / "tasks"
    files = [root / "pyproject.toml", root / "constraints.txt", root / "rote" / "__init__.py"]
    files += sorted(path for path in tasks.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    for path in files:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    digest.update(f"{root}\0{sys.version_info[:3]}".encode())
    return digest.hexdigest()


def read_record(venv: Path) -> dict[str, Any] | None:
    """The record of a .venv made here; None when there is none (or it is not readable as one)."""
    try:
        record = json.loads((venv / ".rote-bootstrap.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(record, dict) and {"state", "made_here"} <= record.keys()
    return record if known else None


def write_record(venv: Path, record: dict[str, Any]) -> None:
    temporary = venv / ".rote-bootstrap.json.new"
    temporary.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(venv / ".rote-bootstrap.json")


def venv_python(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def runs(python: Path) -> bool:
    """Whether the environment's python starts and is of this interpreter's version."""
    if not python.exists():
        return False
    command = [str(python), "-c", "import sys; print(sys.version_info[:2])"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() == str(sys.version_info[:2])


# ---------------------------------------------------------------- running the tools


def run_logged(command: list[str], log: Path, env: dict[str, str] | None = None) -> None:
    """Run a command into the log, with a sign of life; show the log's end when it fails."""
    started = shown = time.monotonic()
    with log.open("a", encoding="utf-8") as sink:
        sink.write("$ " + " ".join(command) + "\n")
        sink.flush()
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env
        )
        try:
            while process.poll() is None:
                time.sleep(0.1)
                if time.monotonic() - shown >= 15:
                    shown = time.monotonic()
                    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
                    last = next(line for line in reversed(lines) if not line.startswith("WARNING"))
                    say(f"  {shown - started:4.0f} s  {last.strip()[:90]}")
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        print("\n".join("    " + line for line in lines[-30:]), file=sys.stderr)
        raise BootstrapError(
            f"{Path(command[0]).name} failed with exit status {process.returncode}; the whole log: {log}"
        )


class Installer:
    """pip or uv, behind the three things that are asked of them."""

    def __init__(self, venv: Path, log: Path) -> None:
        self.python = str(venv_python(venv))
        self.venv = venv
        self.log = log
        self.uv = find_uv()
        self.links = [argument for link in pip_find_links() for argument in ("--find-links", link)]

    @property
    def name(self) -> str:
        return "uv" if self.uv else "pip"

    def make_venv(self) -> None:
        if self.uv:
            command = [self.uv, "venv", "--allow-existing", "--python", sys.executable, str(self.venv)]
        else:
            try:
                import ensurepip  # noqa: F401
                import venv  # noqa: F401
            except ImportError:
                raise BootstrapError(
                    f"{sys.executable} comes without the venv module or ensurepip; "
                    "on Debian and Ubuntu: apt-get install python3-venv (or install uv)"
                ) from None
            command = [sys.executable, "-m", "venv", str(self.venv)]
        run_logged(command, self.log)

    def _install(self, *arguments: str) -> list[str]:
        tool = [self.uv, "pip"] if self.uv else [self.python, "-m", "pip"]
        where = ["--python", self.python] if self.uv else ["--disable-pip-version-check"]
        return [*tool, "install", *where, *arguments]

    def install(self, *arguments: str) -> None:
        quiet = ["--progress-bar", "off"] if not self.uv else ["--no-progress"]
        run_logged(self._install(*quiet, *self.links, *arguments), self.log)

    def would_install(self, requirement: str, *arguments: str) -> str | None:
        """The version that would be installed for one requirement, None when there is none to be had."""
        if self.uv:
            env = {**os.environ, "UV_HTTP_TIMEOUT": str(INDEX_TIMEOUT_SECONDS), "UV_HTTP_RETRIES": "0"}
            options = ["--dry-run", "--no-deps", "--reinstall"]
        else:
            env = dict(os.environ)
            options = ["--dry-run", "--no-deps", "--ignore-installed"]
            options += ["--timeout", str(INDEX_TIMEOUT_SECONDS), "--retries", "0"]
        command = self._install(*options, *arguments, requirement)
        result = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
        with self.log.open("a", encoding="utf-8") as sink:
            sink.write("$ " + " ".join(command) + "\n" + result.stdout + result.stderr)
        name = re.escape(requirement.split("==")[0])
        # pip: "Would install torch-2.13.0+cpu"; uv: " + torch==2.13.0+cpu"
        found = re.search(rf"(?:Would install {name}-|\+ {name}==)(\S+)", result.stdout + result.stderr)
        return found.group(1) if result.returncode == 0 and found else None


# ---------------------------------------------------------------- torch


def pinned(root: Path, package: str) -> str:
    for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{package}=="):
            return line.split("==")[1].strip()
    raise BootstrapError(f"constraints.txt: no line '{package}==…'")


def installed_version(python: str, package: str) -> str | None:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    result = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else None


def torch_arguments(installer: Installer) -> tuple[list[str], str]:
    """Arguments that install torch without CUDA packages, or an empty list and the reason why not.

    Linux wheels of the default index depend on CUDA packages; those of macOS and Windows do not. A CPU
    build carries the local version ``+cpu``, which the returned requirement pins, so that no other build
    can take its place.
    """
    version = pinned(ROOT, "torch")
    present = installed_version(installer.python, "torch")
    if present and present.split("+")[0] == version:
        return [f"torch=={present}"], ""
    if not sys.platform.startswith("linux"):
        return [f"torch=={version}"], ""
    for arguments in (["--no-index", *installer.links], ["--index-url", TORCH_CPU_INDEX]):
        if arguments == ["--no-index"]:
            continue
        found = installer.would_install(f"torch=={version}", *arguments)
        if found and found.endswith("+cpu"):
            return [f"torch=={found}", *arguments], ""
    return [], (
        f"no CPU build of torch {version} for Python {sys.version_info[0]}.{sys.version_info[1]} was found "
        f"(looked in pip's find-links: {' '.join(installer.links[1::2]) or 'none set'}; and at "
        f"{TORCH_CPU_INDEX}, unreachable or without it), and the default build would download gigabytes"
    )


# ---------------------------------------------------------------- the whole


def report_unavailable(unavailable: dict[str, str]) -> None:
    for extra, reason in unavailable.items():
        print("!" * 100)
        say(f"the extra '{extra}' was NOT installed: {reason}")
        say("everything that needs torch will be skipped; to try again: python3 tools/bootstrap.py --force")
        print("!" * 100, flush=True)


def bootstrap(extras: set[str], *, force: bool) -> None:
    venv = ROOT / ".venv"
    record = read_record(venv)
    inputs = inputs_hash(ROOT)
    made_here = record["made_here"] if record else not (venv.exists() and any(venv.iterdir()))
    complete = record is not None and record["state"] == "complete" and runs(venv_python(venv))
    if record is not None and complete and not force:
        have = set(record["extras"]) | set(record["unavailable"])
        if record["inputs"] == inputs and extras <= have:
            say(f".venv is up to date (extras: {', '.join(sorted(record['extras'])) or 'none'})")
            report_unavailable({k: v for k, v in record["unavailable"].items() if k in extras})
            return
        extras = extras | have
    elif made_here and record is not None:
        why = "" if complete else ": .venv was not finished, or is of another Python"
        say(f"starting from scratch{why}")
        shutil.rmtree(venv)
    elif not made_here:
        if not runs(venv_python(venv)):
            version = ".".join(map(str, sys.version_info[:2]))
            raise BootstrapError(
                f"{venv} exists, was not made by this script and holds no working Python {version}: "
                "move it away and run this again"
            )
        say(f"{venv} was not made by this script; installing into it")

    # The record comes first: whatever happens from here on, an unfinished folder is known as one.
    venv.mkdir(exist_ok=True)
    write_record(venv, {"state": "installing", "made_here": made_here})
    log = venv / "bootstrap.log"
    log.write_text("", encoding="utf-8")
    started = time.monotonic()
    installer = Installer(venv, log)
    say(f"Python {'.'.join(map(str, sys.version_info[:3]))} ({sys.executable}), {installer.name}")
    if not runs(venv_python(venv)):
        say(f"making {venv}")
        installer.make_venv()

    unavailable: dict[str, str] = {}
    if "hf" in extras and not extras & {"train", "vllm"}:  # those ask for a GPU, and so for its torch
        arguments, reason = torch_arguments(installer)
        if arguments:
            say(f"installing {arguments[0]}")
            installer.install(*arguments, "-c", "constraints.txt", "--no-deps")
        else:
            unavailable["hf"] = reason
    chosen = sorted(extras - set(unavailable))
    say(f"installing rote with extras: {', '.join(chosen) or 'none'} (log: {log})")
    project = "." + (f"[{','.join(chosen)}]" if chosen else "")
    installer.install("-c", "constraints.txt", "-e", project)
    done = {"inputs": inputs, "extras": chosen, "unavailable": unavailable}
    write_record(venv, {"state": "complete", "made_here": made_here, **done})
    say(f"done in {time.monotonic() - started:.0f} s")
    report_unavailable(unavailable)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Set up .venv for this project.")
    parser.add_argument("--extras", default="", help=f"comma-separated: {', '.join(KNOWN_EXTRAS)}")
    parser.add_argument("--force", action="store_true", help="discard what an earlier run made")
    arguments = parser.parse_args(argv)
    extras = {extra.strip() for extra in arguments.extras.split(",") if extra.strip()}
    unknown = extras - set(KNOWN_EXTRAS)
    if unknown:
        parser.error(f"unknown extras: {', '.join(sorted(unknown))} (known: {', '.join(KNOWN_EXTRAS)})")
    try:
        leave_for_supported_python()
        bootstrap(extras, force=arguments.force)
    except BootstrapError as error:
        print(f"bootstrap: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bootstrap: interrupted; the next run starts from scratch", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    # Ended by a signal, it takes the installer that it started with it: see run_logged.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
