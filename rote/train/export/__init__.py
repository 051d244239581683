"""From checkpoints to folders that lm-eval loads, with checks and a card."""

from __future__ import annotations

from rote.train.export.checks import DTYPES, Check
from rote.train.export.hub import check_push, push
from rote.train.export.run import Export, export

__all__ = ["DTYPES", "Check", "Export", "check_push", "export", "push"]
