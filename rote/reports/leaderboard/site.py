"""Write a leaderboard as a static site: whole or not at all, and only over another leaderboard."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from rote.errors import UsageError
from rote.reports.leaderboard import data, explorer, pictures
from rote.reports.leaderboard.board import Board, Row, result_of
from rote.reports.leaderboard.ranks import Rank
from rote.reports.sections import cost_section
from rote.reports.verdicts import CHANGE, NO_VALUE, badge, p_value, percent, points

#: Pairs that the explorer of a model offers for each variant.
SAMPLES: Final = 40
MARK: Final = '<meta name="generator" content="rote leaderboard">'

#: Everything from this site, nothing from elsewhere, nothing inline.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'"
)

#: Turns the flat records into the bytes of one more download.
Writer = Callable[[list[dict[str, Any]]], bytes]


def write_site(
    board: Board, out: Path, *, samples: int = SAMPLES, downloads: Mapping[str, Writer] | None = None
) -> Path:
    """Write the site into the folder ``out`` and return the path of its first page.

    ``samples`` bounds the pairs of texts a model and variant; ``downloads`` maps further file names to what
    makes their bytes. Raises :class:`UsageError` where ``out`` holds anything but a leaderboard of rote.
    """
    check_target(out)
    if samples < 0:
        raise UsageError(f"--samples is {samples}; it must be 0 or more")
    part = out.parent / f".{out.name}.{os.getpid()}.part"
    try:
        part.mkdir(parents=True)
        _write(board, part, samples, dict(downloads or {}))
        if out.exists():
            shutil.rmtree(out)
        part.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out / "index.html"


def check_target(out: Path) -> None:
    """``out`` may be new, empty, or a leaderboard that rote wrote; anything else is a :class:`UsageError`."""
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out} is a file; name a folder")
    index = out / "index.html"
    if any(out.iterdir()) and not (
        index.is_file() and MARK in index.read_text(encoding="utf-8", errors="replace")[:2048]
    ):
        raise UsageError(f"{out} is not empty and holds no leaderboard of rote; name another folder")


def _write(board: Board, out: Path, samples: int, downloads: dict[str, Writer]) -> None:
    environment = _environment()
    static = resources.files("rote.reports.leaderboard") / "static"
    for name in ("board.css", "board.js"):
        _put(out / name, (static / name).read_text(encoding="utf-8"))
    _put(out / "data" / "board.csv", data.to_csv(board))
    _put(out / "data" / "board.json", data.to_json(board))
    records = data.records(board)
    for name, make in sorted(downloads.items()):
        (out / "data" / name).write_bytes(make(records))
    names = ["board.csv", "board.json", *sorted(downloads)]
    _put(out / "index.html", _index(environment, board, names))
    page = environment.from_string((static / "model.html.j2").read_text(encoding="utf-8"))
    for row in board.rows:
        shards = explorer.make_shards(row, samples=samples)
        for name, text in shards.files.items():
            _put(out / "models" / row.slug / name, text)
        content = page.render(row=row, r=row.report, board=board, shards=shards, tasks=_tasks(row))
        _put(out / "models" / f"{row.slug}.html", content)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _environment() -> Any:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "badge": badge,
        "percent": percent,
        "points": points,
        "p_value": p_value,
    }
    environment.globals |= {
        "policy": POLICY, "mark": MARK, "no_value": NO_VALUE, "changes": CHANGE, "result_of": result_of,
        "k_of": k_of,
    }  # fmt: skip
    return environment


def k_of(row: Row) -> str:
    """Instances a template: "3", or "2 to 5" where variants differ."""
    each = sorted({round(v.accuracy.instances / v.accuracy.templates, 1) for v in row.report.variants})
    if not each:
        return NO_VALUE
    return f"{each[0]:g}" if len(each) == 1 else f"{each[0]:g} to {each[-1]:g}"


def _tasks(row: Row) -> list[tuple[str, str]]:
    return [(variant, ", ".join(names)) for variant, names in row.series.tasks.items()]


def _index(environment: Any, board: Board, downloads: Sequence[str]) -> str:
    static = resources.files("rote.reports.leaderboard") / "static"
    template = environment.from_string((static / "index.html.j2").read_text(encoding="utf-8"))
    drawn = [v for v in board.variants if any((x := result_of(r, v)) and x.drop for r in board.rows)]
    bars = []
    for source, filter_name, _ in board.ranked:
        rows = [r for r in board.rows if (r.report.source, r.report.filter) == (source, filter_name)]
        for title, of in (("accuracy on variants", _by_accuracy), ("drop", _by_drop)):
            picture = pictures.rank_bars([(r, k) for r in rows if (k := of(r))], f"Rank intervals by {title}")
            if picture:
                name = title if len(board.ranked) == 1 else f"{title}: {source}, filter {filter_name}"
                bars.append((name, picture))
    return str(
        template.render(
            board=board,
            downloads=downloads,
            sources=sorted({r.report.source for r in board.rows}),
            settings=sorted({r.report.setting for r in board.rows}),
            filters=sorted({r.report.filter for r in board.rows}),
            verdicts=sorted({c for r in board.rows for c in r.report.verdict.conclusions}),
            forests=[(v, pictures.forest(board.rows, v)) for v in drawn],
            scatters=[(v, pictures.scatter(board.rows, v)) for v in drawn],
            heat=pictures.heat(board.rows, drawn) if drawn else None,
            bars=bars,
            level=f"{100 * board.level:g} %",
            cost=cost_section(board.costs, board.price),
        )
    )


def _by_accuracy(row: Row) -> Rank | None:
    return row.by_accuracy


def _by_drop(row: Row) -> Rank | None:
    return row.by_drop
