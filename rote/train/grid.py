"""The same recipe at several settings, one run each: every combination, then a table and a picture."""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rote.errors import UsageError
from rote.train.children import run_child
from rote.train.manifest import FILE, read_json
from rote.train.monitor import read_log

#: What of a run's last lines of the log stands in the table, where it is there.
_LAST: Final = ("loss", "reward", "rewards/correctness/mean", "kl", "probe/original", "probe/drop")


def combinations(axes: Sequence[str]) -> list[dict[str, str]]:
    """``["learning_rate=1e-6,1e-5", "epochs=1,2"]`` as four dictionaries, the last axis fastest.

    Raises UsageError for an axis that is not ``key=value,value`` or is there twice.
    """
    parsed: dict[str, list[str]] = {}
    for axis in axes:
        key, equals, values = axis.partition("=")
        listed = [value.strip() for value in values.split(",") if value.strip()]
        if not equals or not key.strip() or not listed:
            raise UsageError(f"--grid: {axis!r} is not of the form key=value,value, such as epochs=1,2,3")
        if key.strip() in parsed:
            raise UsageError(f"--grid: {key.strip()!r} is there twice")
        parsed[key.strip()] = listed
    return [dict(zip(parsed, values, strict=True)) for values in itertools.product(*parsed.values())]


def folder_of(combination: dict[str, str]) -> str:
    """The name of a run's folder: ``learning_rate=1e-6,epochs=2``, with the last part of each key."""
    return ",".join(f"{key.rsplit('.', 1)[-1]}={value}" for key, value in combination.items())


def run_grid(
    algorithm: str, recipe: str, changes: Sequence[str], axes: Sequence[str], out: Path, extra: Sequence[str]
) -> tuple[list[dict[str, Any]], bool]:
    """Run every combination in a process of its own, those that are done not again.

    A run that fails is in the table with its exit status, and the others go on. After a signal no other run
    begins. Gives the table's rows, and whether a signal stopped the grid.
    """
    rows = []
    stopped = False
    for combination in combinations(axes):
        folder = out / folder_of(combination)
        chosen = [f"{key}={value}" for key, value in combination.items()]
        line = [sys.executable, "-m", "rote", "train", algorithm, recipe, *changes, *chosen]
        line += ["--out", str(folder), *extra]
        if (folder / FILE).is_file():
            line.append("--resume")
        ended = run_child(line)
        rows.append({**combination, "status": ended.status, **_summary(folder)})
        if ended.stopped:
            stopped = True
            break
    _write(rows, out / "grid.csv")
    _draw(rows, list(combinations(axes)[0]), out)
    return rows, stopped


def _summary(folder: Path) -> dict[str, Any]:
    """The last value of what the last stage logged, and its gradient norm's mean and largest."""
    if not (folder / FILE).is_file():
        return {}
    stages = read_json(folder / FILE)["stages"]
    if not stages:
        return {}
    log = read_log(folder / list(stages)[-1])
    found: dict[str, Any] = {}
    for name in _LAST:
        values = [record[name] for record in log if record.get(name) is not None]
        if values:
            found[name] = values[-1]
    norms = [record["grad_norm"] for record in log if record.get("grad_norm") is not None]
    if norms:
        found |= {"grad_norm_mean": sum(norms) / len(norms), "grad_norm_max": max(norms)}
    return found


def _write(rows: Sequence[dict[str, Any]], path: Path) -> None:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, keys)
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(path)


def _draw(rows: Sequence[dict[str, Any]], axes: Sequence[str], out: Path) -> None:
    """Loss or reward, and the gradient norm, of every run by step: ``grid.png``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for row in rows:
        folder = out / folder_of({axis: row[axis] for axis in axes})
        stages = read_json(folder / FILE)["stages"] if (folder / FILE).is_file() else {}
        if not stages:
            continue
        log = read_log(folder / list(stages)[-1])
        for axis, names in ((left, ("reward", "loss")), (right, ("grad_norm",))):
            name = next((n for n in names if any(n in record for record in log)), None)
            points = [(r["step"], r[name]) for r in log if name and r.get(name) is not None]
            if points:
                axis.plot(*zip(*points, strict=True), label=folder.name, linewidth=1.2)
                axis.set_ylabel(name)
    for axis in (left, right):
        axis.set_xlabel("step")
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    if left.lines:
        left.legend(fontsize=7, frameon=False)
    figure.savefig(out / "grid.png", dpi=130)
