"""The tasks that organisms are evaluated on: rote's zero-shot tasks, each with its own templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from sets import family_names

from rote import tasks_path
from rote.errors import UsageError

#: What is asked, by set of templates; the bank is rote's own.
ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    "bank": ("original", "names", "numbers", "symbolic", "noop", "noop_control", "p1", "p2"),
    "known": ("original", "names", "numbers", "symbolic", "noop", "noop_control"),
    "unseen": ("original", "numbers", "symbolic"),
    "small": ("original", "numbers"),
}


class _Tasks(yaml.SafeLoader):
    """Task files, with the names of functions as text."""


_Tasks.add_constructor("!function", lambda loader, node: str(node.value))


def task_files(variants: int, small_variants: int) -> dict[str, str]:
    """The content of each task file, by the task's name.

    ``variants`` instances are drawn of each template, ``small_variants`` of those of the small set.
    """
    common = yaml.load((tasks_path() / "_common.yml").read_text(encoding="utf-8"), Loader=_Tasks)
    families = list(family_names("held_out"))
    files = {}
    for source, asked in ASKED.items():
        for variant in asked:
            draws = small_variants if source == "small" else variants
            settings: dict[str, Any] = {"seed": 0, "variants": draws}
            if source != "bank":
                settings["templates"] = f"templates/{source}"
            if source == "known" and variant.startswith("noop"):
                settings["noop"] = {"family": families}
            name = f"{source}_{variant}_zeroshot"
            task = {
                "include": str(tasks_path() / "_zeroshot.yml"),
                "task": name,
                "dataset_kwargs": {"rote_source": "bank", "rote_variant": variant},
                # lm-eval lets a task's metadata take the place of what it includes.
                "metadata": {**common["metadata"], "rote": settings},
            }
            files[name] = yaml.safe_dump(task, sort_keys=False)
    return files


def write_tasks(work: Path, variants: int, small_variants: int) -> tuple[str, ...]:
    """Write ``WORK/tasks``; the names of the tasks. Raises UsageError where a set of templates lacks."""
    for source in ASKED:
        if source != "bank" and not (work / "templates" / source).is_dir():
            raise UsageError(f"{work / 'templates' / source} is no folder: run organisms/sets.py first")
    folder = work / "tasks"
    folder.mkdir(parents=True, exist_ok=True)
    files = task_files(variants, small_variants)
    for path in folder.glob("*.yaml"):
        if path.stem not in files:
            path.unlink()
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        # Whoever reads it meanwhile finds the old file or the new one.
        partial = folder / f"{name}.partial"
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    return tuple(files)
