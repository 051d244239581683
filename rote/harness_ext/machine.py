"""The machine that a measurement was made on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rote import __version__


def describe_machine() -> dict[str, Any]:
    """Processor, cores this process may use, memory in GiB, system, versions of Python and rote."""
    return {
        "cpu": _processor(),
        "cores": _cores(),
        "memory_gib": _memory(),
        "system": platform.platform(aliased=True, terse=True),
        "python": platform.python_version(),
        "rote": __version__,
    }


def describe_torch(device: str) -> dict[str, Any]:
    """torch, transformers and the accelerators that torch sees, when the device is one of them."""
    import torch

    found: dict[str, Any] = {
        "device": device,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "transformers": package_version("transformers"),
    }
    if device.startswith("cuda"):
        facts = torch.cuda.get_device_properties(torch.device(device))
        found |= {
            "gpu": facts.name,
            "gpu_memory_gib": round(facts.total_memory / 2**30, 1),
            "cuda": torch.version.cuda,
        }
    return found


def package_version(name: str) -> str | None:
    """The installed version; None when it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The processor's name: from Linux's table, else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> float | None:
    names = getattr(os, "sysconf_names", {})
    if "SC_PAGE_SIZE" not in names or "SC_PHYS_PAGES" not in names:
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
