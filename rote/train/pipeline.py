"""A recipe's stages in order: what is done already, what comes next, what the run was made of."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from rote.errors import RoteError, UsageError
from rote.train import checkpoints, engine, manifest
from rote.train.monitor import LOG, Stop
from rote.train.recipe import Recipe
from rote.train.scratch import build_into
from rote.train.stage_run import FINAL, RECORD, StageRun, is_done, run_stage, vocabulary_rows

#: Folder of a model that the recipe builds.
BASE: Final = "base"
RECIPE: Final = "recipe.yaml"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left: ``final`` is the last stage's weights, or None when the run was stopped before."""

    out: Path
    base: str
    final: Path | None
    stopped: bool


def train(
    recipe: Recipe,
    algorithm: str,
    out: Path,
    *,
    resume: bool = False,
    trackers: tuple[str, ...] = (),
    one_stage: bool = False,
) -> Outcome:
    """Run a recipe's stages up to the last one of ``algorithm``.

    Parameters
    ----------
    out: folder of the run; ``<out>/<stage>/final`` is what each stage leaves.
    resume: go on with the run that is there: stages that are done are not done again, and the one that was
        broken off goes on from its newest whole checkpoint.
    one_stage: do only the first stage that is not done. Unsloth wants a process of its own for each.

    Raises UsageError where ``out`` holds a run and ``resume`` is not given, or holds the run of another
    recipe; DataError and others as the stages do.
    """
    stages = recipe.until(algorithm)
    versions = engine.prepare(
        recipe.model,
        vllm=any(getattr(stage, "vllm", False) for stage in stages.values()),
        bare=all(stage.algorithm == "pretrain" for stage in stages.values()),
    )
    fresh = not (out / manifest.FILE).is_file()
    record = _open(out, recipe, versions, resume)
    with _taken_back(out, recipe, fresh), Stop().listening() as stop:
        base = _base(out, recipe)
        start: Path | None = None
        final: Path | None = None
        for name, stage in stages.items():
            folder = out / name
            run = StageRun(recipe, name, stage, base, None if stage.start == "base" else start, folder)
            if is_done(folder):
                # A run that was broken off between the two files has the one and not the other.
                if name not in record["stages"]:
                    _note(record, manifest.read_json(folder / RECORD), base, out)
            else:
                ended = run_stage(run, resume=resume, stop=stop, trackers=trackers)
                _note(record, ended, base, out)
                if ended["state"] == "stopped":
                    return Outcome(out, base, None, True)
                if one_stage:
                    return Outcome(out, base, folder / FINAL, False)
            start = final = folder / FINAL
    return Outcome(out, base, final, False)


def _note(record: dict[str, Any], ended: dict[str, Any], base: str, out: Path) -> None:
    """Put a stage that has ended into the run's manifest."""
    record["stages"][ended["name"]] = ended
    record["prompt"] = ended["prompt"]
    record["base"] = {"path": base, "hash": _hash(base)}
    manifest.write_json(out / manifest.FILE, record)


@contextmanager
def _taken_back(out: Path, recipe: Recipe, fresh: bool) -> Iterator[None]:
    """Leave nothing of a run that an error ends before its first step: the next try needs no other folder."""
    try:
        yield
    except RoteError:
        stages = [out / name for name in recipe.stages]
        begun = any((stage / LOG).exists() or checkpoints.all_of(stage) for stage in stages)
        if fresh and not begun:
            for folder in (*stages, *([out / BASE] if recipe.model.build is not None else [])):
                shutil.rmtree(folder, ignore_errors=True)
            for name in (manifest.FILE, RECIPE):
                (out / name).unlink(missing_ok=True)
            if not any(out.iterdir()):
                out.rmdir()
        raise


def final_of(recipe: Recipe, algorithm: str, out: Path) -> tuple[str, Path]:
    """The base of a run that has ended, and the weights that its last stage left."""
    last = list(recipe.until(algorithm))[-1]
    return _base(out, recipe), out / last / FINAL


def _open(out: Path, recipe: Recipe, versions: dict[str, str], resume: bool) -> dict[str, Any]:
    if not (out / manifest.FILE).is_file():
        if out.exists() and any(out.iterdir()):
            raise UsageError(f"{out} is not empty and holds no run; name another --out")
        out.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        (out / RECIPE).write_text(text, encoding="utf-8")
        return manifest.begin(out, recipe, versions)
    if not resume:
        raise UsageError(f"{out} holds a run already; add --resume to go on with it, or name another --out")
    record = manifest.read_json(out / manifest.FILE)
    changed = manifest.check_same(record, recipe, versions, out / manifest.FILE)
    if changed:
        print(
            f"rote train: versions have changed since the run began ({', '.join(changed)}): "
            "it goes on, but not bit for bit as it would have",
            file=sys.stderr,
        )
    return record


def _base(out: Path, recipe: Recipe) -> str:
    """Where the recipe's model lies; one that is built is built once, into the run's folder."""
    if recipe.model.build is None:
        return recipe.model.path
    folder = out / BASE
    if not folder.is_dir():
        first = next(iter(recipe.stages.values()))
        rows = vocabulary_rows(first) if recipe.model.build.learns_tokenizer else ()
        build_into(folder, recipe.model, recipe.prompt, rows, first.seed)
    return str(folder)


def _hash(base: str) -> str | None:
    return manifest.weights_hash(Path(base)) if Path(base).is_dir() else None
