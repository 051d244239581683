"""Two runs against each other, paired document by document.

comparison = build_comparison(read_logs("before"), read_logs("after"))
"""

from __future__ import annotations

from rote.reports.compare.build import build_comparison
from rote.reports.compare.records import Comparison

__all__ = ["Comparison", "build_comparison"]
