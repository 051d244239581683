"""Fetch the texts of the few samples that a report shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rote.errors import LogError
from rote.logs.rows import MOST_BYTES
from rote.reports import clauses, fields, lines, samples
from rote.reports.records import EXCERPT, Sample, Texts


def read_texts(sample: Sample) -> Texts:
    """Fetch question, gold and response of one sample from its file, fit for display."""
    where = sample.where
    with Path(where.path).open("rb") as handle:
        handle.seek(where.offset)
        raw = handle.readline(MOST_BYTES)
    try:
        record = lines.parse_line(raw, where)
        response, _ = samples.response_of(record, where)
    except LogError:
        record, response = {"doc": {}}, ""
    doc = record["doc"]
    if doc.get("id") != sample.id or fields.digest(response) != sample.response_digest:
        raise LogError("changed while it was being read", path=where.path, line=where.line)
    question = str(doc.get("question", ""))
    value, reason = _answer(doc, response)
    pieces = (response,) if len(response) <= 2 * EXCERPT else (response[:EXCERPT], response[-EXCERPT:])
    return Texts(
        question=fields.showable(question),
        gold=fields.one_line(_gold(doc), 80),
        response=tuple(fields.showable(p) for p in pieces),
        omitted=len(response) - sum(map(len, pieces)),
        value=value,
        reason=reason,
        noop_spans=clauses.spans_of(clauses.clauses_of(doc, where), len(question)),
    )


def _gold(doc: Mapping[str, Any]) -> str:
    """The right answer; of a system of equations each unknown's."""
    answers = doc.get("answers")
    if isinstance(answers, dict) and answers:
        return ", ".join(f"{name} = {value}" for name, value in answers.items())
    return str(doc.get("answer", ""))


def _answer(doc: Mapping[str, Any], response: str) -> tuple[str | None, str | None]:
    """The answer that a response commits to, or None and the reason why there is none."""
    from rote.answers import extract
    from rote.answers.systems import read_system
    from rote.rational import format_number

    answers = doc.get("answers")
    if isinstance(answers, dict) and answers:
        values = read_system(response, tuple(answers)).values
        shown = ", ".join(f"{name} = {format_number(value)}" for name, value in values.items())
        return (fields.one_line(shown, 80), None) if values else (None, "no unknown is stated")
    found = extract(response)
    value = None if found.value is None else fields.one_line(format_number(found.value), 80)
    return value, None if found.reason is None else fields.one_line(str(found.reason), 80)
