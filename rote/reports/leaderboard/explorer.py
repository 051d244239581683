"""The sample explorer's data: pairs of an original and its variant, in shards loaded by script tags.

A page opened from a disk may not fetch files, but may load scripts of its own folder: a shard is a script
of one call, ``roteShard(name, "<JSON text>")``. The JSON is text inside text, ASCII only, and the page parses
it, so nothing in it can run.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from rote.problem import VARIANTS
from rote.reports.fields import one_line
from rote.reports.leaderboard.board import Row
from rote.reports.records import Sample, Texts
from rote.reports.texts import read_texts

#: Pairs in a shard, and characters of a response kept from its beginning and from its end.
PAIRS: Final = 10
SHOWN: Final = 1200

_WORDS: Final = re.compile(r"\d[\d,.]*\d|\w+|\s+|[^\w\s]")

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Shards:
    """Of one row: texts of the files by name; ``index``: (variant, pairs in all, pairs shown, file names)."""

    files: Mapping[str, str] = field(default_factory=dict)
    index: tuple[tuple[str, int, int, tuple[str, ...]], ...] = ()


def make_shards(row: Row, *, samples: int) -> Shards:
    """At most ``samples`` pairs of each variant: right -> wrong first (traps before others)."""
    files: dict[str, str] = {}
    index = []
    originals = row.series.samples.get("original", {})
    texts: dict[str, dict[str, Any]] = {}
    for variant in (v for v in VARIANTS if v != "original" and v in row.series.samples):
        pairs = [
            (originals[t][0], s)
            for t, group in row.series.samples[variant].items()
            if t in originals
            for s in group
        ]
        pairs.sort(key=_order)
        shown = [_pair(before, after, texts) for before, after in pairs[:samples]]
        names = []
        for number, start in enumerate(range(0, len(shown), PAIRS)):
            name = f"{variant}-{number}"
            files[f"{name}.js"] = shard_text(name, shown[start : start + PAIRS])
            names.append(name)
        index.append((variant, len(pairs), len(shown), tuple(names)))
    return Shards(files, tuple(index))


def shard_text(name: str, pairs: list[dict[str, Any]]) -> str:
    """The script of one shard."""
    inner = json.dumps(pairs, ensure_ascii=True, separators=(",", ":"))
    return f"roteShard({json.dumps(name)},{json.dumps(inner)});\n"


def outcome(before: Sample, after: Sample) -> str:
    """ "lost" (right, then wrong), "won", "both right" or "both wrong"."""
    if before.correct == after.correct:
        return "both right" if after.correct else "both wrong"
    return "lost" if before.correct else "won"


_PLACES: Final = {"lost": 0, "won": 1, "both wrong": 2, "both right": 3}


def _order(pair: tuple[Sample, Sample]) -> tuple[int, bool]:
    before, after = pair
    return _PLACES[outcome(before, after)], after.trapped is not True


def _pair(before: Sample, after: Sample, cache: dict[str, dict[str, Any]]) -> dict[str, Any]:
    left = cache.get(before.id)
    if left is None:
        left = cache[before.id] = _side(before, read_texts(before))
    texts = read_texts(after)
    right = _side(after, texts)
    old, marked = changes_beside(left["question"], right["question"], texts.noop_spans)
    return {
        "template": one_line(after.template_id),
        "id": one_line(after.id),
        "outcome": outcome(before, after),
        "original": {**left, "changed": old, "inert": []},
        "variant": {**right, "changed": marked, "inert": texts.noop_spans},
    }


def _side(sample: Sample, texts: Texts) -> dict[str, Any]:
    response, omitted = texts.response, texts.omitted
    if len(response) > 1 or len(response[0]) > 2 * SHOWN:
        ends = (response[0][:SHOWN], response[-1][-SHOWN:])
        omitted += sum(map(len, response)) - sum(map(len, ends))
        response = ends
    # 16-bit units are how a browser counts, code points how spans count: the page splits by code points.
    return {
        "question": texts.question,
        "gold": texts.gold,
        "response": response,
        "omitted": omitted,
        "answer": texts.value,
        "reason": texts.reason,
        "right": sample.correct,
        "invalid": sample.invalid is True,
        "trap": (sample.trap or "yes") if sample.trapped else None,
        "error": None if sample.error is None else one_line(sample.error, 60),
    }


def changes_beside(before: str, after: str, inert: Spans) -> tuple[Spans, Spans]:
    """:func:`changes` as if the ``inert`` ranges of ``after`` were not there; no range touches them."""
    kept = [i for i in range(len(after)) if not any(low <= i < high for low, high in inert)]
    old, new = changes(before, "".join(after[i] for i in kept))
    return old, _without(tuple((kept[start], kept[end - 1] + 1) for start, end in new), inert)


@lru_cache(maxsize=20_000)
def changes(before: str, after: str) -> tuple[Spans, Spans]:
    """What differs between two texts, word by word: half-open ranges in each."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    places_old, places_new = _starts(old), _starts(new)
    left, right = [], []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            left += [(places_old[a], places_old[b])] if b > a else []
            right += [(places_new[c], places_new[d])] if d > c else []
    return tuple(left), tuple(right)


def _starts(words: list[str]) -> list[int]:
    places = [0]
    for word in words:
        places.append(places[-1] + len(word))
    return places


def _without(spans: Spans, taken: Spans) -> Spans:
    """``spans`` less whatever lies in ``taken``."""
    return tuple(_cut(spans, taken))


def _cut(spans: Spans, taken: Spans) -> Iterator[tuple[int, int]]:
    for start, end in spans:
        at = start
        for low, high in taken:
            if high <= at or low >= end:
                continue
            if low > at:
                yield at, low
            at = max(at, high)
        if at < end:
            yield at, end
