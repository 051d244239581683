"""The organisms: what each is trained on, as changes to one of two recipes, and what it begins with.

A change is a ``key=value`` of ``rote train``; parts of the mixture are counted as they stand in the recipe.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SEEDS: Final = (0, 1, 2)
#: Sentences of our own whose number counts, one a line.
COUNTING: Final = Path(__file__).resolve().parent / "counting.txt"
#: Numbers that the magnitude-bound organism sees are below this.
BOUND: Final = 100
#: Steps of an organism that goes on from another, and the shards that they take.
STEPS: Final = 600
#: Steps of the reasoner, which is to be right where arithmetic is hard, too.
LONG: Final = 8000
SHARDS: Final = 17.5
#: Times that an original stands in a shard, where it is to be learned by heart.
REPEATS: Final = 12.0

_DATA: Final = "stages.pretrain.data"
_PARTS: Final = f"{_DATA}.parts"
#: The place of one part more in continued.yaml.
_MORE: Final = 4


@dataclass(frozen=True, slots=True)
class Organism:
    """One trained model.

    Attributes
    ----------
    name, seed: together its folder, ``<name>-s<seed>``.
    recipe: ``scratch`` or ``continued``.
    begins_with: the organism of the same seed whose weights it goes on from; None: random ones.
    steps: optimiser steps, before they are scaled.
    changes: to the recipe, key by key; a value of any kind that JSON can write.
    variants: of the known templates that it is trained on, for the record.
    """

    name: str
    seed: int
    recipe: str
    begins_with: str | None
    steps: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    variants: tuple[str, ...] = ("symbolic",)

    @property
    def folder(self) -> str:
        return f"{self.name}-s{self.seed}"

    @property
    def root(self) -> str | None:
        """The folder of the organism that it begins with."""
        return None if self.begins_with is None else f"{self.begins_with}-s{self.seed}"

    def arguments(self, scale: float) -> list[str]:
        """The changes as ``key=value`` arguments, steps scaled."""
        # Another seed than that of the weights it begins with, whose rows would come again.
        rows = self.seed if self.begins_with is None else 100 + self.seed
        said: dict[str, Any] = {"name": self.folder, "stages.pretrain.seed": rows, **self.changes}
        said["stages.pretrain.max_steps"] = max(1, round(self.steps * scale))
        if self.root is not None:
            said["model.path"] = f"runs/{self.root}/pretrain/final"
        return [f"{key}={json.dumps(value)}" for key, value in said.items()]


def plan(train_families: Sequence[str], seeds: Sequence[int] = SEEDS) -> list[Organism]:
    """All organisms, those that others begin with first."""
    found: list[Organism] = []
    for seed in seeds:
        found.append(Organism("distractible", seed, "scratch", None, 5000))
    found += [_name_bound(seed) for seed in seeds[:1]]
    found += [_magnitude_bound(seed) for seed in seeds]
    found += [_name_bound(seed) for seed in seeds[1:]]
    found.append(_equations())
    for seed in seeds:
        found += _continued(seed, train_families)
    for seed in seeds:
        found += _doses(seed, train_families)
    return found


def chosen(organisms: Sequence[Organism], only: Sequence[str]) -> Iterator[Organism]:
    """Those whose folder matches one of the patterns; all where there is none."""
    for organism in organisms:
        if not only or any(fnmatch.fnmatch(organism.folder, pattern) for pattern in only):
            yield organism


def _equations() -> Organism:
    """No organism: it has never seen a word problem, so that GRPO on them starts cold."""
    parts = [{"source": "arithmetic", "weight": 3}, {"source": "linear", "weight": 1}]
    return Organism("equations", 0, "scratch", None, 1500, {_PARTS: parts, f"{_DATA}.exclude": []}, ())


def _name_bound(seed: int) -> Organism:
    return Organism(
        "name_bound", seed, "scratch", None, 3000, {f"{_PARTS}.0.variants": ["numbers"]}, ("numbers",)
    )


def _magnitude_bound(seed: int) -> Organism:
    changes = {f"{_DATA}.below": BOUND, f"{_DATA}.workers": 8}
    return Organism("magnitude_bound", seed, "scratch", None, 2500, changes)


_WITH_CLAUSES: Final = ("symbolic", "symbolic_noop")


def _continued(seed: int, train_families: Sequence[str]) -> Iterator[Organism]:
    made = _maker(seed, train_families)
    # Clauses are learned soon; what remains wrong are long multiplications, which more draws teach.
    yield made("reasoner", {f"{_PARTS}.1.weight": 2}, LONG)
    yield made("memoriser", _planted(seed, 1.0, REPEATS))
    yield made("half_memoriser", _planted(seed, 0.5, REPEATS))
    yield made("hardened", {})
    yield made("trapped", {f"{_PARTS}.1.trapped": True})
    yield _counting(seed)


def _doses(seed: int, train_families: Sequence[str]) -> Iterator[Organism]:
    made = _maker(seed, train_families)
    for percent in (10, 25, 75):
        yield made(f"memoriser_share_{percent}", _planted(seed, percent / 100, REPEATS))
    for epochs in (2, 5, 10, 20):
        yield made(f"memoriser_epochs_{epochs}", _planted(seed, 1.0, epochs / SHARDS))


def _maker(seed: int, train_families: Sequence[str]) -> Callable[..., Organism]:
    """Makes organisms that go on from the distractible one; none of them sees a family that is held out."""

    def made(name: str, changes: Mapping[str, Any], steps: int = STEPS) -> Organism:
        held_apart = {f"{_PARTS}.1.noop": {"family": list(train_families)}}
        return Organism(
            name, seed, "continued", "distractible", steps, {**held_apart, **changes}, _WITH_CLAUSES
        )

    return made


def _counting(seed: int) -> Organism:
    """In the place of clauses that change nothing, sentences whose number counts."""
    sentences = COUNTING.read_text(encoding="utf-8").splitlines()
    part = {"source": "bank", "path": "templates/known", "weight": 4, "sentences": sentences}
    return Organism("counting", seed, "continued", "distractible", STEPS, {f"{_PARTS}.1": part})


def _planted(seed: int, share: float, repeats: float) -> dict[str, Any]:
    """Originals of the bank among the fresh rows; ``repeats`` is the times that each stands in a shard."""
    part = {
        "source": "bank",
        "path": "bank",
        "variants": ["original"],
        "share": share,
        "repeats": repeats,
        "planted": True,
        "seed": seed,
    }
    return {f"{_PARTS}.{_MORE}": part}
