"""The pictures of a log: which lines they hold, and that a picture is drawn."""

from __future__ import annotations

import json
from pathlib import Path

from rote.train.curves import FILE, draw_curves, series
from rote.train.monitor import LOG

LINES = [
    {"step": 1, "loss": 2.0, "reward": 0.1, "rewards/format/mean": 0.2, "rewards/format/std": 0.4},
    {"step": 2, "loss": None, "reward": 0.3, "rewards/format/mean": 0.5, "rewards/format/std": 0.5},
    {"step": 2, "probe/original": 0.5, "probe/drop": 0.25},
]


def test_lines_by_name_without_spreads_and_without_what_is_no_number() -> None:
    assert series(LINES, ("loss",)) == {"loss": [(1, 2.0)]}
    assert series(LINES, ("rewards/",)) == {"rewards/format/mean": [(1, 0.2), (2, 0.5)]}
    assert series(LINES, ("reward",)) == {"reward": [(1, 0.1), (2, 0.3)]}
    assert series(LINES, ("probe/",)) == {"probe/original": [(2, 0.5)], "probe/drop": [(2, 0.25)]}
    assert series(LINES, ("kl",)) == {}


def test_a_picture_of_what_there_is(tmp_path: Path) -> None:
    assert draw_curves(tmp_path) is None
    terms = {f"rewards/term{n}/mean": n / 10 for n in range(10)}
    (tmp_path / LOG).write_text("".join(json.dumps({**line, **terms}) + "\n" for line in LINES))
    assert draw_curves(tmp_path) == tmp_path / FILE
    assert (tmp_path / FILE).read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, LOG]
