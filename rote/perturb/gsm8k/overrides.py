"""Curated facts about single items: what people found by reading, never a word of GSM8K's.

``overrides.json`` maps a template id to the SHA-256 of its question and what was found: ``status``
(``fluent``, ``awkward`` or ``wrong``), a ``reason``, and what follows from it: ``reject`` (the item is no
template), ``freeze`` (starts of mentions that must not change), ``links`` (where each number of the
solution comes from), ``plain`` (the wording of the solution cannot be rewritten). An entry whose hash is
not the question's is an error: the data is another version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from rote.errors import DataError
from rote.perturb.gsm8k.symbolize import Facts, RejectedError

_FILE: Final = Path(__file__).with_name("overrides.json")
_KEYS: Final = frozenset(("sha256", "status", "reason", "reject", "freeze", "links", "plain"))
STATUSES: Final = ("fluent", "awkward", "wrong")


@dataclass(frozen=True, slots=True)
class Curated:
    """What was found about one item."""

    status: str
    reason: str
    rejected: str | None
    freeze: tuple[int, ...]
    links: Sequence[Sequence[str]] | None
    plain: bool

    def applied(self, facts: Facts) -> Facts:
        """The facts with the curated mentions frozen. RejectedError when nothing stays free."""
        if not self.freeze:
            return facts
        starts = {mention.start: i for i, mention in enumerate(facts.mentions)}
        held = {starts[start] for start in self.freeze if start in starts}
        ties = tuple(group for group in facts.ties if not held & set(group))
        if not ties:
            raise RejectedError("curated")
        frozen = {
            **facts.frozen,
            **{i: "curated" for group in facts.ties if held & set(group) for i in group},
        }
        free = tuple(sorted(i for group in ties for i in group))
        return replace(facts, ties=ties, free=free, frozen=frozen)


def question_hash(question: str) -> str:
    """SHA-256 of a question's UTF-8 bytes, in hex."""
    return hashlib.sha256(question.encode("utf-8")).hexdigest()


@cache
def _entries() -> Mapping[str, Any]:
    if not _FILE.exists():
        return {}
    try:
        entries = json.loads(_FILE.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"is not JSON: {error}", path=_FILE) from None
    if not isinstance(entries, dict):
        raise DataError("expected an object of template ids", path=_FILE)
    for template_id, entry in entries.items():
        unknown = sorted(set(entry) - _KEYS)
        if unknown or entry.get("status") not in STATUSES or "sha256" not in entry:
            told = f"unknown key {unknown[0]!r}" if unknown else "needs sha256 and a known status"
            raise DataError(told, path=_FILE, field=template_id)
    return dict(entries)


def reviewed() -> Sequence[str]:
    """The ids of items that somebody has read."""
    return sorted(_entries())


def of(template_id: str, question: str) -> Curated | None:
    """What is known of an item. DataError when the entry belongs to another text.

    The socratic solutions belong to the same questions: what was found about a question holds for them too,
    what was found about the numbers of the main solution does not.
    """
    entry = _entries().get(template_id.replace("_socratic/", "/"))
    if entry is not None and "_socratic/" in template_id:
        entry = {key: value for key, value in entry.items() if key not in ("links", "plain")}
    if entry is None:
        return None
    if entry["sha256"] != question_hash(question):
        raise DataError(
            f"{template_id}: the question is not the one that was read (its hash differs): "
            "another version of the data set",
            path=_FILE,
            field=template_id,
        )
    reject = "curated" if entry.get("reject") else None
    return Curated(
        entry["status"],
        entry.get("reason", ""),
        reject,
        tuple(entry.get("freeze", ())),
        entry.get("links"),
        bool(entry.get("plain")),
    )
