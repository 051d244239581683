"""Which files under a path are lm-eval logs, which belong together, and what a results file holds."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rote.errors import LogError
from rote.logs.words import one_line

#: ``_<timestamp>`` at the end of a log's stem: ``datetime.isoformat()`` with ":" replaced, and no
#: fraction at all when the clock stood at a whole second.
_TIMESTAMP: Final = r"\d{4}-\d{2}-\d{2}T\d{2}[-:]\d{2}[-:]\d{2}(?:\.\d{1,6})?"
_RESULTS: Final = re.compile(rf"(?P<stem>.+)_(?P<time>{_TIMESTAMP})\.json")
_UNFINISHED: Final = (".part", ".partial", ".tmp")
_SAMPLES: Final = re.compile(rf"samples_(?P<task>.+)_(?P<time>{_TIMESTAMP})\.jsonl")
#: What is left of a URL in a path: one slash. A single letter is a drive.
_URL: Final = re.compile(r"[A-Za-z][\w+.-]+:[/\\]")


@dataclass(frozen=True, slots=True)
class RunFiles:
    """One run on disk: its results file and, of each task, (samples file, task)."""

    results: Path
    samples: tuple[tuple[Path, str], ...]


def find_runs(paths: Sequence[Path], orphans: list[LogError] | None = None) -> list[RunFiles]:
    """The runs under ``paths``, in sorted order: results and samples of one folder and timestamp.

    Where a list ``orphans`` is given, samples without results are added to it instead of being refused.

    Raises LogError: what :func:`find_logs` raises, samples without results, two results of one timestamp.
    """
    results, samples = find_logs(paths)
    runs: list[RunFiles] = []
    owners: dict[tuple[Path, str], Path] = {}
    for path, time in results:
        mine = tuple((p, task) for p, task, t in samples if p.parent == path.parent and t == time)
        owner = owners.setdefault((path.parent, time), path)
        if owner != path and mine:
            raise LogError(
                f"has the same timestamp as {owner.name} beside it, so that {mine[0][0].name} may belong to "
                "either: keep runs in folders of their own",
                path=path,
            )
        runs.append(RunFiles(path, mine))
    for path, _, time in samples:
        if (path.parent, time) not in owners:
            orphan = LogError(
                "has no results file of the same timestamp beside it, so its model and settings are unknown; "
                "copy the results_<timestamp>.json of that run here, or move this file away",
                path=path,
            )
            if orphans is None:
                raise orphan
            orphans.append(orphan)
    return runs


def find_logs(paths: Sequence[Path]) -> tuple[list[tuple[Path, str]], list[tuple[Path, str, str]]]:
    """Results files (path, time) and samples files (path, task, time), each once, in sorted order.

    Below a folder, what is being written is passed over: files and folders whose names begin with a dot or
    end in ``.part``, ``.partial`` or ``.tmp``.
    """
    candidates: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            copy = "; logs at a URL are copied to a folder first" if _URL.match(str(path)) else ""
            raise LogError(f"no such file or folder{copy}", path=path)
        if path.is_dir():
            found = [p for p in sorted(_files_below(path)) if p.suffix in (".json", ".jsonl")]
        else:
            match = _RESULTS.fullmatch(path.name) or _SAMPLES.fullmatch(path.name)
            if match is None:
                raise LogError(
                    "is no lm-eval log: expected results_<timestamp>.json or "
                    "samples_<task>_<timestamp>.jsonl",
                    path=path,
                )
            ends = (f"_{match['time']}.json", f"_{match['time']}.jsonl")
            found = [p for p in sorted(path.parent.iterdir()) if p.name.endswith(ends)]
        for p in found:
            candidates.setdefault(p.resolve(), p)
    results: list[tuple[Path, str]] = []
    samples: list[tuple[Path, str, str]] = []
    for p in sorted(candidates.values()):
        if p.suffix == ".json":
            match = _RESULTS.fullmatch(p.name)
            if match and (match["stem"] == "results" or _looks_like_results(p)):
                results.append((p, match["time"]))
        elif match := _SAMPLES.fullmatch(p.name):
            samples.append((p, match["task"], match["time"]))
        elif p.name.startswith("samples_"):
            raise LogError(
                "its name ends in no timestamp, so it cannot be joined to its results file "
                "(expected samples_<task>_<YYYY-MM-DDTHH-MM-SS.ffffff>.jsonl)",
                path=p,
            )
    if not results and not samples:
        raise LogError(
            "no lm-eval logs here: expected results_<timestamp>.json with samples_<task>_<timestamp>.jsonl "
            "beside it, as lm_eval writes them with --log_samples --output_path",
            path=paths[0],
        )
    if not results:
        raise LogError(
            "has no results file of the same timestamp beside it, so its model and settings are unknown",
            path=samples[0][0],
        )
    return results, samples


def _files_below(folder: Path) -> Iterator[Path]:
    """Files that are in their place; folders may come and go while this looks."""

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise LogError(f"cannot be read: {error.strerror or error}", path=error.filename) from error

    for here, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not _unfinished(name)]
        for name in names:
            path = Path(here, name)
            if not _unfinished(name) and path.is_file():
                yield path


def _unfinished(name: str) -> bool:
    """Whether whoever writes this has not moved it to its place yet."""
    return name.startswith(".") or name.endswith(_UNFINISHED)


def samples_beside(results: Path, task: str) -> Path:
    """Where lm-eval puts the samples of a task of the run that has this results file, there or not.

    Raises LogError: the name is none of a results file.
    """
    match = _RESULTS.fullmatch(results.name)
    if match is None:
        raise LogError("is no results file: expected results_<timestamp>.json", path=results)
    return results.with_name(f"samples_{task}_{match['time']}.jsonl")


def _looks_like_results(path: Path) -> bool:
    """Whether a ``<stem>_<timestamp>.json`` is what ``--output_path stem.json`` writes."""
    with path.open("rb") as handle:
        head = handle.read(200)
    return b'"results"' in head


#: Tables of a results file that are read, and whether their values are tables in turn.
_TABLES: Final = {"configs": True, "config": False, "n-shot": False, "n-samples": True, "task_hashes": False}


def read_results(path: Path) -> dict[str, Any]:
    """The content of a results file: its tables are tables, those that it lacks are empty.

    Raises LogError: no JSON, no results file, a table that is none.
    """
    raw = path.read_bytes()
    if not raw.strip():
        raise LogError("is empty: the run was stopped before its results were written", path=path)
    try:
        value = json.loads(raw.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise LogError(f"is not valid JSON ({error.msg}): cut off?", path=path, line=error.lineno) from None
    except (RecursionError, ValueError) as error:
        raise LogError(f"cannot be read as JSON ({type(error).__name__})", path=path) from None
    if not isinstance(value, dict) or not isinstance(value.get("results"), dict):
        raise LogError("has no table `results`: it is no results file of lm-eval", path=path, field="results")
    for name, nested in _TABLES.items():
        table = value[name] = {} if value.get(name) is None else value[name]
        entries = [(name, table)]
        if isinstance(table, dict) and nested:
            entries += [(f"{name}.{key}", entry) for key, entry in table.items() if entry is not None]
        for field, entry in entries:
            if not isinstance(entry, dict):
                raise LogError(
                    f"is of type {type(entry).__name__}, not a table",
                    path=path,
                    field=one_line(field, 80),
                )
    return value
