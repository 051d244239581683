"""The pictures of the findings: a forest of drops, traps, and dose against response."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from findings_catalogue import Catalogue, row_of, trapped_of
from findings_logs import Cell, Collected
from findings_numbers import Dose

from rote.reports.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Wong's colours (doi:10.1038/nmeth.1618) and a marker each, by what is shown.
MEMORY: Final = "#D55E00"
CALM: Final = "#0072B2"
GREY: Final = "#6b7280"
#: Seeds are told apart by their marker.
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=130, metadata={"Software": None})
    return path


def _plain(axis: Axes) -> None:
    axis.grid(alpha=0.25)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)


def _marker(seed: int) -> str:
    return _MARKERS[seed % len(_MARKERS)]


def _offsets(count: int, width: float) -> list[float]:
    """``count`` places around 0, ``width`` apart, or less where they would leave their row."""
    width = min(width, 0.8 / max(1, count))
    return [width * (i - (count - 1) / 2) for i in range(count)]


def _whisker(
    axis: Axes, place: float, value: float, interval: Interval | None, colour: str, seed: int, *,
    upright: bool, filled: bool = True,
) -> None:  # fmt: skip
    """A point in % with its interval: along x at the height ``place``, or upright above it."""
    low, high = (value, value) if interval is None else (interval.low, interval.high)
    ends = [100 * low, 100 * high]
    line, point = ([place, place], ends), (place, 100 * value)
    if not upright:
        line, point = (line[1], line[0]), (point[1], point[0])
    axis.plot(*line, color=colour, linewidth=1.4, solid_capstyle="butt", zorder=2)
    axis.plot(
        *point,
        marker=_marker(seed),
        markersize=5,
        color=colour,
        markerfacecolor=colour if filled else "white",
        markeredgewidth=1.1,
        linestyle="none",
        zorder=3,
    )


def _seed_legend(figure: Figure, seeds: Sequence[int], extra: Sequence[tuple[str, str, bool]] = ()) -> None:
    """Below the panels: seeds by marker, and (label, colour, filled) of what colours and fillings say."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker=_marker(s), color=GREY, linestyle="none", markersize=5, label=f"seed {s}")
        for s in seeds
    ]
    handles += [
        Line2D([], [], marker="o", color=colour, markerfacecolor=colour if filled else "white",
               linestyle="-", linewidth=1.4, markersize=5, label=label)
        for label, colour, filled in extra
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(6, len(handles)), frameon=False, fontsize=8
    )


def _rows(axis: Axes, names: Sequence[str]) -> None:
    """Organisms from top to bottom on the y axis, with a band behind every other one."""
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    for i in range(0, len(names), 2):
        axis.axhspan(i - 0.5, i + 0.5, color="#f3f4f6", zorder=0)
    _plain(axis)
    axis.grid(visible=False, axis="y")
    axis.tick_params(axis="y", length=0)


def draw_forest(collected: Collected, catalogue: Catalogue, path: Path) -> Path | None:
    """Drops on numbers of all organisms, on the bank and on the known templates; None without any."""
    panels = [
        (source, title, [c for c in collected.cells if c.source == source and _numbers(c) is not None])
        for source, title in (("bank", "the bank"), ("known", "the known templates"))
    ]
    panels = [p for p in panels if p[2]]
    if not panels:
        return None
    names = [n for n in catalogue if any(c.organism == n for _, _, cells in panels for c in cells)]
    figure = _figure(10, 1.3 + 0.42 * len(names))
    axes = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
    for axis, (_, title, cells) in zip(axes, panels, strict=True):
        _rows(axis, names)
        axis.axvline(0, color="black", linewidth=0.8, zorder=1)
        for row, name in enumerate(names):
            mine = [c for c in cells if c.organism == name]
            for cell, shift in zip(mine, _offsets(len(mine), 0.24), strict=True):
                drop = _numbers(cell)
                says = "consistent with memorisation" in cell.report.verdict.conclusions
                if drop is not None:
                    _whisker(
                        axis, row + shift, drop[0], drop[1], MEMORY if says else CALM, cell.seed,
                        upright=False, filled=not drop[1].low <= 0 <= drop[1].high,
                    )  # fmt: skip
        axis.set_title(f"drop on numbers, {title}", fontsize=10, loc="left")
        axis.set_xlabel("points, 95 % interval", fontsize=8)
    _seed_legend(
        figure,
        sorted({c.seed for _, _, cells in panels for c in cells}),
        (
            ("called memorisation", MEMORY, True),
            ("not called so", CALM, True),
            ("interval contains 0", CALM, False),
        ),
    )
    return _save(figure, path)


def _numbers(cell: Cell) -> tuple[float, Interval] | None:
    row = row_of(cell.report, "numbers")
    return None if row is None or row.drop is None else (row.drop.estimate, row.drop.interval)


def draw_trapped(collected: Collected, path: Path) -> Path | None:
    """Shares of traps on the known templates, of the organisms made for it; None without any."""
    made_for_it = ("reasoner", "distractible", "counting", "trapped", "hardened", "grpo")
    cells = [
        c for c in collected.cells
        if c.source == "known" and c.organism in made_for_it and trapped_of(c.report) is not None
    ]  # fmt: skip
    if not cells:
        return None
    names = [n for n in made_for_it if any(c.organism == n for c in cells)]
    figure = _figure(7.5, 1.4 + 0.5 * len(names))
    axis = figure.subplots()
    _rows(axis, names)
    for row, name in enumerate(names):
        mine = [c for c in cells if c.organism == name]
        for cell, shift in zip(mine, _offsets(len(mine), 0.24), strict=True):
            rate = trapped_of(cell.report)
            if rate is not None:
                says = "distractible" in cell.report.verdict.conclusions
                colour = MEMORY if says else CALM
                _whisker(axis, row + shift, rate.estimate, rate.interval, colour, cell.seed, upright=False)
    for bound, text in ((5, "hardened: <"), (20, "distractible: ≥")):
        axis.axvline(bound, color=GREY, linewidth=0.9, linestyle="--", zorder=1)
        axis.text(bound, -0.55, f" {text} {bound} %", fontsize=7, color=GREY, ha="left", va="bottom")
    axis.set_xlim(left=-1)
    axis.set_xlabel(
        "answers that are traps, % of noop problems whose original was answered right, 95 % interval",
        fontsize=8,
    )
    _seed_legend(
        figure,
        sorted({c.seed for c in cells}),
        (("called distractible", MEMORY, True), ("not called so", CALM, True)),
    )
    return _save(figure, path)


def draw_dose(shares: Sequence[Dose], epochs: Sequence[Dose], path: Path) -> Path | None:
    """Dose against the drop on numbers and the accuracy on originals, a panel each; None without any drop."""
    panels = [
        (doses, label)
        for doses, label in (
            ([d for d in shares if d.drop is not None], "originals of the bank trained on, %"),
            ([d for d in epochs if d.drop is not None], "times that every original was seen"),
        )
        if doses
    ]
    if not panels:
        return None
    figure = _figure(4.9 * len(panels), 3.9)
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axis, (doses, label) in zip(axes, panels, strict=True):
        _dose_panel(axis, doses, share=doses[0] in shares and label.endswith("%"))
        axis.set_xlabel(label, fontsize=8)
    axes[0].set_ylabel("% and points, 95 % interval", fontsize=8)
    seeds = sorted({d.seed for doses, _ in panels for d in doses})
    _seed_legend(
        figure,
        seeds,
        (
            ("accuracy on originals", CALM, True),
            ("drop on numbers", MEMORY, True),
            ("memorisation not said", MEMORY, False),
        ),
    )
    return _save(figure, path)


def _dose_panel(axis: Axes, doses: Sequence[Dose], *, share: bool) -> None:
    """One dose series. Shares lie on a scale; repetitions, which double, are evenly spaced."""
    _plain(axis)
    levels = sorted({d.dose for d in doses})
    place = {d: 100 * d if share else float(i) for i, d in enumerate(levels)}
    width = 2.3 if share else 0.12
    axis.axhline(0, color="black", linewidth=0.8, zorder=1)
    for dose in levels:
        mine = [d for d in doses if d.dose == dose]
        for d, shift in zip(mine, _offsets(len(mine), width), strict=True):
            if d.originals is not None:
                _whisker(axis, place[dose] + shift, d.originals.estimate, None, CALM, d.seed, upright=True)
            if d.drop is not None:
                _whisker(
                    axis, place[dose] + shift, d.drop.estimate, d.drop.interval, MEMORY, d.seed,
                    upright=True, filled=d.says,
                )  # fmt: skip
    for colour, values in (
        (CALM, {d: [x.originals.estimate for x in doses if x.dose == d and x.originals] for d in levels}),
        (MEMORY, {d: [x.drop.estimate for x in doses if x.dose == d and x.drop] for d in levels}),
    ):
        means = [(place[d], 100 * sum(v) / len(v)) for d, v in values.items() if v]
        axis.plot(*zip(*means, strict=True), color=colour, linewidth=1, alpha=0.5, zorder=1)
    axis.set_xticks([place[d] for d in levels], [f"{100 * d if share else d:g}" for d in levels])
    axis.set_ylim(top=104)
