"""The schema of a plan: which models, which tasks, and how."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from rote.harness_ext.models import VLLM
from rote.prompts import FORMATS

Backend = Literal["hf", "vllm", "rote-hf", "rote-vllm", "planted"]
#: Backends that spread one model over several GPUs themselves.
PARALLEL: Final = VLLM
#: Where a model is; a model of any backend but ``planted`` has exactly one of these.
PLACES: Final = ("path", "hub", "glob", "watch")
#: What the plan itself writes into a model's arguments, and under which of its own keys.
_WRITTEN: Final = {
    "pretrained": "path, hub, glob or watch",
    "revision": "revision",
    "batch_size": "batch_size",
    "tensor_parallel_size": "tensor_parallel",
    "data_parallel_size": "data_parallel",
}
_DURATION: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>s|m|h|d)?")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+=-]*$", max_length=120)]
Count = Annotated[int, Field(strict=True, ge=1)]
CountOrZero = Annotated[int, Field(strict=True, ge=0)]


class Part(BaseModel):
    """Base of every part of a plan: frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _once(values: Sequence[Any]) -> Sequence[Any]:
    """The values, if each is there once. Raises ValueError naming the first that is not."""
    for at, value in enumerate(values):
        if value in values[:at]:
            raise ValueError(f"{value!r} is there twice; name each once")
    return values


def seconds(value: Any) -> Any:
    """A duration in seconds from a number of them or from text such as ``90s``, ``30m``, ``8h``, ``1d``."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError("must be seconds, or a number with s, m, h or d, such as 30m")
        return float(match["number"]) * _SECONDS[match["unit"] or "s"]
    if isinstance(value, bool):
        raise ValueError("must be seconds, or a number with s, m, h or d, such as 30m")
    return value


class ModelSpec(Part):
    """One model, or all checkpoints that a pattern matches or a folder receives."""

    name: Name | None = Field(
        default=None,
        description="folder of its results; of glob and watch: beginning of the names; null: from the place",
    )
    path: str | None = Field(default=None, min_length=1, description="folder of one checkpoint")
    hub: str | None = Field(default=None, min_length=1, description="id of a model on the hub")
    glob: str | None = Field(default=None, min_length=1, description="pattern of checkpoint folders")
    watch: str | None = Field(default=None, min_length=1, description="folder that receives checkpoints")
    revision: str | None = Field(default=None, description="of hub: branch, tag or commit; null: main")
    backend: Backend = Field(default="hf", description="what runs it: lm-eval's model, or a planted one")
    model_args: dict[str, Any] = Field(default={}, description="further arguments of lm-eval's model")
    tasks: tuple[str, ...] | None = Field(default=None, min_length=1, description="task sets; null: all")
    tensor_parallel: Count = Field(default=1, description="GPUs that share one copy of the weights (vLLM)")
    data_parallel: Count = Field(default=1, description="copies of the model (vLLM)")
    gpus: CountOrZero | None = Field(
        default=None, description="GPUs asked of Ray; null: one a copy and share of the weights, planted none"
    )
    cpus: Count = Field(default=1, description="CPU cores asked of Ray")
    batch_size: Count | str | None = Field(
        default=None, description="as lm-eval's --batch_size; null: auto for vLLM, else 1"
    )
    chat: bool | None = Field(default=None, description="whether prompts go through the chat template")
    priority: Annotated[int, Field(strict=True)] = Field(default=0, description="higher ones run first")
    retries: CountOrZero | None = Field(default=None, description="null: the plan's")
    time_limit: float | None = Field(default=None, gt=0, description="seconds or 30m, 8h; null: the plan's")

    _seconds = field_validator("time_limit", mode="before")(seconds)
    _tasks_once = field_validator("tasks")(_once)

    @model_validator(mode="after")
    def _fits_together(self) -> ModelSpec:
        given = [place for place in PLACES if getattr(self, place) is not None]
        if self.backend == "planted":
            if given:
                raise ValueError(f"{given[0]} is given; a planted model has no weights: leave it out")
            if self.name is None:
                raise ValueError("name is missing; a planted model has no place to be named by")
        elif len(given) != 1:
            said = f"{' and '.join(given)} are given" if given else "no place is given"
            raise ValueError(f"{said}; give exactly one of {', '.join(PLACES)}")
        if self.revision is not None and self.hub is None:
            raise ValueError(f"revision is {self.revision!r}; it goes with hub")
        for key, value in (("tensor_parallel", self.tensor_parallel), ("data_parallel", self.data_parallel)):
            if value > 1 and self.backend not in PARALLEL:
                raise ValueError(f"{key} is {value}; it goes with backend {' or '.join(PARALLEL)}")
        for key in self.model_args:
            if key in _WRITTEN:
                raise ValueError(f"model_args.{key}: is written by the plan; use {_WRITTEN[key]}")
        if isinstance(self.batch_size, str) and not self.batch_size.startswith("auto"):
            raise ValueError(f"batch_size is {self.batch_size!r}; it must be a whole number, auto or auto:N")
        return self

    @property
    def gpus_asked(self) -> int:
        """GPUs that a job with this model needs, all on one node."""
        if self.gpus is not None:
            return self.gpus
        return 0 if self.backend == "planted" else self.tensor_parallel * self.data_parallel


class Plan(Part):
    """What a sweep evaluates, and where the results go."""

    about: str = Field(default="", description="a line or two about the plan")
    results: str = Field(min_length=1, description="folder, or URL that fsspec can write to")
    models: tuple[ModelSpec, ...] = Field(min_length=1)
    tasks: dict[Name, tuple[str, ...]] = Field(
        min_length=1, description="task sets: tasks and groups by a name; in the format hash"
    )
    seeds: tuple[CountOrZero, ...] = Field(default=(0,), min_length=1, description="of the problems")
    formats: tuple[str, ...] = Field(default=("hash",), min_length=1, description=", ".join(FORMATS))
    shots: tuple[Count, ...] = Field(default=(), description="examples of few-shot tasks; empty: their own")
    limit: Count | None = Field(default=None, description="documents of each task; null: all")
    rote: dict[str, Any] = Field(default={}, description="settings of rote's tasks, such as variants: 5")
    gen_kwargs: dict[str, Any] = Field(default={}, description="as lm-eval's --gen_kwargs")
    chat: bool = Field(default=False, description="whether prompts go through the chat template")
    retries: CountOrZero = Field(default=2, description="further attempts where one may help")
    time_limit: float | None = Field(default=None, gt=0, description="of an attempt: seconds or 30m, 8h")

    _seconds = field_validator("time_limit", mode="before")(seconds)
    _values_once = field_validator("seeds", "formats", "shots")(_once)

    @field_validator("tasks")
    @classmethod
    def _tasks_once(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        owners: dict[str, str] = {}
        for name, tasks in value.items():
            if not tasks:
                raise ValueError(f"the set {name!r} is empty; name at least one task")
            for task in _once(tasks):
                if task in owners:
                    raise ValueError(
                        f"{task!r} is in the sets {owners[task]!r} and {name!r}; it would be answered twice"
                    )
                owners[task] = name
        return value

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in FORMATS:
                raise ValueError(f"unknown format {name!r}; known: {', '.join(FORMATS)}")
        return value

    @field_validator("rote")
    @classmethod
    def _no_seed(cls, value: dict[str, Any]) -> dict[str, Any]:
        if "seed" in value:
            raise ValueError(f"seed is {value['seed']!r} here; a plan's seeds stand under `seeds`")
        return value

    @model_validator(mode="after")
    def _sets_are_there(self) -> Plan:
        for at, model in enumerate(self.models):
            for name in model.tasks or ():
                if name not in self.tasks:
                    raise ValueError(
                        f"models.{at}.tasks names {name!r}; the plan's task sets are {', '.join(self.tasks)}"
                    )
        return self
