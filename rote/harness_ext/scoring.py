"""What a response is worth: lm-eval's ``process_results`` for every task of rote.

Each returned key is declared in the tasks' ``metric_list`` and logged per sample:

==============  ==========  ================================================================
``exact_match``  higher      1 when the answer the response commits to equals the gold exactly
``format_ok``    higher      1 when the response ends as the prompt's format asks
``invalid``      lower       1 when the response commits to no answer
``trapped``      lower       1 when the answer is one of the document's traps
==============  ==========  ================================================================

All four are whole numbers, 0 or 1.

``trapped`` speaks of one response alone and so counts slips, too: a model that cannot solve a problem at
all now and then hits the value of a trap. Reports therefore count it on the problems whose original the
same model solved. A problem without traps (an original, a control clause without a number) is never
trapped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rote.answers import grade
from rote.prompts import get_format
from rote.rational import parse_number

#: Metric names in the order of ``metric_list``.
METRICS = ("exact_match", "format_ok", "invalid", "trapped")


def score(doc: Mapping[str, Any], response: str, format: str = "hash") -> dict[str, int]:
    """Score one response to one document (:meth:`rote.problem.Problem.to_doc`)."""
    result = grade(response, doc["answer"])
    value = result.extraction.value
    trapped = (
        value is not None
        and not result.correct
        and any(value == parse_number(trap["value"]) for trap in doc["traps"])
    )
    return {
        "exact_match": int(result.correct),
        "format_ok": int(get_format(format).complies(response)),
        "invalid": int(value is None),
        "trapped": int(trapped),
    }


def process_results_hash(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, int]:
    """For tasks in the ``hash`` format. ``results`` is what the one filter passes: the raw response."""
    # A backend that gives nothing at all (an API's null content) has answered nothing.
    return score(doc, results[0] or "", "hash")
