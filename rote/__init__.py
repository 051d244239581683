"""rote: is it reasoning, or rote? Robustness evaluation of language models on maths word problems."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"


def tasks_path() -> Path:
    """The folder of lm-eval task YAML files, for ``lm_eval --include_path``."""
    return Path(__file__).parent / "tasks"
