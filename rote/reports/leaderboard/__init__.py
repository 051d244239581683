"""lm-eval logs of many models -> a static site; and the check that a folder of logs may join it."""

from rote.reports.leaderboard.board import build_board
from rote.reports.leaderboard.check import Checked, check_submission
from rote.reports.leaderboard.site import write_site

__all__ = ["Checked", "build_board", "check_submission", "write_site"]
