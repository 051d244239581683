"""The tasks of each set and format, and a hash of all that they ask."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from rote.errors import DataError, UsageError
from rote.harness_ext import run
from rote.harness_ext.datasets import SHOTS
from rote.harness_ext.sweeps.plan import Plan
from rote.hints import hint

_ZEROSHOT: Final = "_zeroshot"
#: What of a task's configuration asks nothing: its name, facts about the run, and where documents that are
#: hashed themselves come from.
_NOT_ASKED: Final = ("task", "metadata", "tag", "group", "custom_dataset", "dataset_kwargs")
#: Where a function lies in memory, which lm-eval leaves in what it shows of some.
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """What one task set asks in one format with one seed: its tasks, groups taken apart, and their hash.

    ``fewshot``: whether any of the tasks shows examples.
    """

    set: str
    format: str
    seed: int
    tasks: tuple[str, ...]
    content: str
    fewshot: bool = True


def in_format(task: str, format: str) -> str:
    """The name of a task or group in a format: ``bank_noop_zeroshot``, tags: ``bank_noop_tags_zeroshot``."""
    if format == "hash":
        return task
    base = task.removesuffix(_ZEROSHOT)
    # That format has one worked example in its instruction, and no tasks besides.
    zeroshot = _ZEROSHOT if base != task and format != "instruct" else ""
    return f"{base}_{format}{zeroshot}"


def metadata_of(plan: Plan) -> dict[str, Any]:
    """lm-eval's metadata for the plan's tasks, without a seed."""
    return {"rote": dict(plan.rote)}


def names_of(plan: Plan) -> dict[tuple[str, str], tuple[str, ...]]:
    """(set, format) → tasks and groups by their names in that format.

    Raises DataError naming the set and a task that rote does not have in a format that is asked for.
    """
    ours = run.own_tasks()
    found = {}
    for name, tasks in plan.tasks.items():
        for format in plan.formats:
            asked = tuple(in_format(task, format) for task in tasks)
            for task, own in zip(tasks, asked, strict=True):
                if format != "hash" and own not in ours:
                    raise DataError(
                        f"{task!r} is not there in the format {format!r} (no task {own!r})",
                        field=f"tasks.{name}",
                    )
            found[name, format] = asked
    return found


@contextmanager
def found_tasks(names: Sequence[str]) -> Iterator[None]:
    """While this lasts, lm-eval finds rote's tasks, and its own where one of the names may be one."""
    ours = run.own_tasks()
    with run.task_managers(include_defaults=any(name not in ours for name in names)):
        yield


def manager(metadata: dict[str, Any]) -> Any:
    """lm-eval's ``TaskManager``, as :func:`found_tasks` has made it."""
    import lm_eval.tasks

    return lm_eval.tasks.TaskManager(metadata=metadata)


def task_groups(plan: Plan) -> list[TaskGroup]:
    """Everything that the plan asks: an entry for each task set, format and seed, in that order.

    All documents are made for it, once, however many models there are.

    Raises DataError: an unknown task, one task in two sets; UsageError and others from the tasks' data.
    """
    names = names_of(plan)
    everything = [task for tasks in names.values() for task in tasks]
    with found_tasks(everything):
        known = manager(metadata_of(plan)).all_tasks
        for (name, _), tasks in names.items():
            for task in tasks:
                if task not in known:
                    raise DataError(f"no task {task!r}{hint(task, known)}", field=f"tasks.{name}")
        found: dict[int, dict[str, Any]] = {}
        leaves = {}
        for seed in plan.seeds:
            metadata = {"rote": {**plan.rote, "seed": seed}}
            for place, tasks in names.items():
                try:
                    loaded = manager(metadata).load(list(tasks))["tasks"]
                except ValueError as error:  # a task that is also in a group beside it
                    raise DataError(str(error), field=f"tasks.{place[0]}") from error
                found.setdefault(seed, {}).update(loaded)
                leaves[place] = tuple(loaded)
    _once(leaves)
    hashes = {
        (seed, name): content_hash(task) for seed, tasks in found.items() for name, task in tasks.items()
    }
    shown = {name for name, task in found[plan.seeds[0]].items() if task.config.num_fewshot}
    _check_shots(plan, bool(shown))
    return [
        TaskGroup(
            set=name,
            format=format,
            seed=seed,
            tasks=leaves[name, format],
            content=_digest([hashes[seed, task] for task in leaves[name, format]]),
            fewshot=not shown.isdisjoint(leaves[name, format]),
        )
        for name, format in names
        for seed in plan.seeds
    ]


def _check_shots(plan: Plan, any_shown: bool) -> None:
    if plan.shots and max(plan.shots) > SHOTS:
        raise DataError(f"{max(plan.shots)}: rote's tasks have {SHOTS} exemplars", field="shots")
    if plan.shots and not any_shown:
        raise DataError("all tasks of the plan are zero-shot; name few-shot ones", field="shots")


def _once(leaves: Mapping[tuple[str, str], Sequence[str]]) -> None:
    owners: dict[str, str] = {}
    for (name, _), tasks in leaves.items():
        for task in tasks:
            other = owners.setdefault(task, name)
            if other != name:
                raise DataError(
                    f"the task {task!r} is also in the set {other!r}: it would be answered twice",
                    field=f"tasks.{name}",
                )


def content_hash(task: Any) -> str:
    """A hash of what a task asks and how: its settings, its documents and its examples, in order."""
    config = {key: value for key, value in task.dump_config().items() if key not in _NOT_ASKED}
    shots = list(task.fewshot_docs()) if task.config.num_fewshot else []
    shown = _ADDRESS.sub("", json.dumps(config, sort_keys=True, ensure_ascii=False, default=str))
    return _digest([shown, list(task.eval_docs), shots])


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def check_settings(plan: Plan) -> None:
    """Raises UsageError for settings of rote's tasks that cannot be."""
    from rote.harness_ext.settings import parse_settings

    try:
        parse_settings(dict(plan.rote))
    except UsageError as error:
        raise DataError(str(error), field="rote") from error
