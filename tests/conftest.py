"""What holds for every test: no network through the hubs' clients, GPU tests only where there is a GPU.

Files with slow tests come first, so that no process is left alone with one at the end.
"""

from __future__ import annotations

import importlib.util
import os

import pytest

# Before anything imports a hub client: a test never downloads, and never sends statistics.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["MPLBACKEND"] = "Agg"


def missing_gpu() -> str | None:
    """Why GPU tests cannot run here; None when they can."""
    if importlib.util.find_spec("torch") is None:
        return "needs a CUDA device, and torch is not installed: pip install 'rote[hf]'"
    import torch

    return None if torch.cuda.is_available() else "needs a CUDA device, and torch sees none"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("gpu")]
    reason = missing_gpu() if marked else None
    if reason is not None:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
