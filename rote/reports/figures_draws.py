"""Two more pictures of a report: the sets of draws beside the original, and what exchangeability expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rote.reports.fields import one_line
from rote.reports.figures import (
    INK,
    MUTED,
    RULE,
    SURFACE,
    VARIANT_STYLE,
    Picture,
    Rows,
    label_axis,
    picture,
    plain_axes,
    rows_picture,
    text_at,
)
from rote.reports.results import SeriesReport, VariantResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Most series in the picture of the null: each has a panel of its own.
_PANELS: Final = 6


def strip(series: Sequence[SeriesReport], *, name: str, narrow: bool = False) -> Picture | None:
    """Accuracy of each set of draws (a dot) beside that of the originals (a line); None without sets.

    Set i asks each template once, with its draw i, as GSM-Symbolic reports its sets.
    """
    chosen = [(s, [v for v in s.variants if v.sets is not None]) for s in series]
    if not any(variants for _, variants in chosen):
        return None

    def told(v: VariantResult) -> str:
        if narrow or v.sets is None:
            return ""
        spread = "" if v.sets.deviation is None else f" ± {100 * v.sets.deviation:.1f}"
        return f"{100 * v.sets.mean:.1f}{spread}"

    rows = Rows(chosen, across=(-2, 102), right=0.15 if narrow else 1.3, draw_row=_strip_row, told=told)
    axis = "accuracy of a set of draws, %; line: the originals"
    title = "Accuracy of each set of draws and of the originals"
    return rows_picture(rows, axis=axis, title=title, name=name, narrow=narrow)


def _strip_row(axes: Axes, result: VariantResult, y: float) -> None:
    if result.sets is None:
        return
    colour, marker = VARIANT_STYLE.get(result.variant, (INK, "o"))
    at = [100 * accuracy for accuracy in result.sets.accuracies]
    axes.plot(at, [y] * len(at), linestyle="none", marker=marker, markersize=4.5, zorder=3, alpha=0.8,
              markerfacecolor=colour, markeredgecolor=SURFACE, markeredgewidth=0.4)  # fmt: skip
    original = 100 * result.sets.original
    axes.plot([original, original], [y - 0.4, y + 0.4], color=INK, linewidth=1.6, zorder=2)


def null(series: Sequence[SeriesReport], *, name: str, narrow: bool = False) -> Picture | None:
    """How many originals would be right if they were exchangeable with their draws, and how many were.

    A panel for each of the first six series whose *numbers* were tested; None without any.
    """
    tested = [
        (s, v)
        for s in series
        for v in s.variants
        # where all are right, or none, there is one outcome and nothing to see
        if v.checks is not None and v.exchangeability is not None and len(v.checks.null.pmf) > 1
    ][:_PANELS]
    if not tested:
        return None
    width = 3.75 if narrow else 7.6
    panel, gap, top, bottom = 0.62, 0.42, 0.28, 0.5
    height = top + len(tested) * (panel + gap) - gap + bottom
    left, right = 0.15, 0.15

    def draw(figure: Figure) -> None:
        from matplotlib.ticker import MaxNLocator

        for i, (entry, v) in enumerate(tested):
            if v.checks is None or v.exchangeability is None:
                continue
            low = height - top - i * (panel + gap) - panel
            axes = figure.add_axes((left / width, low / height, 1 - (left + right) / width, panel / height))
            plain_axes(axes, grid="x")
            axes.set_yticks([])
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
            first, pmf = v.checks.null.first, v.checks.null.pmf
            seen = v.exchangeability.observed
            axes.bar(range(first, first + len(pmf)), pmf, width=0.9, color=MUTED, zorder=2)
            axes.axhline(0, color=RULE, linewidth=0.7)
            axes.plot(
                [seen, seen], [0, 1.15 * max(pmf)], color=VARIANT_STYLE["numbers"][0], linewidth=2, zorder=3
            )
            axes.set_ylim(0, 1.2 * max(pmf))
            axes.set_xlim(min(first, seen) - 1.5, max(first + len(pmf), seen) + 1.5)
            heading = one_line(f"{entry.label}: {v.variant}", 44 if narrow else 90)
            text_at(figure, 0.03 / width, (low + panel + 0.13) / height, heading, weight="bold", color=INK)
            if i == len(tested) - 1:
                label_axis(axes, x="originals right; bars: expected, line: observed")

    return picture(draw, width, height, name, "Right originals expected under exchangeability, and observed")
