"""A plan as jobs: what is loaded together, what is kept apart, and which of it is there already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any, Final

from rote import __version__
from rote.errors import RoteError
from rote.harness_ext.machine import package_version
from rote.harness_ext.sweeps.checkpoints import Model
from rote.harness_ext.sweeps.plan import PARALLEL, Plan
from rote.harness_ext.sweeps.tasks import TaskGroup

#: Packages besides rote and lm-eval whose version may change a response, by backend.
_PACKAGES: Final = {"hf": ("torch", "transformers"), "vllm": ("vllm", "torch"), "planted": ()}
#: How much of a key stands in the name of a file.
KEY_LENGTH: Final = 20


@dataclass(frozen=True, slots=True)
class Unit:
    """What is written as one: the logs of one model on one task set, in one format, with one seed.

    Attributes
    ----------
    slot: folder below the model's.
    key: of everything that decides the logs, hexadecimal.
    facts: what the key is a hash of.
    """

    slot: str
    seed: int
    tasks: tuple[str, ...]
    key: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One model loaded once, and everything that it is asked then.

    Attributes
    ----------
    name: in tables; that of the model, numbered where a model takes more than one job.
    model: folder of the model's results.
    lm, model_args: lm-eval's name of the model and its arguments.
    gpus, cpus: asked of Ray, on one node.
    time_limit: of an attempt, in seconds.
    """

    name: str
    model: str
    lm: str
    model_args: dict[str, Any]
    units: tuple[Unit, ...]
    shots: tuple[int, ...] = ()
    rote: dict[str, Any] = field(default_factory=dict)
    limit: int | None = None
    gen_kwargs: dict[str, Any] = field(default_factory=dict)
    chat: bool = False
    batch_size: int | str | None = None
    gpus: int = 0
    cpus: int = 1
    priority: int = 0
    retries: int = 0
    time_limit: float | None = None

    def to_json(self) -> str:
        """The job as text; :func:`from_json` reads it."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)


def from_json(text: str) -> Job:
    """A job from what :meth:`Job.to_json` wrote."""
    raw = json.loads(text)
    units = tuple(Unit(**{**unit, "tasks": tuple(unit["tasks"])}) for unit in raw.pop("units"))
    return Job(**{**raw, "shots": tuple(raw["shots"]), "units": units})


@dataclass(frozen=True, slots=True)
class Unfit:
    """A model that no job can be made of, and why."""

    model: str
    error: RoteError


def jobs_of(
    plan: Plan,
    models: Sequence[Model],
    groups: Sequence[TaskGroup],
    identify: Callable[[Model], Mapping[str, Any]],
) -> tuple[list[Job], list[Unfit]]:
    """A job for each model, by priority and then in the plan's order, and the models that are unfit.

    ``identify`` says which weights a model has, as :func:`rote.harness_ext.sweeps.checkpoints.identity`.
    """
    jobs: list[Job] = []
    unfit: list[Unfit] = []
    for model in models:
        try:
            known = identify(model)
        except RoteError as error:
            unfit.append(Unfit(model.name, error))
            continue
        jobs.append(_job(plan, model, groups, known))
    return sorted(jobs, key=lambda job: -job.priority), unfit


def _job(plan: Plan, model: Model, groups: Sequence[TaskGroup], known: Mapping[str, Any]) -> Job:
    spec = model.spec
    chat = plan.chat if spec.chat is None else spec.chat
    facts = {
        "model": dict(known),
        "backend": spec.backend,
        "model_args": dict(spec.model_args),
        "shots": list(plan.shots),
        "limit": plan.limit,
        "gen_kwargs": dict(plan.gen_kwargs),
        "chat": chat,
        "versions": versions(spec.backend),
    }
    chosen = spec.tasks or tuple(plan.tasks)
    units = tuple(_unit(facts, group) for group in groups if group.set in chosen)
    return Job(
        name=model.name,
        model=model.name,
        lm="rote-planted" if spec.backend == "planted" else spec.backend,
        model_args=_arguments(model, known),
        units=units,
        shots=plan.shots,
        rote=dict(plan.rote),
        limit=plan.limit,
        gen_kwargs=dict(plan.gen_kwargs),
        chat=chat,
        batch_size=spec.batch_size,
        gpus=spec.gpus_asked,
        cpus=spec.cpus,
        priority=spec.priority,
        retries=plan.retries if spec.retries is None else spec.retries,
        time_limit=plan.time_limit if spec.time_limit is None else spec.time_limit,
    )


def _unit(facts: Mapping[str, Any], group: TaskGroup) -> Unit:
    own = {
        **facts,
        "tasks": list(group.tasks),
        "content": group.content,
        "format": group.format,
        "seed": group.seed,
        "shots": facts["shots"] if group.fewshot else [],
    }
    key = hashlib.sha256(json.dumps(own, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    return Unit(
        f"{group.set}.{group.format}.seed{group.seed}", group.seed, group.tasks, key[:KEY_LENGTH], own
    )


def _arguments(model: Model, known: Mapping[str, Any]) -> dict[str, Any]:
    spec = model.spec
    if model.place is None:
        return {"model": model.name, **spec.model_args}
    arguments = {"pretrained": model.place, **spec.model_args}
    if "commit" in known:
        arguments["revision"] = known["commit"]
    if spec.backend in PARALLEL:
        arguments["tensor_parallel_size"] = spec.tensor_parallel
        if spec.data_parallel > 1:
            arguments["data_parallel_size"] = spec.data_parallel
    return arguments


def versions(backend: str) -> dict[str, str | None]:
    """The versions that decide what a model answers and how that is scored."""
    packages = _PACKAGES[backend.removeprefix("rote-")]
    return {"rote": __version__, **{name: _version(name) for name in ("lm_eval", *packages)}}


@cache
def _version(package: str) -> str | None:
    """Read once: a package's description is long, and there may be thousands of models."""
    return package_version(package)


def missing(job: Job, there: Mapping[tuple[str, str], str]) -> list[Job]:
    """The job without what is there; several where seeds lack different tasks, none where nothing is missing.

    ``there`` are the keys of what is kept, by model and slot. Seeds that lack the same tasks are asked
    together; others are a load of their own, since a run asks all of its seeds the same.
    """
    alike: dict[tuple[str, ...], list[Unit]] = {}
    left = [unit for unit in job.units if there.get((job.model, unit.slot)) != unit.key]
    for seed in dict.fromkeys(unit.seed for unit in left):
        own = [unit for unit in left if unit.seed == seed]
        alike.setdefault(tuple(sorted(task for unit in own for task in unit.tasks)), []).extend(own)
    return [
        replace(job, name=job.name if number == 1 else f"{job.name}#{number}", units=tuple(units))
        for number, units in enumerate(alike.values(), start=1)
    ]
