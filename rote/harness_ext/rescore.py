"""``rote score``: score logged responses anew, without a model, and write logs of the same shape.

A run comes as lm-eval 0.4.5 to 0.4.13 wrote it. Each document is scored by what the model said, not by what a
filter made of it: a task that logged several filters has one line a document afterwards, of the filter
``none``. What a line was scored before stays with it under ``former``, and what a task was, under
``rescored`` in the results. Everything else is copied.

Files are read twice: once to find all faults before anything is scored, once to score. The second reading may
be shared out to processes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from os.path import commonpath
from pathlib import Path
from typing import Any, Final

from rote import __version__
from rote.errors import LogError, UsageError
from rote.harness_ext import linear, repeats, scoring
from rote.harness_ext.folders import new_folder
from rote.harness_ext.models.generation import Generation, Response
from rote.harness_ext.rescore_rows import (
    LONG,
    Index,
    Row,
    document_of,
    filter_name,
    former_of,
    read_index,
)
from rote.harness_ext.rescore_tables import aggregate, facts, higher_is_better
from rote.logs.rows import TaskHash, hashes_of, read_record, responses_of
from rote.prompts import format_of, get_format

#: Documents scored at a time, by one process.
_CHUNK: Final = 100
#: Faults, or lines of one kind of remark, that a message lists.
_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Log:
    """One run: its results file, what that holds, and (task, samples file) of each of its tasks."""

    path: Path
    results: Mapping[str, Any]
    samples: tuple[tuple[str, Path], ...]


@dataclass(slots=True)
class Rescored:
    """What was done.

    Attributes
    ----------
    documents: how many were scored.
    tables: (task, metric, former value or None, new value), over all runs.
    remarks: what should be known, a line each.
    """

    documents: int = 0
    tables: list[tuple[str, str, Any, float]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def rescore(
    logs: Sequence[Log],
    out: Path,
    *,
    format: str | None = None,
    tasks: Sequence[str] = (),
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rescored:
    """Score the samples of ``logs`` and write them below ``out``, which must be new or empty.

    Parameters
    ----------
    format: of the answers; None: each task's own (:func:`format_of`).
    tasks: patterns of the tasks to score; the others are left out. None given: all.
    jobs: processes.
    progress: told how many documents of how many are scored.

    Raises
    ------
    UsageError: ``out`` is in use or cannot be made, an unknown format, a pattern that matches nothing.
    LogError: lines that cannot be scored, all of a file at once; files of two runs mixed up.
    """
    if format is not None:
        get_format(format)
    if jobs < 1:
        raise UsageError(f"--jobs must be 1 or more, got {jobs}")
    chosen = _choose(logs, tasks)
    done = Rescored()
    try:
        indexes = {path: _index(path, task, log) for log in chosen for task, path in log.samples}
        total = sum(len(index.rows) for index in indexes.values())
        root = Path(commonpath([log.path.parent.resolve() for log in chosen]))
        with new_folder(out) as folder, _processes(jobs) as run:
            for log in chosen:
                target = folder / log.path.parent.resolve().relative_to(root)
                target.mkdir(parents=True, exist_ok=True)
                _rescore_run(log, target, indexes, format, run, done, lambda n: progress(n, total))
    except OSError as error:
        raise LogError(
            f"cannot be read or written: {error.strerror or error}", path=error.filename
        ) from error
    return done


def _choose(logs: Sequence[Log], patterns: Sequence[str]) -> list[Log]:
    known = {task for log in logs for task, _ in log.samples}
    for pattern in patterns:
        if not any(fnmatchcase(task, pattern) for task in known):
            names = ", ".join(sorted(known))
            raise UsageError(f"--tasks: no task here is named {pattern!r} (there are: {names})")
    chosen = []
    for log in logs:
        samples = tuple(
            (task, path)
            for task, path in log.samples
            if not patterns or any(fnmatchcase(task, pattern) for pattern in patterns)
        )
        if samples:
            chosen.append(Log(log.path, log.results, samples))
    if not chosen:
        raise LogError(
            "holds results but no samples: run lm_eval again with --log_samples", path=logs[0].path
        )
    return chosen


def _index(path: Path, task: str, log: Log) -> Index:
    """Read a file for the first time; everything that is wrong with it in one error."""
    index = read_index(path)
    if index.faults:
        listed = [f"line {line} {message}" for line, message in index.faults[:_LISTED]]
        more = len(index.faults) - len(listed)
        listed += [f"and {more} more lines"] if more else []
        raise LogError(
            f"{len(index.faults)} of {index.lines} lines cannot be scored:\n  " + "\n  ".join(listed),
            path=path,
            line=index.faults[0][0],
        )
    if not index.rows:
        raise LogError("is empty: the run was stopped before its samples were written", path=path)
    configured = log.results.get("configs") or {}
    if configured and task not in configured:
        raise LogError(
            f"holds samples of task {task!r}, which {log.path.name} does not list: files of two runs are "
            "mixed up",
            path=path,
        )
    recorded = (log.results.get("task_hashes") or {}).get(task)
    if index.hash is not None and isinstance(recorded, str) and recorded != index.hash:
        raise LogError(
            f"its {index.lines} lines do not add up to the hash that {log.path.name} recorded for this task: "
            "lines were lost, added or changed since the run",
            path=path,
        )
    return index


# --- one document ------------------------------------------------------------------------------------


def score_document(doc: Mapping[str, Any], responses: Sequence[str], format: str) -> dict[str, Any]:
    """All metrics of the responses to one document: those of the first, and with several those of all."""
    if doc.get("answers"):
        scores: list[Mapping[str, Any]] = [linear.score(doc, text) for text in responses]
    else:
        scores = [scoring.score(doc, text, format) for text in responses]
    if len(responses) == 1:
        return dict(scores[0])
    return {**scores[0], **repeats.over_repeats(doc, responses, [bool(s["exact_match"]) for s in scores])}


def _score_chunk(
    path: Path, format: str, rows: Sequence[Row]
) -> list[tuple[bytes, dict[str, Any], str | None]]:
    """For each row: the line to write, its metrics, and its hashes, joined (None where one is missing)."""
    found = []
    with path.open("rb") as handle:
        for row in rows:
            handle.seek(row.offset)
            record, clean = read_record(handle.read(row.length))
            responses = responses_of(record)
            responses[0] = _as_generated(record, responses[0])
            metrics = score_document(document_of(record), responses, format)
            hashes = hashes_of(record)
            own = former_of(record)
            for key in own:
                record.pop(key.removesuffix(f",{filter_name(record)}"))
            former = {**(record.pop("former", None) or {}), **own, **row.former}
            record["filtered_resps"] = [responses[0]] if len(responses) == 1 else [responses]
            if "filter" in record:
                record["filter"] = "none"
                record["metrics"] = list(metrics)
            record.update(metrics)
            record["former"] = former
            found.append((_line(record, clean), metrics, hashes))
    return found


def _as_generated(record: Mapping[str, Any], response: str) -> str:
    """A response with the tokens that the model told, and whether it was cut, where these were logged.

    They cannot be found again in the text. Of several repeats they are those of the first.
    """
    tokens, truncated = record.get("tokens"), record.get("truncated")
    if isinstance(tokens, bool) or not isinstance(tokens, int) or truncated not in (0, 1):
        return response
    return Response(response, Generation(tokens=tokens, finish="length" if truncated else "stop"))


def _line(record: Mapping[str, Any], clean: bool) -> bytes:
    """As lm-eval writes it. What no UTF-8 can hold is written in JSON's escapes, byte by byte recoverable."""
    if clean:
        try:
            return json.dumps(record, ensure_ascii=False).encode("utf-8") + b"\n"
        except UnicodeEncodeError:
            pass
    return json.dumps(record).encode("ascii") + b"\n"


# --- one run -----------------------------------------------------------------------------------------

_Run = Callable[[Callable[[Sequence[Row]], list[Any]], Sequence[Sequence[Row]]], Iterator[list[Any]]]


@contextmanager
def _processes(jobs: int) -> Iterator[_Run]:
    """A way to run a function over chunks, in order."""
    with nullcontext() if jobs == 1 else ProcessPoolExecutor(jobs) as pool:
        yield map if pool is None else pool.map


def _rescore_run(
    log: Log,
    folder: Path,
    indexes: Mapping[Path, Index],
    format: str | None,
    run: _Run,
    done: Rescored,
    progress: Callable[[int], None],
) -> None:
    results = json.loads(json.dumps(log.results))
    note: dict[str, Any] = {"by": f"rote {__version__}", "former": {}, "formats": {}, "lines": {}}
    for task, path in log.samples:
        index = indexes[path]
        how = format or format_of(task, (results.get("configs") or {}).get(task) or {})
        rows = list(index.rows.values())
        chunks = [rows[i : i + _CHUNK] for i in range(0, len(rows), _CHUNK)]
        columns: dict[str, list[Any]] = {}
        whole = TaskHash()
        with (folder / path.name).open("xb") as handle:
            for scored in run(partial(_score_chunk, path, how), chunks):
                for line, metrics, hashes in scored:
                    handle.write(line)
                    whole.add(hashes)
                    for key, value in metrics.items():
                        columns.setdefault(key, []).append(value)
                done.documents += len(scored)
                progress(done.documents)
        table = aggregate(columns)
        old = results["results"].get(task) or {}
        note["former"][task] = old
        note["formats"][task] = how
        note["lines"][task] = {"not_utf8": index.odd, "long": index.long, "filters": list(index.filters)}
        results["results"][task] = {**facts(old), **table}
        _set(
            results,
            "higher_is_better",
            task,
            {key: higher_is_better(key) for key in columns if f"{key},none" in table},
        )
        if (digest := whole.hexdigest()) is not None:
            _set(results, "task_hashes", task, digest)
        _tell(done, task, path, index, old, table)
    _leave_out(log, results, note, done)
    results["rescored"] = note
    # The name that lm-eval gave it: reports join results and samples by the time in both.
    (folder / log.path.name).write_text(json.dumps(results, indent=2, ensure_ascii=False), encoding="utf-8")


def _set(results: dict[str, Any], name: str, task: str, value: Any) -> None:
    results[name] = {**(results.get(name) or {}), task: value}


def _leave_out(log: Log, results: dict[str, Any], note: dict[str, Any], done: Rescored) -> None:
    """Take old scores of what was not scored out of the tables; they stand under ``rescored`` alone."""
    scored = {task for task, _ in log.samples}
    for name in sorted(set(results["results"]) - scored):
        old = results["results"][name]
        if name in (results.get("group_subtasks") or {}) and name not in (results.get("configs") or {}):
            results["results"][name] = facts(old)
            kind = "group"
        else:
            del results["results"][name]
            for table in ("configs", "task_hashes", "n-samples", "higher_is_better", "n-shot", "versions"):
                (results.get(table) or {}).pop(name, None)
            kind = "task"
        if set(old) != set(facts(old)):
            note["former"][name] = old
            done.remarks.append(f"{log.path}: {kind} {name} is not scored anew; its old scores are left out")
    if results.get("groups"):
        note["former_groups"] = results.pop("groups")


def _tell(
    done: Rescored, task: str, path: Path, index: Index, old: Mapping[str, Any], table: Mapping[str, Any]
) -> None:
    for what, lines in (
        ("not UTF-8, kept in JSON escapes", index.odd),
        (f"longer than {LONG:,} characters", index.long),
    ):
        if lines:
            shown = ", ".join(map(str, lines[:_LISTED])) + (" …" if len(lines) > _LISTED else "")
            done.remarks.append(f"{path}: {len(lines)} lines {what}: {shown}")
    if len(index.filters) > 1 or index.lines > len(index.rows):
        done.remarks.append(
            f"{path}: {index.lines} lines of the filters {', '.join(index.filters)} are {len(index.rows)} "
            "documents; one line each is written"
        )
    for key in ("exact_match", "invalid", "format_ok"):
        before = [value for name, value in old.items() if name.partition(",")[0] == key]
        if f"{key},none" in table:
            done.tables.append(
                (task, key, before[0] if len(before) == 1 else before or None, table[f"{key},none"])
            )
