"""What is said of the training data beside a checkpoint: what it was compared with, and what was left out.

A certificate holds ids, counts and hashes and no text of any data set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from rote.train.data.contamination import EvaluationSet, Match
from rote.train.recipe.data import DecontaminationSpec

#: The name of the file, beside the checkpoint.
FILE: Final = "certificate.json"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Compared:
    """An evaluation set as the certificate names it.

    ``templates`` and ``texts``: how many were compared; ``sha256``: hash of these ids and texts; ``unread``:
    ids of templates that could not be drawn from and were not compared.
    """

    name: str
    templates: int
    texts: int
    sha256: str
    unread: tuple[str, ...] = ()

    @classmethod
    def of(cls, evaluation: EvaluationSet) -> Compared:
        return cls(
            evaluation.name, evaluation.templates, len(evaluation.texts), evaluation.sha256, evaluation.unread
        )


@dataclass(frozen=True, slots=True)
class Certificate:
    """Which rows were compared with what, and which were left out.

    Attributes
    ----------
    ngram, shared: the rule; None where nothing was compared.
    against: the evaluation sets.
    rows_in: rows that were compared, or would have been.
    out: the rows left out, in the order of the sources, each with the template that it matched.
    sources: rows that remained, by source.
    rows: rows that are trained on.
    content_hash: their hash (64 hex digits), the order included.
    """

    ngram: int | None
    shared: int | None
    against: tuple[Compared, ...]
    rows_in: int
    out: tuple[Match, ...]
    sources: Mapping[str, int]
    rows: int
    content_hash: str

    @property
    def done(self) -> bool:
        """Whether rows were compared at all."""
        return self.ngram is not None

    @property
    def statement(self) -> str:
        """What the certificate says, in a sentence or two."""
        if not self.done:
            return (
                f"Decontamination was not done: none of the {self.rows_in:,} rows was compared with an "
                "evaluation template. Rows may hold evaluation problems."
            )
        sets = ", ".join(f"{one.name} ({one.templates:,} templates)" for one in self.against)
        unread = sum(len(one.unread) for one in self.against)
        beside = f" {unread:,} templates could not be read and were not compared." if unread else ""
        return (
            f"{self.rows_in:,} rows were compared with {sets}. {len(self.out):,} share {self.shared} or "
            f"more runs of {self.ngram} words with a template and were left out. In both, numbers, names and "
            f"gendered pronouns were masked. Questions were compared, solutions were not.{beside}"
        )

    def to_json(self) -> str:
        """The text of ``certificate.json``: the same bytes for the same data."""
        record: dict[str, Any] = {
            "format": _FORMAT,
            "decontaminated": self.done,
            "statement": self.statement,
            "rule": {"ngram": self.ngram, "shared": self.shared} if self.done else None,
            "against": [
                {
                    "name": one.name,
                    "templates": one.templates,
                    "texts": one.texts,
                    "sha256": one.sha256,
                    "unread": list(one.unread),
                }
                for one in self.against
            ],
            "rows_in": self.rows_in,
            "rows_out": len(self.out),
            "out": [
                {"row": match.row, "template": match.template, "shared": match.shared} for match in self.out
            ],
            "sources": dict(self.sources),
            "rows": self.rows,
            "content_hash": self.content_hash,
        }
        return json.dumps(record, indent=1, ensure_ascii=True) + "\n"


def certify(
    spec: DecontaminationSpec | None,
    sets: tuple[EvaluationSet, ...],
    *,
    rows_in: int,
    out: tuple[Match, ...],
    sources: Mapping[str, int],
    rows: int,
    content_hash: str,
) -> Certificate:
    """The certificate of a comparison by ``spec`` with ``sets``; of none where ``spec`` is None."""
    return Certificate(
        spec.ngram if spec is not None else None,
        spec.shared if spec is not None else None,
        tuple(map(Compared.of, sets)),
        rows_in,
        out,
        MappingProxyType(dict(sources)),
        rows,
        content_hash,
    )
