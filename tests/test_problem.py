"""Problems as documents: there and back, and what is no such document."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from rote.problem import Noop, Problem, Trap

QUESTION = "Ana has 4 pears. Her street has 9 lamps. Her street is long. How many pears has Ana?"
PROBLEM = Problem(
    "bank/pears/noop2/0/0",
    "bank",
    "bank/pears",
    "bank/pears/original",
    "noop2",
    0,
    0,
    QUESTION,
    "Ana has 4.\n#### 4",
    Fraction(4),
    (Trap(Fraction(13), "answer + 9"),),
    (
        Noop("lamps", {"topic": "off"}, Fraction(9), (17, 38), ("No step uses 9.",)),
        Noop("street", {"topic": "off"}, None, (39, 58), ()),
    ),
    {"operations": 0},
)


def test_a_document_and_back() -> None:
    doc = PROBLEM.to_doc()
    assert doc["noop"] == [
        {
            "family": "lamps",
            "factors": {"topic": "off"},
            "number": "9",
            "span": [17, 38],
            "proof": ["No step uses 9."],
        },
        {"family": "street", "factors": {"topic": "off"}, "number": None, "span": [39, 58], "proof": []},
    ]
    assert Problem.from_doc(doc) == PROBLEM
    assert Problem.from_doc({**doc, "noop": []}).noop == ()


@pytest.mark.parametrize("noop", [None, {"family": "lamps"}, "lamps"])
def test_an_inert_clause_that_is_no_list_is_foreign(noop: Any) -> None:
    with pytest.raises(ValueError, match="noop: must be a list of inert clauses, got"):
        Problem.from_doc({**PROBLEM.to_doc(), "noop": noop})
