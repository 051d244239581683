"""What ``--metadata '{"rote": {...}}'`` may say, checked before any problem is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from rote.errors import UsageError
from rote.hints import hint
from rote.perturb.gsm8k import Mismatch
from rote.perturb.noop import Selection

#: Instances per template when nothing is said. Var(drop) goes with 1 + 1/k: three instances leave 11 % more
#: variance than five do at five eighths of the cost, and one instance half as much again as three.
DEFAULT_VARIANTS: Final = 3

#: Which problems ``gsm8k_original`` tests: those that its variants are made of, or all published ones.
GSM8K_ITEMS: Final = ("templated", "all")

#: What to do with a question that is not the one read under its number: another version of the data set.
GSM8K_MISMATCH: Final[tuple[Mismatch, ...]] = ("error", "skip")


@dataclass(frozen=True, slots=True)
class Settings:
    """Parameters of the tasks' data.

    Attributes
    ----------
    seed: of the draws, at least 0. Originals do not depend on it.
    variants: instances drawn from each template, at least 1. There is always one original. A template of
        GSM8K that has fewer different instances gives those that it has.
    gsm8k: folder with GSM8K's ``train.jsonl`` and ``test.jsonl``; None: what ``ROTE_GSM8K`` names, else
        the hub.
    gsm8k_items, gsm8k_mismatch: one of :data:`GSM8K_ITEMS` and :data:`GSM8K_MISMATCH`.
    noop: which inert clauses the variants that have any are given; None: any.
    templates: folder of template files in place of the bank's own; None: the bank.
    """

    seed: int = 0
    variants: int = DEFAULT_VARIANTS
    gsm8k: Path | None = None
    gsm8k_items: str = GSM8K_ITEMS[0]
    gsm8k_mismatch: Mismatch = "error"
    noop: Selection | None = None
    templates: Path | None = None


def unknown_key(key: str, known: list[str], what: str) -> UsageError:
    """The error for a key that nobody knows, with the nearest one that somebody does."""
    near = hint(key, known, cutoff=0.5)
    return UsageError(f"unknown {what} {key!r}{near} (known: {', '.join(known)})")


def whole_number(value: Any, name: str, minimum: int) -> int:
    """``value`` as a whole number of at least ``minimum``; UsageError naming it otherwise."""
    # bool is an int to Python, not to whoever writes a seed; 5.0 comes from some JSON writers.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise UsageError(f"{name} must be a whole number of at least {minimum}, got {value!r}")
    return value


def parse_settings(raw: Any) -> Settings:
    """Read the value under the metadata key ``rote``.

    Raises
    ------
    UsageError: not a mapping, an unknown key (with the nearest known one), a value out of its range, a
        choice of inert clauses that no family offers.
    """
    if raw is None:
        return Settings()
    if not isinstance(raw, Mapping):
        raise UsageError(
            f'metadata key \'rote\' must hold a mapping such as {{"seed": 1, "variants": 5}}, got {raw!r}'
        )
    # ``linear`` is for the tasks on linear equations, which read it (rote.harness_ext.linear).
    known = [*(f.name for f in fields(Settings)), "linear"]
    for key in raw:
        if key not in known:
            raise unknown_key(str(key), known, "key under metadata 'rote':")
    defaults = Settings()
    items = raw.get("gsm8k_items", defaults.gsm8k_items)
    if items not in GSM8K_ITEMS:
        raise UsageError(f"metadata rote.gsm8k_items must be {' or '.join(GSM8K_ITEMS)}, got {items!r}")
    mismatch = raw.get("gsm8k_mismatch", defaults.gsm8k_mismatch)
    if mismatch not in GSM8K_MISMATCH:
        known_values = " or ".join(GSM8K_MISMATCH)
        raise UsageError(f"metadata rote.gsm8k_mismatch must be {known_values}, got {mismatch!r}")
    return Settings(
        seed=whole_number(raw.get("seed", defaults.seed), "metadata rote.seed", 0),
        variants=whole_number(raw.get("variants", defaults.variants), "metadata rote.variants", 1),
        gsm8k=_folder(raw, "gsm8k"),
        gsm8k_items=items,
        gsm8k_mismatch=mismatch,
        noop=None if raw.get("noop") is None else Selection.parse(raw["noop"], "metadata rote.noop"),
        templates=_folder(raw, "templates"),
    )


def _folder(raw: Mapping[str, Any], key: str) -> Path | None:
    """The folder that ``key`` names, if it names one. Whether it is there is seen when it is read."""
    value = raw.get(key)
    if value is None:
        return None
    if not (isinstance(value, str) and value):
        raise UsageError(f"metadata rote.{key} must be the path of a folder, got {value!r}")
    return Path(value).expanduser()
