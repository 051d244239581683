"""The pictures of a report, drawn by matplotlib and made fit for a page: inline SVG without any style
attribute (a strict content-security policy forbids those), coloured through CSS variables so that
they follow light and dark, with text left as text, and the same bytes every time.

Colours are Okabe & Ito's (2008), distinguishable under the common colour-vision deficiencies; every
colour comes with a marker shape of its own.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from rote.reports.fields import one_line
from rote.reports.results import SeriesReport, VariantResult
from rote.reports.verdicts import points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SVG: Final = "{http://www.w3.org/2000/svg}"
_XLINK: Final = "{http://www.w3.org/1999/xlink}"

# Stand-ins that matplotlib can parse and that nothing else uses; the page gives them their colours.
INK, MUTED, RULE, SURFACE = "#010101", "#020202", "#030303", "#040404"
_THEME: Final = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", SURFACE: "var(--surface)"}

#: (colour, marker) in the order they are handed out. Orange and sky blue are darkened a little on
#: light pages by the page itself, for contrast.
PALETTE: Final = (
    ("#0072b2", "o"),
    ("#d55e00", "s"),
    ("#009e73", "^"),
    ("#cc79a7", "D"),
    ("#e69f00", "v"),
    ("#56b4e9", "P"),
    (INK, "X"),
)
VARIANT_STYLE: Final = {
    "names": PALETTE[0],
    "numbers": PALETTE[1],
    "symbolic": PALETTE[3],
    # One clause has one shape, two another; without a number there is no colour, and where names and numbers
    # change too, the colour is theirs.
    "noop": PALETTE[4],
    "noop2": (PALETTE[4][0], "*"),
    "noop_control": (MUTED, PALETTE[4][1]),
    "symbolic_noop": (PALETTE[3][0], PALETTE[4][1]),
    "p1": PALETTE[2],
    "p2": PALETTE[5],
}
_CSS_COLOURS: Final = {colour: f"var(--c{i})" for i, (colour, _) in enumerate(PALETTE) if colour != INK}


@dataclass(frozen=True, slots=True)
class Picture:
    """``svg`` to be put into a page as it is, and ``css`` with the classes that it uses."""

    svg: str
    css: str


def forest(series: Sequence[SeriesReport], *, name: str, narrow: bool = False) -> Picture | None:
    """Drops in points with their intervals, a row for each model and variant; None without any drop.

    A filled marker stands where the interval excludes 0, a hollow one where it does not.
    """
    chosen = [(s, [v for v in s.variants if v.drop is not None]) for s in series]
    drops = [v.drop for _, variants in chosen for v in variants if v.drop is not None]
    if not drops:
        return None
    ends = [100 * e for d in drops for e in (d.interval.low, d.interval.high)]
    pad = 0.04 * (max(*ends, 0) - min(*ends, 0)) + 0.5

    def told(v: VariantResult) -> str:
        if v.drop is None:
            return ""
        estimate = points(v.drop.estimate)
        low, high = points(v.drop.interval.low), points(v.drop.interval.high)
        return estimate if narrow else f"{estimate}  [{low}, {high}]"

    def behind(axes: Axes, first: float, last: float) -> None:
        axes.plot([0, 0], [first - 0.6, last + 0.6], color=INK, linewidth=1, zorder=1)

    rows = Rows(chosen, across=(min(*ends, 0) - pad, max(*ends, 0) + pad), right=0.5 if narrow else 1.55,
                draw_row=_forest_row, told=told, behind=behind)  # fmt: skip
    title = "Drop of each model and variant with its confidence interval"
    axis = "drop in points" if narrow else "drop, originals minus variants, in percentage points"
    return rows_picture(rows, axis=axis, title=title, name=name, narrow=narrow)


@dataclass(frozen=True, slots=True)
class Rows:
    """A picture with a row for each variant of each series, under the heading of its series.

    ``across`` are the ends of the axis; ``right`` is the room for ``told``, the text at the end of a row, in
    inches. ``draw_row`` draws a variant at a height; ``behind``, where given, draws what stands behind the
    rows of a series, from the first height to the last.
    """

    entries: Sequence[tuple[SeriesReport, Sequence[VariantResult]]]
    across: tuple[float, float]
    right: float
    draw_row: Callable[[Axes, VariantResult, float], None]
    told: Callable[[VariantResult], str]
    behind: Callable[[Axes, float, float], None] | None = None


def rows_picture(rows: Rows, *, axis: str, title: str, name: str, narrow: bool) -> Picture:
    """Draw rows; series without any are left out."""
    entries = [(s, variants) for s, variants in rows.entries if variants]
    lines = sum(1.75 + len(variants) for _, variants in entries)
    width, row = (3.75, 0.2) if narrow else (7.6, 0.21)
    top, bottom = 0.08, 0.5
    height = top + bottom + row * lines
    left = 1.1 if narrow else 1.5

    def draw(figure: Figure) -> None:
        axes = figure.add_axes(
            (left / width, bottom / height, 1 - (left + rows.right) / width, row * lines / height)
        )
        plain_axes(axes, grid="x")
        axes.set_ylim(lines, 0)
        axes.set_xlim(*rows.across)
        y = 0.0
        for entry, variants in entries:
            heading = one_line(entry.label, 44 if narrow else 80)
            backing = {"facecolor": SURFACE, "edgecolor": "none", "pad": 2}
            at = from_top(y + 0.45, row, top, height)
            text_at(figure, 0.03 / width, at, heading, weight="bold", color=INK, bbox=backing)
            y += 1.5
            if rows.behind is not None:
                rows.behind(axes, y, y + len(variants) - 1)
            for v in variants:
                rows.draw_row(axes, v, y)
                at = from_top(y, row, top, height)
                text_at(figure, (left - 0.08) / width, at, v.variant, ha="right", color=INK)
                if told := rows.told(v):
                    text_at(figure, 1 - 0.02 / width, at, told, ha="right", color=INK)
                y += 1
            y += 0.25
        axes.set_yticks([])
        label_axis(axes, x=axis)

    return picture(draw, width, height, name, title)


def from_top(y: float, row: float, top: float, height: float) -> float:
    """Height on the figure, 0 to 1 from below, of row coordinate ``y`` counted from above."""
    return 1 - (top + row * y) / height


def _forest_row(axes: Axes, result: VariantResult, y: float) -> None:
    if result.drop is None:
        return
    colour, marker = VARIANT_STYLE.get(result.variant, (INK, "o"))
    low, high = 100 * result.drop.interval.low, 100 * result.drop.interval.high
    axes.plot([low, high], [y, y], color=colour, linewidth=2, solid_capstyle="round", zorder=2)
    excludes_zero = result.drop.interval.low > 0 or result.drop.interval.high < 0
    axes.plot([100 * result.drop.estimate], [y], linestyle="none", marker=marker, markersize=6.5, zorder=3,
              markerfacecolor=colour if excludes_zero else SURFACE, markeredgecolor=colour,
              markeredgewidth=1.5)  # fmt: skip


def scatter(series: Sequence[SeriesReport], *, name: str, narrow: bool = False) -> Picture | None:
    """Accuracy on variants against accuracy on their originals, a panel for each variant.

    Bars are the intervals of the two accuracies; below the diagonal the variants are answered worse.
    """
    shown = [v for v in VARIANT_STYLE if any(r.variant == v and r.drop for s in series for r in s.variants)]
    if not shown:
        return None
    columns = min(len(shown), 2 if narrow else 3)
    lines = -(-len(shown) // columns)
    width = 3.75 if narrow else 7.6
    legend_rows = len(series)
    left, right, gap, top = 0.5, 0.08, 0.16, 0.22
    side = (
        (width - left - right - gap * (columns - 1)) / columns
        if columns > 1
        else min(3.2, width - left - right)
    )
    across = 1 if narrow else 2
    legend = 0.19 * (-(-legend_rows // across)) + 0.06
    below = 0.5 + legend
    height = lines * (side + top) + below + 0.02

    def draw(figure: Figure) -> None:
        for i, variant in enumerate(shown):
            column, line = i % columns, i // columns
            x = left + column * (side + gap)
            y = height - (line + 1) * (side + top)
            axes = figure.add_axes((x / width, y / height, side / width, side / height))
            lowest_in_column = i + columns >= len(shown)
            _panel(axes, series, variant, bottom=lowest_in_column, first=column == 0)
            text_at(figure, (x + 0.02) / width, (y + side + 0.1) / height, variant, weight="bold", color=INK)
        middle = (left + (columns * (side + gap) - gap) / 2) / width
        text_at(figure, middle, (below - 0.42) / height, "accuracy on originals, %", ha="center", color=MUTED)
        upright = text_at(figure, 0.1 / width, (below + height) / 2 / height, "accuracy on variants, %",
                        ha="center", color=MUTED)  # fmt: skip
        upright.set_rotation(90)
        keys = figure.add_axes((0, 0, 1, legend / height))
        keys.set_axis_off()
        keys.set_xlim(0, width)
        keys.set_ylim(legend, 0)
        for i, entry in enumerate(series):
            colour, marker = _series_style(i)
            x, y = left + (i % across) * (width - left) / across, 0.1 + 0.19 * (i // across)
            keys.plot([x], [y], linestyle="none", marker=marker, markersize=6, color=colour, clip_on=False)
            text_at(figure, (x + 0.12) / width, (legend - y) / height, one_line(entry.label, 44), color=INK)

    return picture(
        draw, width, height, name, "Accuracy on variants against accuracy on originals, by variant"
    )


def _series_style(index: int) -> tuple[str, str]:
    """Colour and marker of the index-th series: colours repeat after 7, pairs only after 49."""
    colour = PALETTE[index % len(PALETTE)][0]
    marker = PALETTE[(index + index // len(PALETTE)) % len(PALETTE)][1]
    return colour, marker


def _panel(axes: Axes, series: Sequence[SeriesReport], variant: str, *, bottom: bool, first: bool) -> None:
    plain_axes(axes, grid="both")
    axes.set_xlim(-4, 104)
    axes.set_ylim(-4, 104)
    ticks = [0, 25, 50, 75, 100]
    axes.set_xticks(ticks, [str(t) for t in ticks] if bottom else [])
    axes.set_yticks(ticks, [str(t) for t in ticks] if first else [])
    axes.plot([0, 100], [0, 100], color=MUTED, linewidth=1, dashes=(3, 2), zorder=1)
    for i, entry in enumerate(series):
        for r in entry.variants:
            if r.variant != variant or r.drop is None or r.original_accuracy is None:
                continue
            colour, marker = _series_style(i)
            x, y = 100 * r.original_accuracy.estimate, 100 * r.accuracy.estimate
            if (across := r.original_accuracy.interval) is not None:
                axes.plot(
                    [100 * across.low, 100 * across.high], [y, y], color=colour, linewidth=1.2, zorder=2
                )
            if (up := r.accuracy.interval) is not None:
                axes.plot([x, x], [100 * up.low, 100 * up.high], color=colour, linewidth=1.2, zorder=2)
            axes.plot([x], [y], linestyle="none", marker=marker, markersize=6.5, zorder=3 + i,
                      markerfacecolor=colour, markeredgecolor=SURFACE, markeredgewidth=0.8)  # fmt: skip


# --- matplotlib, tamed -----------------------------------------------------------------------------


def plain_axes(axes: Axes, *, grid: Any) -> None:
    axes.set_facecolor("none")
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.grid(axis=grid, color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=8, labelcolor=MUTED, pad=3)


def label_axis(axes: Axes, *, x: str) -> None:
    axes.set_xlabel(x, fontsize=8, color=MUTED, labelpad=5)


def text_at(figure: Figure, x: float, y: float, text: str, **style: Any) -> Any:
    # parse_math off: a "$" in a model's name is a dollar sign.
    return figure.text(x, y, text, fontsize=8, va="center_baseline", parse_math=False, **style)


def picture(draw: Any, width: float, height: float, name: str, title: str) -> Picture:
    """Run ``draw`` on a figure of ``width`` x ``height`` inches; ``name`` prefixes ids and classes."""
    import io

    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # a user's matplotlibrc must not change a report
        matplotlib.rcParams["svg.hashsalt"] = "rote"
        matplotlib.rcParams["svg.fonttype"] = "none"
        matplotlib.rcParams["font.family"] = ["DejaVu Sans"]
        # Names in scripts that matplotlib's font lacks are drawn by the browser, with its own fonts.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        figure = Figure(figsize=(width, height))
        figure.patch.set_visible(False)
        FigureCanvasSVG(figure)
        draw(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _for_page(buffer.getvalue(), name, title)


def _for_page(text: str, name: str, title: str) -> Picture:
    """Unique ids, classes in place of style attributes, theme colours, a title; no metadata."""
    root = ElementTree.fromstring(text)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style") or not isinstance(child.tag, str):
                parent.remove(child)
    classes: dict[str, str] = {}
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "style":
                del element.attrib[key]
                element.set("class", classes.setdefault(value, f"{name}-{len(classes)}"))
            elif key == "id":
                if element.tag in (f"{_SVG}g", f"{_SVG}svg"):
                    del element.attrib[key]  # nothing refers to groups
                else:
                    element.set(key, f"{name}-{value}")
            elif key.startswith(_XLINK):
                del element.attrib[key]
                element.set("href", value.replace("#", f"#{name}-", 1))
            elif value.startswith("url(#"):
                element.set(key, value.replace("url(#", f"url(#{name}-", 1))
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    heading = ElementTree.Element(f"{_SVG}title", {"id": f"{name}-title"})
    heading.text = title
    root.insert(0, heading)
    ElementTree.register_namespace("", _SVG[1:-1])
    svg = ElementTree.tostring(root, encoding="unicode")
    css = "".join(f".{cls}{{{_themed(style)}}}\n" for style, cls in classes.items())
    return Picture(svg, css)


_FONT: Final = re.compile(r"font: ((?:bold |\d+ )?[\d.]+px) [^;]*")


def _themed(style: str) -> str:
    for colour, variable in {**_THEME, **_CSS_COLOURS}.items():
        style = style.replace(colour, variable)
    return _FONT.sub(r"font: \1 var(--sans)", style)
