"""Read stock lm-eval logs (0.4.5 to 0.4.13) into comparable series of samples.

A run is a ``results_<timestamp>.json`` (or ``<stem>_<timestamp>.json``) and, beside it, one
``samples_<task>_<timestamp>.jsonl`` a task. Files are streamed; what is kept of a sample is a small
record. Whatever cannot be understood is a :class:`~rote.errors.LogError` that names file and line;
whatever was understood but should be known is a warning in the result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rote.errors import LogError
from rote.logs.files import RunFiles, find_runs, read_results
from rote.logs.rows import TaskHash, hashes_of
from rote.reports import cost, fields, lines, samples, settings, tables
from rote.reports.merging import Doubles, Group, Key, State, finish
from rote.reports.records import Model, Runs, Sample, Where
from rote.reports.settings import Setting


@dataclass(slots=True)
class _Task:
    """One samples file: what its run says of it, and what has been seen of it."""

    path: Path
    name: str
    results_path: Path
    results: Mapping[str, Any]
    model: str
    setting: Setting
    prompt: dict[str, str]
    canonical_prompt: str
    seeds: str | None
    unnamed_filters: tuple[str, ...]
    count: int = 0
    ours: int = 0
    as_text: int = 0
    repeated: int = 0
    ids: set[str] = field(default_factory=set)
    occurrences: Counter[str] = field(default_factory=Counter)
    tallies: dict[str, tables.Tally] = field(default_factory=dict)
    first_foreign: Where | None = None
    first_text: Where | None = None
    first_again: tuple[Where, Where] | None = None
    doubles: Doubles = field(default_factory=Doubles)


def read_logs(paths: str | Path | Iterable[str | Path], *, skip_broken: bool = False) -> Runs:
    """Read every lm-eval run under ``paths`` (folders, searched recursively, or single log files).

    Series come sorted by model name, shots, filter and source; samples by template, seed and index.
    ``skip_broken`` leaves out runs whose own files cannot be understood, each with a warning, where others
    can: one may be half-written or damaged. Runs that contradict each other are refused all the same.

    Raises :class:`~rote.errors.LogError` as the module says.
    """
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not given:
        raise LogError("no path was given; name a folder of lm-eval logs")
    try:
        return _read([Path(p) for p in given], skip_broken)
    except OSError as error:
        raise LogError(f"cannot be read: {error.strerror or error}", path=error.filename) from error


def _read(paths: list[Path], skip_broken: bool) -> Runs:
    state = State()
    left_out: list[LogError] | None = [] if skip_broken else None
    runs = find_runs(paths, left_out)
    if left_out is not None:
        runs = [run for run in runs if _whole(run, left_out)]
        state.warnings += [f"Left out: {error}." for error in left_out]
        if not runs:
            raise left_out[0]
    for run in runs:
        _read_run(run.results, run.samples, state)
    if not any(run.samples for run in runs):
        raise LogError(
            "holds results but no samples: run lm_eval again with --log_samples", path=runs[0].results
        )
    if not state.groups:
        tasks = ", ".join(sorted({task for task, _ in state.foreign}))
        raise LogError(
            f"no sample carries `template_id` (tasks: {tasks}): was this run made with rote's tasks?",
            path=state.foreign[0][1],
            field="doc.template_id",
        )
    return finish(state)


def _whole(run: RunFiles, left_out: list[LogError]) -> bool:
    """Whether a run can be read on its own; if not, the reason is added to ``left_out``."""
    try:
        _read_run(run.results, run.samples, State())
    except LogError as error:
        left_out.append(error)
        return False
    except OSError as error:
        left_out.append(LogError(f"cannot be read: {error.strerror or error}", path=error.filename))
        return False
    return True


# --- one run ---------------------------------------------------------------------------------------


def _read_run(path: Path, found: Sequence[tuple[Path, str]], state: State) -> None:
    results = read_results(path)
    key, name, backend, arguments = fields.identify(results)
    state.models.setdefault(key, Model(key, name, backend, arguments))
    state.files.append(str(path))
    state.costs.append(cost.read_cost(results, path, key))
    version = results.get("lm_eval_version")
    if isinstance(version, str):
        state.versions.add(fields.one_line(version, 40))
    limit = results["config"].get("limit")
    if limit is not None:
        state.warnings.append(f"{path}: run with --limit {limit}: only part of each task was evaluated.")
    logged = {task for _, task in found}
    configured = set(results["configs"])
    missing = sorted(t for t in configured - logged if t in results["results"])
    if found and missing:
        state.warnings.append(
            f"{path}: no samples file for {', '.join(missing)}, though the run lists it; it is left out."
        )
    for samples_path, task in found:
        if configured and task not in configured:
            raise LogError(
                f"holds samples of task {task!r}, which {path.name} does not list "
                f"(it lists {', '.join(sorted(configured))}): files of two runs are mixed up",
                path=samples_path,
            )
        state.files.append(str(samples_path))
        _read_samples(_open(samples_path, task, path, results, key), state)


def _open(path: Path, name: str, results_path: Path, results: Mapping[str, Any], model: str) -> _Task:
    prompt = fields.prompt_settings(results, name)
    seeds = settings.seeds_of(results, name)
    names = lines.filter_names(results["configs"].get(name) or {})
    return _Task(
        path=path,
        name=name,
        results_path=results_path,
        results=results,
        model=model,
        setting=settings.setting_of(results, name),
        prompt=prompt,
        canonical_prompt=fields.canonical(prompt),
        seeds=seeds,
        unnamed_filters=names if len(names) > 1 else (),
    )


def _read_samples(task: _Task, state: State) -> None:
    hasher = TaskHash()
    known_metrics: dict[tuple[tuple[str, float], ...], Mapping[str, float]] = {}
    for where, record in lines.read_lines(task.path):
        task.count += 1
        task.ids.add(str(record.get("doc_id")))
        hasher.add(hashes_of(record))
        if "template_id" not in record["doc"]:
            task.first_foreign = task.first_foreign or where
            continue
        try:
            _enter(task, record, where, state, known_metrics)
        except (ArithmeticError, RecursionError) as error:
            raise LogError(
                f"holds a value that is no such number or is nested too deeply ({type(error).__name__})",
                path=where.path,
                line=where.line,
            ) from error
    if task.count == 0:
        raise LogError("is empty: the run was stopped before its samples were written", path=task.path)
    if task.first_foreign is not None and not task.ours:
        state.foreign.append((task.name, str(task.path)))
        return
    if task.first_foreign is not None:
        raise LogError(
            "is missing here, while other lines of the file have it: two files are mixed up",
            path=task.path,
            line=task.first_foreign.line,
            field="doc.template_id",
        )
    found = hasher.hexdigest()
    _check_whole(task, found)
    state.warnings += tables.check(task.results_path, task.name, task.results, task.tallies, task.path)
    state.warnings += _remarks(task, hashed=found is not None)


def _enter(
    task: _Task,
    record: dict[str, Any],
    where: Where,
    state: State,
    known_metrics: dict[tuple[tuple[str, float], ...], Mapping[str, float]],
) -> None:
    """Add one sample of rote's to its group."""
    task.ours += 1
    sample, source, repeats, text = samples.parse_sample(record, where)
    name = samples.filter_of(record, where)
    metrics = lines.metrics_of(record)
    sample = replace(
        sample,
        # Few combinations of values exist: samples share them.
        metrics=known_metrics.setdefault(metrics, dict(metrics)),
        error=None if sample.correct else lines.error_of(record),
        runs=lines.runs_of(record, where),
    )
    task.repeated += repeats > 1
    if text:
        task.as_text += 1
        task.first_text = task.first_text or where
    named = name is not None
    if name is None and task.unnamed_filters:
        name = _unnamed(task, sample)
        named = True
    task.tallies.setdefault(name or "none", tables.Tally()).add(sample.id, sample.correct)
    setting = settings.with_own_examples(task.setting, record["doc"])
    key = Key(task.model, setting, name or "none", source, task.canonical_prompt, task.seeds)
    group = state.groups.get(key)
    if group is None:
        prompt = task.prompt if task.seeds is None else {**task.prompt, "seeds": task.seeds}
        group = state.groups[key] = Group(prompt)
    group.tasks[sample.variant].add(task.name)
    group.results_files.add(str(task.results_path))
    known = group.samples.setdefault(sample.id, sample)
    if known is not sample:
        if known.where.path == where.path:
            task.first_again = task.first_again or (known.where, where)
        task.doubles.add(known, sample, named_filter=named)


def _unnamed(task: _Task, sample: Sample) -> str:
    """The filter of a line before 0.4.7: a document's lines come in the order of the task's filters."""
    turn = task.occurrences[sample.id]
    task.occurrences[sample.id] += 1
    if turn >= len(task.unnamed_filters):
        raise LogError(
            f"document {fields.one_line(repr(sample.id), 80)} stands here for time {turn + 1}, while its "
            f"task has {len(task.unnamed_filters)} filters ({', '.join(task.unnamed_filters)}): two runs are "
            "mixed up",
            path=sample.where.path,
            line=sample.where.line,
        )
    return task.unnamed_filters[turn]


def _effective(task: _Task) -> int | None:
    """How many documents the run says it evaluated."""
    value = (task.results["n-samples"].get(task.name) or {}).get("effective")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _check_whole(task: _Task, found: str | None) -> None:
    """The lines must be those that lm-eval hashed when it wrote them, where it did."""
    expected = task.results["task_hashes"].get(task.name)
    if found is None or not isinstance(expected, str) or expected == found:
        return
    effective = _effective(task)
    again = ""
    if task.first_again is not None:
        first, second = task.first_again
        again = f" (the document of line {first.line} stands again in line {second.line}: an appended file?)"
    raise LogError(
        f"its {task.count} lines do not add up to the hash that {task.results_path.name} recorded for this "
        "task"
        + (f" ({effective} documents were evaluated)" if effective is not None else "")
        + ": lines were lost, added or changed since the run, or files of two runs are mixed up"
        + again,
        path=task.path,
        line=task.first_again[1].line if task.first_again else None,
    )


def _remarks(task: _Task, *, hashed: bool) -> list[str]:
    """What was understood and should be known."""
    remarks = []
    if task.doubles.count:
        remarks.append(task.doubles.warning(task.path))
    if task.as_text:
        line = task.first_text.line if task.first_text else 0
        remarks.append(f"{task.path}: {task.as_text} samples carry metrics as text (first: line {line}).")
    if task.repeated:
        remarks.append(
            f"{task.path}: {task.repeated} samples hold several responses and one score; the first response "
            "is shown."
        )
    if task.occurrences:
        remarks.append(
            f"{task.path}: its lines name no filter (lm-eval before 0.4.7); they are taken in the order of "
            f"the task's filters, {', '.join(task.unnamed_filters)}."
        )
    effective = _effective(task)
    if effective is not None and effective != len(task.ids):
        # Versions before 0.4.13 count every document here, also those that --samples leaves out.
        chosen = " (all of them, where --samples chose some)" if hashed else ""
        remarks.append(
            f"{task.path}: {len(task.ids)} documents, while its run evaluated {effective}{chosen}."
        )
    return remarks
