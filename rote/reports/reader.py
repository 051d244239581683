"""Read stock lm-eval logs (0.4.5 to 0.4.13) into comparable series of samples.

A run is a ``results_<timestamp>.json`` (or ``<stem>_<timestamp>.json``) and, beside it, one
``samples_<task>_<timestamp>.jsonl`` a task. Files are streamed; what is kept of a sample is a small
record. Whatever cannot be understood is a :class:`~rote.errors.LogError` that names file and line;
whatever was understood but should be known is a warning in the result.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rote.errors import LogError
from rote.reports import fields, samples
from rote.reports.files import find_logs, read_results
from rote.reports.records import Model, Runs, Sample, Series, Where

#: model key, shots, filter, source
_Key = tuple[str, int | None, str, str]


@dataclass(slots=True)
class _Group:
    samples: dict[str, Sample] = field(default_factory=dict)
    tasks: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: prompt settings -> the first (task, results file) that had them
    prompts: dict[str, tuple[dict[str, str], str, str]] = field(default_factory=dict)
    results_files: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _State:
    groups: dict[_Key, _Group] = field(default_factory=lambda: defaultdict(_Group))
    models: dict[str, Model] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    foreign: list[tuple[str, str]] = field(default_factory=list)


def read_logs(paths: str | Path | Iterable[str | Path]) -> Runs:
    """Read every lm-eval run under ``paths`` (folders, searched recursively, or single log files).

    Series come sorted by model name, shots, filter and source; samples by template, seed and index.
    Raises :class:`~rote.errors.LogError` as the module says.
    """
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not given:
        raise LogError("no path was given; name a folder of lm-eval logs")
    try:
        return _read([Path(p) for p in given])
    except OSError as error:
        raise LogError(f"cannot be read: {error.strerror or error}", path=error.filename) from error


def _read(paths: list[Path]) -> Runs:
    results, samples = find_logs(paths)
    state = _State()
    claimed: set[Path] = set()
    for path, time in results:
        mine = [(p, task) for p, task, t in samples if p.parent == path.parent and t == time]
        claimed.update(p for p, _ in mine)
        _read_run(path, mine, state)
    orphans = [p for p, _, _ in samples if p not in claimed]
    if orphans:
        raise LogError(
            "has no results file of the same timestamp beside it, so its model and settings are unknown; "
            "copy the results_<timestamp>.json of that run here, or move this file away",
            path=orphans[0],
        )
    if not claimed:
        raise LogError(
            "holds results but no samples: run lm_eval again with --log_samples", path=results[0][0]
        )
    if not state.groups:
        tasks = ", ".join(sorted({task for task, _ in state.foreign}))
        raise LogError(
            f"no sample carries `template_id` (tasks: {tasks}): was this run made with rote's tasks?",
            path=state.foreign[0][1],
            field="doc.template_id",
        )
    return _finish(state)


# --- one run ---------------------------------------------------------------------------------------


def _read_run(path: Path, samples: list[tuple[Path, str]], state: _State) -> None:
    results = read_results(path)
    key, name, backend, arguments = fields.identify(results)
    state.models.setdefault(key, Model(key, name, backend, arguments))
    state.files.append(str(path))
    version = results.get("lm_eval_version")
    if isinstance(version, str):
        state.versions.add(fields.one_line(version, 40))
    limit = (results.get("config") or {}).get("limit")
    if limit is not None:
        state.warnings.append(f"{path}: run with --limit {limit}: only part of each task was evaluated.")
    logged = {task for _, task in samples}
    configured = set(results.get("configs") or {})
    missing = sorted(t for t in configured - logged if t in results["results"])
    if samples and missing:
        state.warnings.append(
            f"{path}: no samples file for {', '.join(missing)}, though the run lists it; it is left out."
        )
    for samples_path, task in samples:
        if configured and task not in configured:
            raise LogError(
                f"holds samples of task {task!r}, which {path.name} does not list "
                f"(it lists {', '.join(sorted(configured))}): files of two runs are mixed up",
                path=samples_path,
            )
        state.files.append(str(samples_path))
        _read_samples(samples_path, task, path, results, key, state)


def _lines(path: Path) -> Iterator[tuple[Where, dict[str, Any]]]:
    """The records of a JSON-lines file; a line that is none is an error that says where."""
    offset = 0
    with path.open("rb") as handle:
        for number, raw in enumerate(handle, start=1):
            where = Where(str(path), number, offset)
            offset += len(raw)
            if not raw.strip():
                continue
            try:
                record = json.loads(raw)
            except (ValueError, RecursionError) as error:
                # Without its line end it is the last line, and a writer was stopped in the middle of it.
                cut = not raw.endswith(b"\n")
                what = "the file is cut off in the middle of this line" if cut else "is not valid JSON"
                raise LogError(f"{what} ({type(error).__name__})", path=path, line=number) from None
            if not isinstance(record, dict) or not isinstance(record.get("doc"), dict):
                raise LogError("is no sample of lm-eval: it has no table `doc`", path=path, line=number)
            yield where, record


def _read_samples(
    path: Path, task: str, results_path: Path, results: dict[str, Any], model: str, state: _State
) -> None:
    shots = fields.shots_of(results, task)
    prompt = fields.prompt_settings(results, task)
    hasher = hashlib.sha256()
    hashed = True
    count = ours = as_text = repeated = doubled = differing = 0
    first_text: Where | None = None
    first_foreign: Where | None = None
    ids: set[Any] = set()
    for where, record in _lines(path):
        count += 1
        ids.add(str(record.get("doc_id")))
        hashes = [record.get(h) for h in ("doc_hash", "prompt_hash", "target_hash")]
        if all(isinstance(h, str) for h in hashes):
            hasher.update("".join(map(str, hashes)).encode("utf-8", "surrogatepass"))
        else:
            hashed = False
        if "template_id" not in record["doc"]:
            first_foreign = first_foreign or where
            continue
        ours += 1
        sample, source, repeats, text = samples.parse_sample(record, where)
        filter_name = samples.filter_of(record, where)
        repeated += repeats > 1
        if text:
            as_text += 1
            first_text = first_text or where
        group = state.groups[(model, shots, filter_name or "none", source)]
        group.tasks[sample.variant].add(task)
        group.results_files.add(str(results_path))
        group.prompts.setdefault(fields.canonical(prompt), (prompt, task, str(results_path)))
        known = group.samples.setdefault(sample.id, sample)
        if known is not sample:
            doubled += 1
            differing += _reconcile(known, sample, filter_name)
    if count == 0:
        raise LogError("is empty: the run was stopped before its samples were written", path=path)
    if first_foreign is not None:
        if ours:
            raise LogError(
                "is missing here, while other lines of the file have it: two files are mixed up",
                path=path,
                line=first_foreign.line,
                field="doc.template_id",
            )
        state.foreign.append((task, str(path)))
        return
    expected = (results.get("task_hashes") or {}).get(task)
    if hashed and isinstance(expected, str) and expected != hasher.hexdigest():
        effective = ((results.get("n-samples") or {}).get(task) or {}).get("effective")
        raise LogError(
            f"its {count} lines do not add up to the hash that {results_path.name} recorded for this task"
            + (f" ({effective} documents were evaluated)" if isinstance(effective, int) else "")
            + ": lines were lost, added or changed since the run, or files of two runs are mixed up",
            path=path,
        )
    if doubled:
        state.warnings.append(
            f"{path}: {doubled} of its documents were read before under the same setting, with the same "
            f"scores{f' ({differing} with another wording)' if differing else ''}; each counts once."
        )
    if as_text:
        line = first_text.line if first_text else 0
        state.warnings.append(f"{path}: {as_text} samples carry metrics as text (first: line {line}).")
    if repeated:
        state.warnings.append(
            f"{path}: {repeated} samples hold several responses and one score; the first response is shown."
        )
    if not hashed:
        effective = ((results.get("n-samples") or {}).get(task) or {}).get("effective")
        if isinstance(effective, int) and effective != len(ids):
            state.warnings.append(f"{path}: {len(ids)} documents, while its run evaluated {effective}.")


def _reconcile(known: Sample, again: Sample, filter_name: str | None) -> bool:
    """Two records of one document must agree; returns whether their responses differ in wording."""

    def refusal(message: str) -> LogError:
        return LogError(message, path=again.where.path, line=again.where.line)

    there = f"{known.where.path}:{known.where.line}"
    name = fields.one_line(repr(again.id), 80)
    if known.document_digest != again.document_digest:
        raise refusal(
            f"document {name} has another question or answer than at {there}: "
            "the runs used two versions of the templates; report them separately"
        )
    if None not in (known.prompt_hash, again.prompt_hash) and known.prompt_hash != again.prompt_hash:
        raise refusal(
            f"document {name} was asked with another prompt than at {there}: two runs of one model with "
            "different prompts are not comparable; report them separately"
        )
    if (known.correct, known.invalid, known.trapped) != (again.correct, again.invalid, again.trapped):
        hint = (
            "two runs are mixed up (an appended file, or one model run twice); report them separately"
            if filter_name is not None
            else "two runs are mixed up, or several filters whose names lm-eval before 0.4.7 did not log"
        )
        raise refusal(f"document {name} is scored differently at {there}: {hint}")
    return known.response_digest != again.response_digest


# --- putting together ------------------------------------------------------------------------------


def _finish(state: _State) -> Runs:
    models = _distinct_names(state.models)
    for (model, _, _, _), group in state.groups.items():
        if len(group.prompts) > 1:
            _refuse_prompts(models[model].name, list(group.prompts.values()))
    filters: dict[tuple[str, int | None, str], set[str]] = defaultdict(set)
    for model, shots, filter_name, source in state.groups:
        filters[model, shots, source].add(filter_name)
    warnings = list(state.warnings)
    for (model, _, source), names in filters.items():
        if len(names) > 1:
            warnings.append(
                f"{models[model].name}, {source}: scored under the filters {', '.join(sorted(names))}; "
                "each is reported on its own."
            )
    ignored = sorted({task for task, _ in state.foreign})
    if ignored:
        warnings.append(f"Tasks without `template_id`, not made by rote, are left out: {', '.join(ignored)}.")
    series = [
        _series(models[model], shots, filter_name, source, group)
        for (model, shots, filter_name, source), group in state.groups.items()
    ]
    series.sort(
        key=lambda s: (s.model.name, -1 if s.shots is None else s.shots, s.filter, s.source, s.model.key)
    )
    return Runs(
        tuple(series),
        tuple(state.files),
        tuple(sorted(state.versions)),
        tuple(fields.showable(w) for w in warnings),
        tuple(ignored),
    )


def _refuse_prompts(model: str, prompts: list[tuple[dict[str, str], str, str]]) -> None:
    (first, task, path), (second, other_task, other_path) = prompts[:2]
    differ = [k for k in sorted({*first, *second}) if first.get(k) != second.get(k)]

    def short(settings: dict[str, str], key: str) -> str:
        return fields.one_line(settings.get(key, "unset"), 60)

    shown = "; ".join(f"{k}: {short(first, k)} against {short(second, k)}" for k in differ)
    raise LogError(
        f"{model}: task {other_task} was run with another prompt than task {task} of {path} ({shown}); "
        "an original and its variants are comparable only under one prompt: run both alike, "
        "or report the runs separately",
        path=other_path,
    )


def _distinct_names(models: dict[str, Model]) -> dict[str, Model]:
    """Models whose names coincide get the arguments that tell them apart added."""
    by_name: dict[str, list[Model]] = defaultdict(list)
    for model in models.values():
        by_name[model.name].append(model)
    renamed: dict[str, Model] = {}
    for name, same in by_name.items():
        shared = set.intersection(*(set(m.arguments) for m in same))
        for number, model in enumerate(sorted(same, key=lambda m: m.key), start=1):
            own = ", ".join(f"{k}={v}" for k, v in model.arguments if (k, v) not in shared)
            if len(same) > 1:
                tag = fields.one_line(own or model.backend, 60)
                model = replace(model, name=f"{name} [{tag}]")
                if any(m.name == model.name for m in renamed.values()):
                    model = replace(model, name=f"{model.name} #{number}")
            renamed[model.key] = model
    return renamed


def _series(model: Model, shots: int | None, filter_name: str, source: str, group: _Group) -> Series:
    table: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in group.samples.values():
        found = table[sample.variant][sample.template_id]
        if found and sample.variant == "original":
            raise LogError(
                f"template {fields.one_line(repr(sample.template_id), 80)} has a second original; "
                f"the first is at {found[0].where.path}:{found[0].where.line}",
                path=sample.where.path,
                line=sample.where.line,
            )
        found.append(sample)
    return Series(
        model=model,
        shots=shots,
        filter=fields.one_line(filter_name, 60),
        source=fields.one_line(source, 60),
        samples={
            variant: {
                template: tuple(sorted(members, key=lambda s: (s.seed, s.index, s.id)))
                for template, members in sorted(templates.items())
            }
            for variant, templates in sorted(table.items())
        },
        tasks={variant: tuple(sorted(tasks)) for variant, tasks in sorted(group.tasks.items())},
        results_files=tuple(sorted(group.results_files)),
    )
