"""Which versions of the training packages are known to work together, asked before anything is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Final, NamedTuple

from rote.errors import MissingExtraError, UsageError


class Pin(NamedTuple):
    """A package, the least version, the first that is too new (or None), and single ones to avoid."""

    package: str
    least: str
    below: str | None = None
    not_these: tuple[str, ...] = ()
    why: str = ""


#: Found by running; see docs/guide-training.md. The first ones are all that pretraining takes.
BARE_PINS: Final = (
    Pin("torch", "2.4"),
    Pin("transformers", "4.57", "6"),
)
PINS: Final = (
    *BARE_PINS,
    Pin("trl", "1.12", "2", ("1.15",), "1.15 fails on a machine without Triton"),
    Pin("peft", "0.18", "1"),
    Pin("accelerate", "1.0", "2"),
)
#: What unsloth caps by itself.
UNSLOTH_PINS: Final = (
    Pin("unsloth", "2026.10"),
    Pin("transformers", "4.57", "5.17.1", why="unsloth's own cap"),
    Pin("trl", "1.12", "1.15.1", ("1.15",), "unsloth's own cap"),
    Pin("torch", "2.4", "2.15", why="unsloth's own cap"),
)


def numbers(version: str) -> tuple[int, ...]:
    """``2.13.0+cpu`` as (2, 13, 0): the leading numbers of a version."""
    found = []
    for part in version.split("+")[0].split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        found.append(int(digits))
    return tuple(found)


def check_versions(
    pins: Sequence[Pin] = PINS, installed: Callable[[str], str] = metadata.version
) -> dict[str, str]:
    """The installed versions by package.

    Raises MissingExtraError where one is not installed, UsageError where one is too old, too new or known
    not to work, with the version found and what to install instead.
    """
    found = {}
    for pin in pins:
        try:
            version = installed(pin.package)
        except metadata.PackageNotFoundError:
            raise MissingExtraError(pin.package, "train") from None
        found[pin.package] = version
        at = numbers(version)
        bad = any(at[: len(numbers(avoid))] == numbers(avoid) for avoid in pin.not_these)
        too_new = pin.below is not None and at >= numbers(pin.below)
        if bad or too_new or at < numbers(pin.least):
            wanted = f"{pin.package}>={pin.least}" + (f",<{pin.below}" if pin.below else "")
            wanted += "".join(f",!={avoid}.*" for avoid in pin.not_these)
            because = f" ({pin.why})" if pin.why else ""
            raise UsageError(
                f"{pin.package} {version} is installed, which training does not work with{because}: "
                f"pip install '{wanted}'"
            )
    return found
