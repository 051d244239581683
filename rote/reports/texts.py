"""Fetch the texts of the few samples that a report shows."""

from __future__ import annotations

import json
from pathlib import Path

from rote.errors import LogError
from rote.reports import clauses, fields, samples
from rote.reports.records import EXCERPT, Sample, Texts


def read_texts(sample: Sample) -> Texts:
    """Fetch question, gold and response of one sample from its file, fit for display."""
    from rote.answers import extract
    from rote.rational import format_number

    where = sample.where
    with Path(where.path).open("rb") as handle:
        handle.seek(where.offset)
        raw = handle.readline()
    try:
        record = json.loads(raw)
        response, _ = samples.response_of(record, where)
        doc = record["doc"]
        question, gold = str(doc["question"]), str(doc["answer"])
    except (ValueError, KeyError, TypeError):
        response = ""
        doc = {}
    if doc.get("id") != sample.id or fields.digest(response) != sample.response_digest:
        raise LogError("changed while it was being read", path=where.path, line=where.line)
    found = extract(response)
    pieces = (response,) if len(response) <= 2 * EXCERPT else (response[:EXCERPT], response[-EXCERPT:])
    return Texts(
        question=fields.showable(question),
        gold=fields.one_line(gold, 80),
        response=tuple(fields.showable(p) for p in pieces),
        omitted=len(response) - sum(map(len, pieces)),
        value=None if found.value is None else fields.one_line(format_number(found.value), 80),
        reason=None if found.reason is None else fields.one_line(str(found.reason), 80),
        noop_spans=clauses.spans_of(clauses.clauses_of(doc, where), len(question)),
    )
