"""One line of a samples file, read strictly: the document's fields, the metrics and the response."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from rote.errors import LogError
from rote.logs import rows
from rote.problem import VARIANTS
from rote.reports import clauses
from rote.reports.fields import digest, one_line
from rote.reports.records import Sample, Where
from rote.reports.working import working


def read_flag(record: Mapping[str, Any], name: str, where: Where) -> tuple[bool | None, bool]:
    """A 0/1 metric -> (value, whether it stood there as text); (None, False) when absent.

    Accepts 0, 1, 0.0, 1.0, false, true and their text forms (some versions log NumPy values as text).
    Anything else (NaN, "N/A", null, 0.5) is a :class:`LogError`: an error is not a wrong answer.
    """
    if name not in record:
        return None, False
    value = record[name]
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        return bool(value), False
    if isinstance(value, str):
        text = value.strip().lower()
        if text in ("true", "false"):
            return text == "true", True
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if number in (0, 1):
            return number == 1, True
    raise LogError(
        f"is {one_line(repr(value), 60)}; it must be 0 or 1 (a document that could not be scored "
        "is neither right nor wrong: evaluate it again)",
        path=where.path,
        line=where.line,
        field=name,
    )


def _doc_field(doc: Mapping[str, Any], name: str, kind: type, where: Where) -> Any:
    if name not in doc:
        raise LogError("is missing from the document", path=where.path, line=where.line, field=f"doc.{name}")
    value = doc[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise LogError(
            f"is {one_line(repr(value), 60)}; it must be of type {kind.__name__}",
            path=where.path,
            line=where.line,
            field=f"doc.{name}",
        )
    return value


def response_of(record: Mapping[str, Any], where: Where) -> tuple[str, int]:
    """The model's (first) response and how many were generated. Raises LogError where there is none."""
    try:
        responses = rows.responses_of(record)
    except rows.Fault as fault:
        raise fault.at(where.path, where.line) from None
    return responses[0], len(responses)


def filter_of(record: Mapping[str, Any], where: Where) -> str | None:
    """The filter's name; None before lm-eval 0.4.7, which does not log it. Raises LogError: no text."""
    try:
        return rows.filter_of(record)
    except rows.Fault as fault:
        raise fault.at(where.path, where.line) from None


def parse_sample(record: Mapping[str, Any], where: Where) -> tuple[Sample, str, int, bool]:
    """One line of a samples file -> (sample, source, responses generated, metrics stood as text).

    The document must carry rote's fields (the caller has seen ``template_id``). Raises
    :class:`LogError`, naming file, line and field, on anything missing, mistyped or contradictory.
    """
    doc = record["doc"]
    fields = {name: _doc_field(doc, name, str, where) for name in ("id", "template_id", "variant", "source")}
    if fields["variant"] not in VARIANTS:
        raise LogError(
            f"is {one_line(repr(fields['variant']), 60)}; known are {', '.join(VARIANTS)}",
            path=where.path,
            line=where.line,
            field="doc.variant",
        )
    flags = {m: read_flag(record, m, where) for m in ("exact_match", "format_ok", "invalid", "trapped")}
    correct = flags["exact_match"][0]
    if correct is None:
        raise LogError(
            "is missing from the sample: was the task run with --predict_only, or graded by another metric?",
            path=where.path,
            line=where.line,
            field="exact_match",
        )
    for other in ("invalid", "trapped"):
        if correct and flags[other][0]:
            raise LogError(
                f"is 1 where exact_match is 1 too: an answer cannot be both right and {other}",
                path=where.path,
                line=where.line,
                field=other,
            )
    response, repeats = response_of(record, where)
    trapped = flags["trapped"][0]
    covariates = doc.get("covariates") or {}
    traps = doc.get("traps")
    question = doc.get("question")
    prompt_hash = record.get("prompt_hash")
    sample = Sample(
        id=fields["id"],
        template_id=sys.intern(fields["template_id"]),
        variant=sys.intern(fields["variant"]),
        seed=_doc_field(doc, "seed", int, where),
        index=_doc_field(doc, "index", int, where),
        correct=correct,
        format_ok=flags["format_ok"][0],
        invalid=flags["invalid"][0],
        trapped=trapped,
        has_traps=isinstance(traps, list) and bool(traps),
        trap=clauses.trap_of(doc, response) if trapped else None,
        factors=clauses.factors_of(clauses.clauses_of(doc, where)),
        response_characters=len(response),
        response_digest=digest(response),
        document_digest=digest(f"{question}\n{doc.get('answer')}"),
        prompt_hash=prompt_hash if isinstance(prompt_hash, str) else None,
        # `datasets` fills columns that a document lacks with null.
        covariates={
            sys.intern(k): float(v)
            for k, v in (covariates.items() if isinstance(covariates, dict) else ())
            if isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v)
        }
        | working(doc),
        where=where,
    )
    return sample, fields["source"], repeats, any(text for _, text in flags.values())
