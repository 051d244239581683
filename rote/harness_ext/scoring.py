"""What a response is worth: lm-eval's ``process_results`` and aggregations for the tasks of rote.

The measures are those of :func:`rote.metrics.measure`, whose numbers are logged per sample and aggregated
over the task; docs/metrics.md defines each. :data:`METRICS` is what a task's ``metric_list`` declares.

Every key is there for every sample: lm-eval's runs over several processes fail on one that is missing. A
measure that does not apply is None, and :func:`mean_present` leaves it out. The two labels
(``invalid_reason``, ``error_class``) are not returned, since text has no mean: ``invalid_<reason>`` and
``error_<class>`` say the same as numbers.

``exact_match``, ``format_ok``, ``invalid`` and ``trapped`` are what reports read: whole numbers, 0 or 1.
``trapped`` speaks of one response alone and so counts slips, too: a model that cannot solve a problem at
all now and then hits the value of a trap. Reports therefore count it on the problems whose original the
same model solved. A problem without traps (an original, a control clause without a number) is never
trapped.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rote import metrics
from rote.harness_ext.models.generation import generation_of
from rote.metrics import ERROR_CLASSES, INVALID_REASONS, NUMBERS, OPTIONAL, measure
from rote.problem import Trap
from rote.rational import parse_number

#: Key of the clustered standard error of ``exact_match``.
CLUSTERED: Final = "exact_match_clustered_se"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as ``metric_list`` declares it.

    Attributes
    ----------
    aggregation: ``mean``, lm-eval's own, which comes with its standard error, or the name of a function here.
    higher_is_better: None where neither is.
    """

    aggregation: str
    higher_is_better: bool | None


_HIGHER: Final = {
    **dict.fromkeys(("exact_match", "format_ok"), True),
    **dict.fromkeys(("step_consistency", "agreement", "grounded", "trace_score", "composite"), True),
    **dict.fromkeys(("novelty", "thinking_closed"), True),
    **dict.fromkeys(("invalid", "trapped", "looping", "truncated"), False),
    **dict.fromkeys((f"invalid_{reason}" for reason in INVALID_REASONS), False),
    **dict.fromkeys((f"error_{kind}" for kind in ERROR_CLASSES), False),
}

#: The metrics of every task on word problems, in the order of ``metric_list``.
METRICS: Final[Mapping[str, Metric]] = {
    **{name: Metric("mean_present" if name in OPTIONAL else "mean", _HIGHER.get(name)) for name in NUMBERS},
    CLUSTERED: Metric("clustered_se", False),
}


def score(doc: Mapping[str, Any], response: str, format: str = "hash") -> dict[str, Any]:
    """Score one response to one document (:meth:`rote.problem.Problem.to_doc`); the keys of :data:`METRICS`.

    A response that carries the facts of its generation
    (:class:`rote.harness_ext.models.generation.Response`) is measured with its finish reason and its number
    of tokens.
    """
    known = generation_of(response)
    numbers = [clause["number"] for clause in doc.get("noop") or ()]
    found = measure(
        response,
        doc["question"],
        doc["answer"],
        [Trap(parse_number(trap["value"]), trap["how"]) for trap in doc["traps"]],
        format=format,
        finish_reason=None if known is None else known.finish,
        solution=doc["solution"],
        tokens=None if known is None else known.tokens,
        inert=[parse_number(number) for number in numbers if number is not None],
    ).as_dict()
    scores: dict[str, Any] = {key: found[key] for key in NUMBERS}
    scores[CLUSTERED] = [doc["template_id"], scores["exact_match"]]
    return scores


def _process(doc: Mapping[str, Any], results: Sequence[str], format: str) -> dict[str, Any]:
    # A backend that gives nothing at all (an API's null content) has answered nothing.
    return score(doc, results[0] or "", format)


def process_results_hash(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """For tasks in the ``hash`` format. ``results`` is what the one filter passes: the raw response."""
    return _process(doc, results, "hash")


def process_results_tags(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """For tasks in the ``tags`` format."""
    return _process(doc, results, "tags")


def process_results_boxed(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """For tasks in the ``boxed`` format."""
    return _process(doc, results, "boxed")


def process_results_instruct(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, Any]:
    """For tasks in the ``instruct`` format."""
    return _process(doc, results, "instruct")


def mean_present(values: Sequence[float | None]) -> float:
    """Mean of the values that are there; NaN when none is (:func:`rote.metrics.mean_present`)."""
    return metrics.mean_present(values)


def clustered_se(values: Sequence[Sequence[Any]]) -> float:
    """Standard error of the mean of x over documents whose templates are drawn, from (template, x) pairs.

    With G templates, n documents and the residuals summed by template::

        SE = sqrt(G / (G - 1) * sum_g (sum_i (x_gi - mean))**2) / n

    (Liang & Zeger 1986, "Longitudinal data analysis using generalized linear models", Biometrika 73, for a
    mean; with the usual correction for few clusters). With equally many documents a template it is
    sd(template means) / sqrt(G), which the t interval of rote.reports.statistics is made of. NaN below two
    templates.
    """
    by_template: dict[str, list[float]] = defaultdict(list)
    for template, x in values:
        by_template[template].append(x)
    clusters = len(by_template)
    if clusters < 2:
        return math.nan
    n = len(values)
    mean = math.fsum(x for own in by_template.values() for x in own) / n
    squares = math.fsum(math.fsum(x - mean for x in own) ** 2 for own in by_template.values())
    return math.sqrt(clusters / (clusters - 1) * squares) / n
