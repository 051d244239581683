"""Which lines of a samples file are documents, whatever version of lm-eval wrote it (0.4.5 to 0.4.13).

What differs between versions and tasks, and is read here:

- ``metrics`` are logged from 0.4.7 on; before, a metric is every key that is no other's;
- a task with several filters has a line for each document and filter, all with the same ``resps``;
- ``doc`` is a document of rote, of its linear equations, or of stock ``gsm8k`` (whose ``answer`` is a
  solution that ends in ``#### n``).

Lines and their fields are read by :mod:`rote.logs.rows`. A line that is not UTF-8 is kept and noted; a line
that cannot be scored is a fault that names line and field. Faults are collected: one reading tells them all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rote.logs.rows import (
    HASHES,
    Fault,
    TaskHash,
    doc_of,
    filter_of,
    hashes_of,
    read_lines,
    read_record,
    responses_of,
)
from rote.logs.words import as_found
from rote.rational import parse_number

#: Keys that lm-eval itself writes with a sample, or this package; the others are metrics.
STOCK: Final = frozenset(
    {*"doc_id doc target arguments resps filtered_resps filter metrics former".split(), *HASHES}
)

#: Characters of a response beyond which it is named: no such text is an answer to a word problem.
LONG: Final = 1_000_000


@dataclass(slots=True)
class Row:
    """A document's first line: where it stands, and what its later lines, of other filters, were scored.

    ``former`` maps ``metric,filter`` to the logged value; ``digest`` tells the responses apart.
    """

    line: int
    offset: int
    length: int
    digest: bytes
    filter: str
    former: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Index:
    """A samples file, read once.

    Attributes
    ----------
    rows: by document, in the order of the file.
    lines: how many lines hold a sample.
    filters: their filters' names, in the order of the file; ``none`` where none is logged.
    repeats: responses to each document.
    hash: over all lines' hashes as lm-eval makes it, None when a line has none.
    faults: (line, message) of what cannot be scored, in the order of the file.
    odd: numbers of the lines that are not UTF-8.
    long: numbers of the lines with a response of more than :data:`LONG` characters.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    lines: int = 0
    filters: dict[str, None] = field(default_factory=dict)
    repeats: int = 0
    hash: str | None = None
    faults: list[tuple[int, str]] = field(default_factory=list)
    odd: list[int] = field(default_factory=list)
    long: list[int] = field(default_factory=list)


def document_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The document in rote's shape, ready to score: stock ``gsm8k`` is put into it.

    Raises Fault: missing or mistyped fields, a gold that is no number.
    """
    doc = doc_of(record)
    if doc.get("answers"):
        _check_unknowns(doc["answers"])
        return doc
    for name in ("question", "answer"):
        if name not in doc:
            raise Fault(
                f"doc.{name}",
                f"is missing (there are {', '.join(map(str, list(doc)[:12])) or 'no fields'})",
            )
        if not isinstance(doc[name], str):
            raise Fault(f"doc.{name}", f"is {as_found(doc[name])}; it must be text")
    answer = doc["answer"]
    if "template_id" in doc:
        _number(answer, "doc.answer")
        traps = [{"how": "", **trap} for trap in _tables(doc, "traps")]
        clauses = [{"number": None, **clause} for clause in _tables(doc, "noop")]
        for trap in traps:
            _number(trap.get("value"), "doc.traps.value")
        for clause in clauses:
            if clause["number"] is not None:
                _number(clause["number"], "doc.noop.number")
        solution = doc.get("solution")
        if solution is not None and not isinstance(solution, str):
            raise Fault("doc.solution", f"is {as_found(solution)}; it must be text")
        return {**doc, "traps": traps, "noop": clauses, "solution": solution}
    solution, mark, gold = answer.rpartition("####")
    gold = gold.strip().replace(",", "").lstrip("$") if mark else answer.strip()
    _number(gold, "doc.answer")
    own = {"answer": gold, "solution": answer if solution else None, "traps": [], "noop": []}
    # Every problem of stock gsm8k is one of a kind: a cluster of its own.
    return {**doc, **own, "template_id": json.dumps(record.get("doc_id"))}


def _tables(doc: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A document's list of tables, empty where there is none (``datasets`` fills a column with null)."""
    value = doc.get(name)
    listed = [] if value is None else value
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise Fault(f"doc.{name}", f"is {as_found(value)}; it must be a list of tables")
    return listed


def _check_unknowns(answers: Any) -> None:
    if not isinstance(answers, dict):
        raise Fault("doc.answers", f"is {as_found(answers)}; it must be a table of unknowns")
    for name, value in answers.items():
        _number(value, f"doc.answers.{name}")


def _number(text: Any, where: str) -> None:
    try:
        if not isinstance(text, str):
            raise ValueError(text)
        parse_number(text)
    except (ValueError, ZeroDivisionError):
        raise Fault(where, f"is {as_found(text)}; it must be a number as text") from None


def read_index(path: Path) -> Index:
    """Read a samples file for the first time; what is wrong with lines stands in the index.

    Raises OSError, and LogError where a line is too long to be read at all.
    """
    index = Index()
    whole = TaskHash()
    for number, offset, raw in read_lines(path):
        index.lines += 1
        try:
            record, clean = read_record(raw)
            if not clean:
                index.odd.append(number)
            _enter(index, record, number, offset, len(raw))
        except Fault as fault:
            index.faults.append((number, str(fault)))
            continue
        whole.add(hashes_of(record))
    index.hash = whole.hexdigest()
    return index


def _enter(index: Index, record: dict[str, Any], number: int, offset: int, length: int) -> None:
    if "doc_id" not in record:
        raise Fault("doc_id", "is missing")
    responses = responses_of(record)
    document_of(record)
    name = filter_name(record)
    index.repeats = index.repeats or len(responses)
    if len(responses) != index.repeats:
        raise Fault("resps", f"holds {len(responses)} responses, other lines {index.repeats}")
    if any(len(text) > LONG for text in responses):
        index.long.append(number)
    digest = hashlib.blake2b(digest_size=16)
    for text in responses:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    key = json.dumps(record["doc_id"])
    index.filters.setdefault(name, None)
    row = index.rows.get(key)
    if row is None:
        index.rows[key] = Row(number, offset, length, digest.digest(), name)
        return
    if row.digest != digest.digest():
        raise Fault(
            "resps", f"is another response to document {key} than in line {row.line}: two runs are mixed up"
        )
    if "filter" in record and (name == row.filter or any(f.endswith(f",{name}") for f in row.former)):
        raise Fault("doc_id", f"{key} stands twice under filter {name!r}; first in line {row.line}")
    for metric, value in former_of(record).items():
        # Before 0.4.7 filters have no names: the second one's scores are told from the first's by the line.
        row.former[metric if "filter" in record else f"{metric} (line {number})"] = value


def filter_name(record: Mapping[str, Any]) -> str:
    """The filter's name; ``none`` where none is logged. Raises Fault: no text."""
    return filter_of(record) or "none"


def former_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The logged scores of a sample by ``metric,filter``."""
    names = record.get("metrics")
    listed = names if isinstance(names, list) else [key for key in record if key not in STOCK]
    return {f"{name},{filter_name(record)}": record[name] for name in listed if name in record}
