"""The pictures of a stage's log: loss or reward, gradient norm, and the probe through training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rote.train.monitor import read_log

FILE: Final = "curves.png"
#: What each panel shows, by the names in the log; a panel without data is left out.
_PANELS: Final = (
    ("loss", ("loss", "policy_loss", "value_loss"), "loss"),
    ("reward", ("reward",), "reward"),
    ("reward terms", ("rewards/",), "mean of the term"),
    ("gradient norm", ("grad_norm",), "norm before clipping"),
    ("probe", ("probe/",), "accuracy (drop: original − variants)"),
    ("length of responses", ("completions/mean_length",), "tokens"),
    ("without spread or cut off", ("frac_reward_zero_std", "completions/clipped_ratio"), "share"),
    ("KL divergence", ("kl",), "nats a token"),
)
#: Names in the log that say little to a reader.
_LABELS: Final = {
    "completions/clipped_ratio": "responses cut off",
    "frac_reward_zero_std": "groups without spread",
    "policy_loss": "policy",
    "value_loss": "value",
}
#: Wong's colours (doi:10.1038/nmeth.1618), told apart by the colour-blind.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def series(log: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, list[tuple[int, float]]]:
    """(step, value) by name; a name that ends in ``/`` stands for all below it (of terms, their means)."""
    found: dict[str, list[tuple[int, float]]] = {}
    for record in log:
        for key, value in record.items():
            below = any(key.startswith(name) for name in names if name.endswith("/"))
            if key.endswith("/std") or not (key in names or below) or value is None:
                continue
            found.setdefault(key, []).append((record["step"], value))
    return found


def _label(name: str) -> str:
    """What a line is called in a legend."""
    if name in _LABELS:
        return _LABELS[name]
    return name.removeprefix("probe/").removeprefix("rewards/").removesuffix("/mean")


def draw_curves(folder: Path) -> Path | None:
    """Draw ``curves.png`` from a stage's log; None where there is nothing to draw."""
    log = read_log(folder)
    panels = [(title, series(log, names), label) for title, names, label in _PANELS]
    panels = [panel for panel in panels if panel[1]]
    if not panels:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    rows = (len(panels) + 1) // 2
    figure = Figure(figsize=(11, 2.9 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 2, squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (title, lines, label) in zip(axes.flat, panels, strict=False):
        for number, (name, points) in enumerate(sorted(lines.items())):
            steps, values = zip(*points, strict=True)
            axis.plot(
                steps,
                values,
                color=_COLOURS[number % len(_COLOURS)],
                # Where colours come again, the dashes tell them apart.
                linestyle=("-", "--", ":")[number // len(_COLOURS) % 3],
                label=_label(name),
                marker="o" if len(points) < 40 else None,
                markersize=3,
                linewidth=1.3,
            )
        axis.set_title(title, fontsize=10, loc="left")
        axis.set_xlabel("step", fontsize=8)
        axis.set_ylabel(label, fontsize=8)
        axis.tick_params(labelsize=8)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        if len(lines) > 1:
            axis.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    path = folder / FILE
    partial = path.with_name("curves.partial.png")
    figure.savefig(partial, dpi=130)
    partial.replace(path)
    return path
