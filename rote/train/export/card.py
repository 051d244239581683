"""The card of an exported model: what is known of it, and no claim that was not measured."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jinja2

from rote.errors import DataError
from rote.train.wholeness import read_any_json, read_json

#: What ``rote report --out …json`` writes begins with this.
_SCHEMA: Final = "rote.report/"
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|#])")
_TEMPLATE: Final = Path(__file__).with_name("card.md.j2")


def render_card(facts: Mapping[str, Any]) -> str:
    """The card as Markdown, of the names that ``card.md.j2`` uses."""
    # Markdown, not HTML: the filters below escape what is from elsewhere.
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters |= {"cell": escape, "prose": escape, "json": json.dumps}
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(facts)


def escape(value: object) -> str:
    """Text on one line in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", " ".join(str(value).split()))


def scalars(content: Mapping[str, Any], *, prefix: str = "", depth: int = 2) -> list[tuple[str, str]]:
    """The numbers, words and short lists of a table, and of tables in it, as (name, text), in its order.

    Paths of folders are left out: they tell of the machine.
    """
    found: list[tuple[str, str]] = []
    for key, value in content.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            if depth > 1:
                found += scalars(value, prefix=f"{name}: ", depth=depth - 1)
        elif isinstance(value, list | tuple):
            plain = [each for each in value if isinstance(each, str | int | float)]
            if value and len(plain) == len(value) <= 12 and not any(map(_is_path, plain)):
                found.append((name, ", ".join(_word(each) for each in plain)))
        elif isinstance(value, str | int | float) and value != "" and not _is_path(value):
            found.append((name, _word(value)))
    return found


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and (value.startswith(("/", "~", "./", "../")) or "\\" in value)


def run_facts(stage: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a run's manifest says of the last stage, as far as a reader of the card wants it."""
    wanted = ("algorithm", "steps", "rows", "tokens", "prompts", "too_long", "rows_hash", "cost")
    return scalars({name: stage[name] for name in wanted if name in stage})


def read_certificate(path: Path) -> dict[str, Any]:
    """A certificate of training data. Raises DataError where it is none."""
    return read_json(path)


def read_report(path: Path) -> dict[str, Any]:
    """The table of a report: rows of (model, variant, original, accuracy, drop, finding), warnings, level.

    ``path`` is ``report.json`` or a folder that holds it. Raises DataError where that is no report of rote.
    """
    file = path / "report.json" if path.is_dir() else path
    if not file.is_file():
        raise DataError(
            "no such file; `rote report LOGS --out report.json` writes one", path=file, field="--report"
        )
    content = read_any_json(file)
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, str) or not schema.startswith(_SCHEMA):
        raise DataError(f"is no report of rote: its schema is {schema!r}", path=file, field="schema")
    try:
        rows = [_row(series, variant) for series in content["series"] for variant in series["variants"]]
        used = {v["drop"]["templates"] for s in content["series"] for v in s["variants"] if v["drop"]}
        level, warnings = float(content["level"]), [str(each) for each in content["warnings"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"cannot be read as a report ({type(error).__name__}: {error}); schema {schema}", path=file
        ) from None
    if not rows:
        raise DataError("has no row: nothing was evaluated", path=file, field="series")
    counts = "–".join(str(n) for n in sorted({min(used), max(used)})) if used else "no"
    return {
        "rows": rows,
        "level": f"{level:.0%}",
        "warnings": warnings,
        "templates": f"{counts} paired templates, schema {schema}",
    }


def _row(series: Mapping[str, Any], variant: Mapping[str, Any]) -> list[str]:
    return [
        str(series["label"]),
        str(variant["variant"]),
        _points(variant["original_accuracy"] or series["original"]),
        _points(variant["accuracy"]),
        _points(variant["drop"]),
        str(variant["finding"]["kind"]),
    ]


def _points(rate: Mapping[str, Any] | None) -> str:
    """A share as ``64.0 [58.1, 69.6]``, in points of 100; a dash where there is none."""
    if rate is None:
        return "–"
    text, interval = f"{100 * float(rate['estimate']):.1f}", rate["interval"]
    return text if interval is None else f"{text} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"
