"""The leaderboard's pictures as inline SVG: classes for colours (the style sheet's), no style attribute.

Drawn by hand and not by matplotlib: hundreds of rows times variants take milliseconds, text stays text in the
page's own font, and light, dark and print come from the page's style.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from rote.reports.fields import one_line
from rote.reports.leaderboard.board import Row, result_of
from rote.reports.leaderboard.ranks import Rank
from rote.reports.verdicts import points

ROW: Final = 20
NAME: Final = 175
WIDTH: Final = 700

#: Upper ends, in points, of the classes of the heat map; the last is open. Class 3 holds 0.
STEPS: Final = (-10.0, -5.0, -2.0, 2.0, 5.0, 10.0, 20.0, 40.0)


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    head = f'<svg class="picture" viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img">'
    return f"{head}<title>{escape(title)}</title>{''.join(parts)}</svg>"


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _name(row: Row) -> str:
    return one_line(row.report.label, 25)


def forest(rows: Sequence[Row], variant: str) -> str | None:
    """Drops on one variant with intervals, in the table's order; filled where the interval excludes 0."""
    found = [(row, v.drop) for row in rows if (v := result_of(row, variant)) and v.drop]
    if not found:
        return None
    low = min(0.0, *(100 * d.interval.low for _, d in found)) - 1
    high = max(0.0, *(100 * d.interval.high for _, d in found)) + 1
    left, right = NAME + 10, WIDTH - 130

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    bottom = ROW * len(found) + 8
    parts = []
    for tick in ticks(low, high):
        parts.append(_line(x(tick), 4, x(tick), bottom, "zero" if tick == 0 else "grid"))
        parts.append(
            _text(x(tick), bottom + 16, f"{tick:g}".replace("-", "\N{MINUS SIGN}"), "muted", "middle")
        )
    for i, (row, d) in enumerate(found):
        y = ROW * i + 16
        sure = d.interval.low > 0 or d.interval.high < 0
        parts.append(_text(NAME, y + 4, _name(row), "", "end"))
        parts.append(_line(x(100 * d.interval.low), y, x(100 * d.interval.high), y, "bar"))
        parts.append(
            f'<circle cx="{x(100 * d.estimate):.1f}" cy="{y}" r="4.5" class="{"dot" if sure else "ring"}"/>'
        )
        span = f"{points(d.estimate)} [{points(d.interval.low)}, {points(d.interval.high)}]"
        parts.append(_text(WIDTH - 4, y + 4, span, "", "end"))
    parts.append(_text((left + right) / 2, bottom + 34, "drop in percentage points", "muted", "middle"))
    return _svg(WIDTH, bottom + 42, f"Drop on {variant} of each model with its interval", parts)


def scatter(rows: Sequence[Row], variant: str) -> str | None:
    """Accuracy on one variant against accuracy on its originals; the number is the row of the table."""
    found = [
        (i, row, v.original_accuracy.estimate, v.accuracy.estimate)
        for i, row in enumerate(rows, start=1)
        if (v := result_of(row, variant)) and v.drop and v.original_accuracy
    ]
    if not found:
        return None
    side, left, top = 400.0, 50.0, 10.0

    def x(value: float) -> float:
        return left + side * value

    def y(value: float) -> float:
        return top + side * (1 - value)

    parts = []
    for tick in (0, 25, 50, 75, 100):
        at = tick / 100
        parts += [_line(x(at), y(0), x(at), y(1), "grid"), _line(x(0), y(at), x(1), y(at), "grid")]
        parts.append(_text(x(at), y(0) + 16, str(tick), "muted", "middle"))
        parts.append(_text(left - 6, y(at) + 4, str(tick), "muted", "end"))
    parts.append(_line(x(0), y(0), x(1), y(1), "zero"))
    for i, row, before, after in found:
        tip = f"{i}. {row.report.label}: {points(before)} % on originals, {points(after)} % on {variant}"
        dot = f'<circle cx="{x(before):.1f}" cy="{y(after):.1f}" r="5" class="point">'
        parts.append(f"{dot}<title>{escape(tip)}</title></circle>")
        if len(found) <= 40:
            parts.append(_text(x(before) + 7, y(after) + 4, str(i), "small"))
    parts.append(_text(x(0.5), top + side + 36, "accuracy on originals, %", "muted", "middle"))
    turned = (
        f'<text transform="translate(12 {top + side / 2:g}) rotate(-90)" class="muted" text-anchor="middle">'
    )
    parts.append(f"{turned}accuracy on {escape(variant)}, %</text>")
    return _svg(left + side + 30, top + side + 44, f"Accuracy on {variant} against originals", parts)


def heat(rows: Sequence[Row], variants: Sequence[str]) -> str:
    """Model x variant, the drop in points as number and colour."""
    cell, head = 62.0, 92.0
    width = NAME + 10 + cell * len(variants) + 50
    parts = []
    for j, variant in enumerate(variants):
        at = f"translate({NAME + 10 + cell * (j + 0.5):g} {head - 8:g}) rotate(-40)"
        parts.append(f'<text transform="{at}">{escape(variant)}</text>')
    for i, row in enumerate(rows):
        y = head + ROW * i
        parts.append(_text(NAME, y + 14, _name(row), "", "end"))
        for j, variant in enumerate(variants):
            result = result_of(row, variant)
            x = NAME + 10 + cell * j
            if result is None or result.drop is None:
                parts.append(_text(x + cell / 2, y + 14, "\N{EN DASH}", "muted", "middle"))
                continue
            value = 100 * result.drop.estimate
            step = sum(value > s for s in STEPS)
            parts.append(
                f'<rect x="{x:g}" y="{y:g}" width="{cell - 1:g}" height="{ROW - 1}" class="h{step}"/>'
            )
            parts.append(_text(x + cell / 2, y + 14, points(result.drop.estimate), "", "middle"))
    return _svg(width, head + ROW * len(rows) + 6, "Drop in points of each model on each variant", parts)


def rank_bars(ranked: Sequence[tuple[Row, Rank]], title: str) -> str | None:
    """Each model's rank as a dot on the interval of its rank."""
    if not ranked:
        return None
    ordered = sorted(ranked, key=lambda pair: (pair[1].place, pair[0].report.label))
    left, right, most = NAME + 20.0, WIDTH - 70.0, max(r.models for _, r in ranked)

    def x(place: float) -> float:
        return left + (place - 1) / max(1, most - 1) * (right - left)

    bottom = ROW * len(ordered) + 8
    parts = []
    for tick in sorted({1, most, *(int(t) for t in ticks(1, most) if t >= 1 and t == int(t))}):
        parts.append(_line(x(tick), 4, x(tick), bottom, "grid"))
        if tick in (1, most) or (tick - 1 > most / 20 and most - tick > most / 20):
            parts.append(_text(x(tick), bottom + 16, str(tick), "muted", "middle"))
    for i, (row, r) in enumerate(ordered):
        y = ROW * i + 16
        parts.append(_text(NAME, y + 4, _name(row), "", "end"))
        parts.append(_line(x(r.low), y, x(r.high), y, "bar wide"))
        parts.append(f'<circle cx="{x(r.place):.1f}" cy="{y}" r="4.5" class="dot"/>')
        parts.append(_text(WIDTH - 4, y + 4, f"{r.low}\N{EN DASH}{r.high}", "", "end"))
    return _svg(WIDTH, bottom + 24, title, parts)


def ticks(low: float, high: float) -> list[float]:
    """Round values in [low, high], about 6 of them."""
    span = max(high - low, 1e-9)
    step = next((s for s in (1, 2, 5, 10, 20, 25, 50, 100, 200, 500) if span / s <= 7), 1000)
    first = int(-(-low // step))
    return [float(step * i) for i in range(first, int(high // step) + 1)]
