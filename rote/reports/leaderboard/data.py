"""The leaderboard's data for download: a record for each row and variant, as CSV and as JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from typing import Any, Final

from rote.reports.leaderboard.board import UNRANKED, Board, Row
from rote.reports.leaderboard.ranks import Rank
from rote.reports.report import VariantResult

SCHEMA: Final = "rote.leaderboard/1"

#: Beginnings of a cell that a spreadsheet would calculate.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def records(board: Board) -> list[dict[str, Any]]:
    """Flat records, all with the same keys; fractions in [0, 1], drops in [-1, 1], null where not told."""
    return [_record(board, row, v) for row in board.rows for v in row.report.variants]


def _rank(rank: Rank | None, name: str) -> dict[str, Any]:
    return {
        f"{name}_rank": rank.place if rank else None,
        f"{name}_rank_low": rank.low if rank else None,
        f"{name}_rank_high": rank.high if rank else None,
        f"{name}_tie_class": rank.tie_class if rank else None,
    }


def _record(board: Board, row: Row, v: VariantResult) -> dict[str, Any]:
    r, drop = row.report, v.drop
    return {
        "model": r.label,
        "page": f"models/{row.slug}.html",
        "backend": r.backend,
        "setting": r.setting,
        "filter": r.filter,
        "source": r.source,
        "verdict": "; ".join(r.verdict.conclusions),
        **_rank(row.by_accuracy, "accuracy"),
        **_rank(row.by_drop, "drop"),
        "robust_accuracy": row.robust_accuracy,
        "mean_drop": row.mean_drop,
        "variant": v.variant,
        "ranked": v.variant not in UNRANKED
        and any(v.variant in names for s, f, names in board.ranked if (s, f) == (r.source, r.filter)),
        "original_accuracy": v.original_accuracy.estimate if v.original_accuracy else None,
        "accuracy": v.accuracy.estimate,
        "accuracy_low": v.accuracy.interval.low if v.accuracy.interval else None,
        "accuracy_high": v.accuracy.interval.high if v.accuracy.interval else None,
        "drop": drop.estimate if drop else None,
        "drop_low": drop.interval.low if drop else None,
        "drop_high": drop.interval.high if drop else None,
        "templates": drop.templates if drop else 0,
        "instances": v.accuracy.instances,
        "p_exchangeable": v.exchangeability.p_mid if v.exchangeability else None,
        "trapped": v.trapped.estimate if v.trapped else None,
        "invalid": v.invalid.estimate if v.invalid else None,
        "lost": v.lost,
        "won": v.won,
        "reason": v.reason,
    }


def to_json(board: Board) -> str:
    """Schema, versions, tasks with the hashes of their documents, and the records."""
    content = {
        "schema": SCHEMA,
        "rote_version": board.rote_version,
        "level": board.level,
        "ranked_variants": [{"source": s, "filter": f, "variants": v} for s, f, v in board.ranked],
        "tasks": [
            {"task": t.name, "version": t.version, "source": t.source, "documents": t.documents}
            for t in board.tasks
        ],
        "price_per_gpu_hour": board.price,
        "costs": [dataclasses.asdict(cost) for cost in board.costs],
        "warnings": board.warnings,
        "rows": records(board),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(board: Board) -> str:
    """The records; a text that a spreadsheet would take for a formula is led by an apostrophe."""
    rows = records(board)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        writer.writerow(["" if v is None else _cell(v) for v in row.values()])
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
