"""An evaluation in batches of whole templates, in random order, that its caller may leave at any time.

The order is that of a hash of the seed and the template's id: the same on every machine, and unrelated to
anything about the templates. The model, lm-eval's index of tasks and its description of the machine are made
once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rote import tasks_path
from rote.errors import UsageError
from rote.harness_ext import models
from rote.harness_ext.demo import quiet
from rote.harness_ext.git import quiet_git


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch gave: lm-eval's results (settings of the tasks included) and samples, as it logs them.

    ``templates`` are those of this batch; ``done`` of ``total`` are evaluated by now.
    """

    templates: tuple[str, ...]
    results: Mapping[str, Any]
    samples: Mapping[str, Sequence[Mapping[str, Any]]]
    done: int
    total: int


def random_order(templates: Collection[str], seed: int) -> list[str]:
    """The templates in an order that depends on ``seed`` and their ids only."""

    def place(template: str) -> tuple[str, str]:
        return hashlib.sha256(f"{seed}/{template}".encode()).hexdigest(), template

    return sorted(set(templates), key=place)


def evaluate_in_batches(
    model: str,
    model_args: str,
    tasks: Sequence[str],
    *,
    templates: Collection[str],
    size: int,
    order: int = 0,
    metadata: Mapping[str, Any] | None = None,
) -> Iterator[Batch]:
    """Evaluate ``size`` templates at a time, with all their documents of all ``tasks``.

    Templates of the tasks that are not in ``templates`` are left out. Raises UsageError: an unknown model
    or task, a task without templates, a template that no task has.
    """
    from lm_eval.api.registry import get_model
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.utils import handle_non_serializable, simple_parse_args_string

    from rote.harness_ext.run import check_model

    check_model(model)
    models.register()
    with quiet(), quiet_git(), _described_once():
        manager = _manager(dict(metadata or {}))
        unknown = sorted(set(tasks) - set(manager.all_tasks))
        if unknown:
            raise UsageError(f"--tasks: rote has no task {unknown[0]!r}")
        loaded: dict[str, Any] = manager.load(list(tasks))["tasks"]
        places = _places(loaded)
        missing = sorted(set(templates) - places.keys())
        if missing:
            raise UsageError(
                f"{len(missing):,} templates of the baseline are in none of the tasks {', '.join(tasks)} "
                f"(the first: {missing[0]})"
            )
        given = simple_parse_args_string(model_args)
        prompts = models.default_batch_size(model, given)
        # Not every model takes a batch size.
        more = {} if prompts == 1 or "batch_size" in given else {"batch_size": prompts}
        lm = get_model(model).create_from_arg_string(model_args, more)
        waiting = random_order(templates, order)
        for start in range(0, len(waiting), size):
            now = tuple(waiting[start : start + size])
            chosen: dict[str, list[int]] = {}
            for template in now:
                for task, index in places[template]:
                    chosen.setdefault(task, []).append(index)
            results = simple_evaluate(
                model=lm,
                tasks=[loaded[name] for name in sorted(chosen)],
                task_manager=manager,
                samples={name: sorted(own) for name, own in chosen.items()},
                bootstrap_iters=0,
                log_samples=True,
            )
            if results is None:
                raise UsageError("a live gate runs in one process; start it without a launcher of several")
            plain = json.loads(json.dumps(results, default=handle_non_serializable, ensure_ascii=True))
            samples = plain.pop("samples")
            yield Batch(now, plain, samples, start + len(now), len(waiting))


def _manager(metadata: dict[str, Any]) -> Any:
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(tasks_path()), include_defaults=False, metadata=metadata)


@contextlib.contextmanager
def _described_once() -> Iterator[None]:
    """While this lasts, lm-eval describes the machine once, and writes that into the results of every batch.

    It starts ``pip list`` for it, which takes longer than a batch of a small model.
    """
    import lm_eval.evaluator

    stock = lm_eval.evaluator.add_env_info
    known: dict[str, Any] = {}

    def add(results: dict[str, Any]) -> None:
        if not known:
            stock(known)
        results.update(known)

    lm_eval.evaluator.add_env_info = add
    try:
        yield
    finally:
        lm_eval.evaluator.add_env_info = stock


def _places(tasks: Mapping[str, Any]) -> dict[str, list[tuple[str, int]]]:
    """Where the documents of each template are: (task, index)."""
    places: dict[str, list[tuple[str, int]]] = {}
    for name, task in tasks.items():
        for index, doc in enumerate(task.eval_docs):
            if "template_id" not in doc:
                raise UsageError(f"--tasks: documents of {name} have no template_id: it is no task of rote's")
            places.setdefault(doc["template_id"], []).append((name, index))
    return places
