"""May a folder of logs join a leaderboard? Every reason against it, not only the first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rote.errors import LogError, UsageError
from rote.logs.files import find_logs, read_results, samples_beside
from rote.reports.fields import one_line
from rote.reports.leaderboard.board import Task, tasks_of
from rote.reports.leaderboard.data import SCHEMA
from rote.reports.reader import read_logs
from rote.reports.records import Runs, Series


@dataclass(frozen=True, slots=True)
class Checked:
    """``reasons`` against a submission, each once; accepted when there is none."""

    reasons: tuple[str, ...]
    models: tuple[str, ...]
    documents: int


def check_submission(folder: Path, *, against: Path | None = None) -> Checked:
    """Check hashes, completeness and, with ``against`` (a leaderboard's folder or board.json), tasks."""
    known = _known(against) if against is not None else None
    try:
        results, _ = find_logs([folder])
    except LogError as error:
        return Checked((str(error),), (), 0)
    reasons: list[str] = []
    readable = True
    for path, _time in results:
        try:
            content = read_results(path)
        except LogError as error:
            reasons.append(str(error))
            readable = False
            continue
        reasons += _of_results(path, content)
        try:
            read_logs(path)
        except LogError as error:
            reasons.append(str(error))
            readable = False
    runs: Runs | None = None
    if readable:
        try:
            runs = read_logs(folder)
        except LogError as error:
            reasons.append(str(error))
    if runs is not None:
        for series in runs.series:
            reasons += [f"{series.model.name} ({series.setting}): {r}" for r in _of_series(series)]
        if known is not None:
            reasons += _against(tasks_of(runs), known)
    models = tuple(sorted({s.model.name for s in runs.series})) if runs else ()
    count = sum(len(g) for s in runs.series for ts in s.samples.values() for g in ts.values()) if runs else 0
    return Checked(tuple(dict.fromkeys(reasons)), models, count)


def _of_results(path: Path, results: dict[str, Any]) -> list[str]:
    reasons = []
    config = results.get("config") or {}
    if config.get("limit") is not None:
        limit = one_line(str(config["limit"]), 20)
        reasons.append(f"{path} [config.limit]: is {limit}; a submission evaluates every document")
    hashes = results.get("task_hashes") or {}
    counts = results.get("n-samples") or {}
    for task in sorted(results.get("configs") or {}):
        name = one_line(task)
        if not isinstance(hashes.get(task), str):
            reasons.append(
                f"{path} [task_hashes]: holds no hash of {name}; "
                "run lm_eval with --log_samples, which records it"
            )
        of_task = counts.get(task) if isinstance(counts, dict) else None
        size = of_task if isinstance(of_task, dict) else {}
        if size.get("original") != size.get("effective"):
            reasons.append(
                f"{path} [n-samples]: {size.get('effective')} of {size.get('original')} documents of {name} "
                "were evaluated; a submission evaluates every one"
            )
        if task in (results.get("results") or {}) and not samples_beside(path, task).is_file():
            reasons.append(f"{path}: its samples of {name} are missing")
    return reasons


def _of_series(series: Series) -> list[str]:
    originals = series.samples.get("original")
    if originals is None:
        return ["has no originals; evaluate the original task in the same setting"]
    if len(series.samples) == 1:
        return ["has originals only; evaluate at least one variant in the same setting"]
    reasons = []
    for variant, templates in series.samples.items():
        if all(s.invalid is True for group in templates.values() for s in group):
            reasons.append(
                f"{variant}: every answer is invalid, which is an error of format or set-up, not a result"
            )
        orphans = [t for t in templates if t not in originals]
        if orphans:
            reasons.append(
                f"{variant}: {len(orphans)} templates have no original (first: {one_line(orphans[0], 80)})"
            )
        sizes = sorted({len(group) for group in templates.values()})
        if len(sizes) > 1:
            reasons.append(
                f"{variant}: between {sizes[0]} and {sizes[-1]} instances a template; all need the same"
            )
    return reasons


def _known(path: Path) -> list[Task]:
    file = path / "data" / "board.json" if path.is_dir() else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise ValueError
        known = [Task(t["task"], t["version"], t["source"], t["documents"]) for t in content["tasks"]]
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{file} is no {SCHEMA} file; name a leaderboard's folder or its board.json"
        ) from None
    return known


def _against(tasks: tuple[Task, ...], known: list[Task]) -> list[str]:
    reasons = []
    for task in tasks:
        same = [t for t in known if t.name == task.name]
        versions = sorted({t.version for t in same})
        if same and task.version not in versions:
            reasons.append(
                f"task {task.name}: version {task.version}; the leaderboard has {', '.join(versions)}"
            )
        elif same and task not in same:
            reasons.append(
                f"task {task.name}: its documents are others than the leaderboard's (hash {task.documents}): "
                "another seed, number of instances or version of the templates, or documents are missing"
            )
    sources = {t.source for t in tasks}
    missing = sorted({t.name for t in known if t.source in sources} - {t.name for t in tasks})
    if missing:
        reasons.append(f"tasks of the leaderboard that were not evaluated: {', '.join(missing)}")
    return reasons
