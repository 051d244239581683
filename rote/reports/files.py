"""Which files under a path are lm-eval logs, and which belong together."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rote.errors import LogError
from rote.reports import fields

_RESULTS: Final = re.compile(rf"(?P<stem>.+)_(?P<time>{fields.TIMESTAMP})\.json")
_SAMPLES: Final = re.compile(rf"samples_(?P<task>.+)_(?P<time>{fields.TIMESTAMP})\.jsonl")


def find_logs(paths: Sequence[Path]) -> tuple[list[tuple[Path, str]], list[tuple[Path, str, str]]]:
    """Results files (path, time) and samples files (path, task, time), each once, in sorted order."""
    candidates: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise LogError("no such file or folder", path=path)
        if path.is_dir():
            found = [p for p in sorted(path.rglob("*")) if p.suffix in (".json", ".jsonl") and p.is_file()]
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


def _looks_like_results(path: Path) -> bool:
    """Whether a ``<stem>_<timestamp>.json`` is what ``--output_path stem.json`` writes."""
    with path.open("rb") as handle:
        head = handle.read(200)
    return b'"results"' in head


def read_results(path: Path) -> dict[str, Any]:
    """The content of a results file, its tables checked to be tables."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise LogError(f"is not valid JSON ({error.msg}): cut off?", path=path, line=error.lineno) from None
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise LogError(f"cannot be read as JSON ({type(error).__name__})", path=path) from None
    if not isinstance(value, dict) or not isinstance(value.get("results"), dict):
        raise LogError("has no table `results`: it is no results file of lm-eval", path=path, field="results")
    for name in ("configs", "config", "n-shot", "n-samples", "task_hashes"):
        if value.get(name) is not None and not isinstance(value[name], dict):
            raise LogError(f"is of type {type(value[name]).__name__}, not a table", path=path, field=name)
    return value
