"""All items of a split as templates or rejections, with a cache of what was found out.

Linking is nearly all of the work, so its outcome is kept: in ``$ROTE_CACHE`` (or the user's cache folder)
under a hash of this package's code, its tables and the data. A file is written whole and renamed, so
several processes may build at once; one that cannot be read is built again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from rote.errors import DataError, SourceUnavailableError, UsageError
from rote.perturb.gsm8k import overrides
from rote.perturb.gsm8k.item import ItemTemplate
from rote.perturb.gsm8k.linking import Link
from rote.perturb.gsm8k.records import HOW_TO_GO_LOCAL, file_records, local_folder, to_problem
from rote.perturb.gsm8k.symbolize import Facts, RejectedError, prepare, symbolize
from rote.problem import Problem

#: What to do with a question that is not the one that people read under its number.
Mismatch = Literal["error", "skip"]
SPLITS: Final = ("train", "test", "train_socratic", "test_socratic")


@dataclass(frozen=True, slots=True)
class Rejection:
    """An item that is no template, and why: ``code`` is one of ``docs/gsm8k.md``'s reason codes."""

    template_id: str
    code: str


class Split(Sequence["ItemTemplate | Rejection"]):
    """The items of a split by their 0-based line: templates or rejections.

    ``templates`` and ``rejections`` are the two kinds by line; ``originals`` the published problems;
    ``content_hash`` names the data, the code and the curated facts (16 hex digits).
    """

    def __init__(
        self,
        name: str,
        items: Sequence[ItemTemplate | Rejection],
        originals: Sequence[Problem],
        content_hash: str,
    ) -> None:
        self.name = name
        self._items = items
        self.originals = originals
        self.content_hash = content_hash
        self.templates: Mapping[int, ItemTemplate] = {
            i: item for i, item in enumerate(items) if isinstance(item, ItemTemplate)
        }
        self.rejections: Mapping[int, Rejection] = {
            i: item for i, item in enumerate(items) if isinstance(item, Rejection)
        }

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __iter__(self) -> Iterator[ItemTemplate | Rejection]:
        return iter(self._items)


def load(
    split: str = "test",
    path: str | Path | None = None,
    *,
    records: Iterable[tuple[int, Any]] | None = None,
    cache: bool = True,
    mismatch: Mismatch = "error",
) -> Split:
    """Symbolise a split.

    Parameters
    ----------
    split: ``train``, ``test``, or either with ``_socratic`` behind it.
    path: the folder of ``<split>.jsonl`` (or that file); the environment's ``ROTE_GSM8K`` if absent.
    records: the records themselves, numbered from 1, in place of a file.
    cache: whether to keep and use what was found out before.
    mismatch: what to do with a question that is not the one that people read under its number (another
        version of the data set): raise, or skip it, with the reason code ``another_version``.

    Raises
    ------
    SourceUnavailableError: no folder is named, or it cannot be read.
    DataError: a line that is not GSM8K's, naming file and line.
    UsageError: an unknown split.
    """
    if split not in SPLITS:
        raise UsageError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    if records is not None:
        return _build(split, tuple(records), "records", cache, mismatch)
    folder = local_folder(path)
    if folder is None:
        raise SourceUnavailableError(f"GSM8K: no folder is named; {HOW_TO_GO_LOCAL}")
    file = folder if folder.is_file() else folder / f"{split}.jsonl"
    return _load(split, file.resolve(), cache, mismatch)


@lru_cache(maxsize=4)
def _load(split: str, file: Path, cache: bool, mismatch: Mismatch) -> Split:
    return _build(split, tuple(file_records(file)), str(file), cache, mismatch)


def _build(
    split: str, records: Sequence[tuple[int, Any]], where: str, cache: bool, mismatch: Mismatch
) -> Split:
    originals = [to_problem(record, split, number - 1, where, number) for number, record in records]
    content_hash = _content_hash(originals, mismatch)
    store = _cache_folder() / f"gsm8k-{split}-{content_hash}.json" if cache else None
    known = _read_cache(store, len(originals)) if store is not None else None
    found: list[Any] = []
    items: list[ItemTemplate | Rejection] = []
    for i, original in enumerate(originals):
        item, record = _item(original, known[i] if known is not None else None, mismatch)
        items.append(item)
        found.append(record)
    if store is not None and known is None:
        _write_cache(store, found)
    return Split(split, items, originals, content_hash)


def _item(original: Problem, known: Any, mismatch: Mismatch) -> tuple[ItemTemplate | Rejection, Any]:
    """An item and what the cache keeps of it."""
    template_id = original.template_id
    if isinstance(known, str):
        return Rejection(template_id, known), known
    try:
        curated = _curated(original, mismatch)
        if curated is not None and curated.rejected:
            raise RejectedError(curated.rejected)
        plain = curated is not None and curated.plain
        if known is not None:
            facts = _restored(original, known)
            template = ItemTemplate(template_id, facts, wide=known["wide"], plain=plain)
        else:
            facts = symbolize(
                original.question,
                original.solution,
                curated.links if curated else None,
                read=curated is not None,
            )
            if curated is not None:
                facts = curated.applied(facts)
            template = ItemTemplate(template_id, facts, plain=plain)
    except RejectedError as error:
        return Rejection(template_id, error.code), error.code
    return template, known if known is not None else _kept(facts, template.wide)


def _curated(original: Problem, mismatch: Mismatch) -> overrides.Curated | None:
    try:
        return overrides.of(original.template_id, original.question)
    except DataError:
        if mismatch == "error":
            raise
        raise RejectedError("another_version") from None


def _kept(facts: Facts, wide: bool) -> dict[str, Any]:
    return {
        "equations": [list(e.span) for e in facts.equations],
        "links": [[_link_out(origin) for origin in row] for row in facts.links],
        "ties": facts.ties,
        "frozen": sorted(facts.frozen.items()),
        "tier": facts.tier,
        "wide": wide,
    }


def _link_out(origin: Link) -> list[Any]:
    return [origin.kind, origin.index, origin.role, [_link_out(part) for part in origin.parts]]


def _link_in(record: Sequence[Any]) -> Link:
    kind, index, role, parts = record
    return Link(kind, index, role, tuple(_link_in(part) for part in parts))


def _restored(original: Problem, record: Mapping[str, Any]) -> Facts:
    equations, answer, mentions = prepare(original.question, original.solution)
    kept = {tuple(span) for span in record["equations"]}
    equations = [e for e in equations if e.span in kept]
    ties = tuple(tuple(group) for group in record["ties"])
    return Facts(
        original.question,
        original.solution,
        tuple(mentions),
        tuple(equations),
        tuple(tuple(_link_in(origin) for origin in row) for row in record["links"]),
        answer,
        tuple(sorted(i for group in ties for i in group)),
        ties,
        {int(i): why for i, why in record["frozen"]},
        record["tier"],
    )


def _content_hash(originals: Sequence[Problem], mismatch: Mismatch) -> str:
    content = hashlib.sha256(_code_hash() + mismatch.encode("utf-8"))
    for original in originals:
        content.update(json.dumps([original.question, original.solution]).encode("utf-8"))
    return content.hexdigest()[:16]


@lru_cache(maxsize=1)
def _code_hash() -> bytes:
    content = hashlib.sha256()
    here = Path(__file__).parent
    for file in sorted([*here.iterdir(), here.parent / "names.tsv", here.parents[1] / "steps.py"]):
        if file.suffix in (".py", ".tsv", ".json"):
            content.update(file.name.encode("utf-8") + b"\0" + file.read_bytes() + b"\0")
    return content.digest()


def _cache_folder() -> Path:
    named = os.environ.get("ROTE_CACHE")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rote"


def _read_cache(store: Path, count: int) -> list[Any] | None:
    """What was kept, or None when there is nothing that can be used."""
    try:
        record = json.loads(store.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(record, list) and len(record) == count
    return record if whole and all(_is_kept(r) for r in record) else None


_KEPT: Final = frozenset(("equations", "links", "ties", "frozen", "tier", "wide"))


def _is_kept(record: Any) -> bool:
    """Whether a record has the shape that :func:`_kept` gives, or is a reason code."""
    if isinstance(record, str):
        return re.fullmatch(r"[a-z_]{3,40}", record) is not None
    if not isinstance(record, dict) or set(record) != _KEPT:
        return False
    lists = all(isinstance(record[key], list) for key in ("equations", "links", "ties", "frozen"))
    return lists and record["tier"] in ("A", "B", "C") and isinstance(record["wide"], bool)


def _write_cache(store: Path, found: Sequence[Any]) -> None:
    """Keep what was found out; a folder that cannot be written costs the next run its time, no more."""
    with contextlib.suppress(OSError):
        store.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=store.parent, prefix=store.name, suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(list(found), stream, separators=(",", ":"))
            Path(name).replace(store)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
