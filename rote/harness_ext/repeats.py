"""Several responses to one problem (``rote eval --repeats k``): accuracy of each run, pass@j, maj@k.

With k repeats every task of rote scores all k responses of a document. The metrics of one response
(``exact_match`` and its like) stay those of the first, so that a run with repeats can be reported and
compared like any other, and beside them stand

=============  ========================================================  ===========================
key            logged per sample                                         over the task
=============  ========================================================  ===========================
``runs``       ``exact_match`` of each response, in order                accuracy of each run, a list
``runs_sd``    the same list                                             standard deviation of them
``pass@j``     :func:`pass_at`, for j = 1, 2, 4 … and k                  mean
``maj@k``      :func:`majority`                                          mean
``distinct``   different texts / k                                       mean
=============  ========================================================  ===========================

The mean over runs is ``pass@1``. This module needs no lm_eval: :func:`install` is handed lm-eval's task.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final

from rote.answers import extract
from rote.answers.systems import read_system
from rote.errors import UsageError

#: Most repeats: beyond it nothing is learnt, and each sample's list of runs grows with it.
MOST: Final = 1024

#: Keys of a sample's metrics that hold a list, and so have no mean.
LISTS: Final = ("runs", "runs_sd")

#: Those keys of which more is not better: the spread, and what only describes.
HIGHER: Final = {"runs_sd": False, "distinct": None}

_Score = Callable[[Mapping[str, Any], Sequence[str]], Mapping[str, Any]]


def pass_at(right: int, repeats: int, draws: int) -> float:
    """Chance that at least one of ``draws`` responses, drawn from these without replacement, is right.

    ``1 - C(n - c, j) / C(n, j)`` with c right of n: the unbiased estimator of Chen et al. 2021 (Evaluating
    Large Language Models Trained on Code, section 2.1, https://arxiv.org/abs/2107.03374). 0 to 1.

    Raises ValueError unless 0 ≤ right ≤ repeats and 1 ≤ draws ≤ repeats.
    """
    if not 0 <= right <= repeats or not 1 <= draws <= repeats:
        raise ValueError(f"pass@{draws} of {right} right in {repeats}: need 0 <= c <= n and 1 <= j <= n")
    return 1.0 - math.comb(repeats - right, draws) / math.comb(repeats, draws)


def majority(votes: Sequence[Hashable | None], right: Sequence[bool]) -> float:
    """Whether the answer that most responses give is right, 0 to 1.

    A response without an answer (None) has no vote. t answers that tie for the most votes are drawn from by
    chance, so a right one among them is worth 1/t: no order of the responses counts. No vote at all: 0.
    """
    counts = Counter(vote for vote in votes if vote is not None)
    if not counts:
        return 0.0
    most = max(counts.values())
    leading = {vote for vote, count in counts.items() if count == most}
    good = {vote for vote, ok in zip(votes, right, strict=True) if ok and vote in leading}
    return len(good) / len(leading)


def vote_of(doc: Mapping[str, Any], response: str) -> Hashable | None:
    """The answer of a response, as something that can be counted; None when it commits to none."""
    if doc.get("answers"):
        values = read_system(response, tuple(doc["answers"])).values
        return tuple(sorted(values.items())) or None
    found = extract(response)
    # A time of day and a number of minutes are different answers of one value.
    return None if found.value is None else (found.value, str(found.quantity))


def steps(repeats: int) -> tuple[int, ...]:
    """The j of pass@j that are reported for k repeats: 1, 2, 4 … below k, and k."""
    powers = [2**i for i in range(repeats.bit_length()) if 2**i < repeats]
    return (*powers, repeats)


def metrics_of(repeats: int) -> tuple[str, ...]:
    """The keys that k repeats add, in their order."""
    return (*LISTS, *(f"pass@{j}" for j in steps(repeats)), f"maj@{repeats}", "distinct")


def over_repeats(doc: Mapping[str, Any], responses: Sequence[str], right: Sequence[bool]) -> dict[str, Any]:
    """What :func:`metrics_of` names, for one document; ``right`` says which responses are."""
    k = len(responses)
    runs = [int(ok) for ok in right]
    found: dict[str, Any] = dict.fromkeys(LISTS, runs)
    found |= {f"pass@{j}": pass_at(sum(runs), k, j) for j in steps(k)}
    found[f"maj@{k}"] = majority([vote_of(doc, text) for text in responses], right)
    found["distinct"] = len(set(responses)) / k
    return found


def run_means(samples: Sequence[Sequence[float]]) -> list[float]:
    """Accuracy of each run: mean over the documents of their first, second … response."""
    return [math.fsum(run) / len(samples) for run in zip(*samples, strict=True)]


def run_sd(samples: Sequence[Sequence[float]]) -> float:
    """Standard deviation of the runs' accuracies (n - 1 in the denominator); NaN for a single run."""
    means = run_means(samples)
    if len(means) < 2:
        return math.nan
    middle = math.fsum(means) / len(means)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in means) / (len(means) - 1))


def mean(values: Sequence[float]) -> float:
    """Plain mean."""
    return math.fsum(values) / len(values)


def aggregation_of(key: str) -> Callable[[Sequence[Any]], Any]:
    """How a key of :func:`metrics_of` is put together over a task's documents."""
    return {"runs": run_means, "runs_sd": run_sd}.get(key, mean)


class Repeated:
    """A task's ``process_results`` over all responses of a document in place of the first."""

    def __init__(self, score: _Score) -> None:
        self._score = score

    def __call__(self, doc: Mapping[str, Any], results: Sequence[Sequence[str]]) -> dict[str, Any]:
        """``results`` holds one list, the k responses; the metrics of the first, and those of all."""
        # A backend that gives nothing at all (an API's null content) has answered nothing.
        responses = [text or "" for text in results[0]]
        scores = [self._score(doc, [text]) for text in results[0]]
        right = [bool(score["exact_match"]) for score in scores]
        return {**scores[0], **over_repeats(doc, responses, right)}

    def __repr__(self) -> str:
        """What lm-eval writes into its results: the name of the task's own function."""
        name = getattr(self._score, "__name__", type(self._score).__name__)
        return f"<all repeats, each by {name}>"


def check(repeats: int, gen_kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The generation arguments to use with so many repeats; ``do_sample`` is added where nothing is said.

    Raises UsageError: a number that is none, and arguments under which all repeats would be one response.
    """
    if not 1 <= repeats <= MOST:
        raise UsageError(f"--repeats must be a whole number from 1 to {MOST}, got {repeats}")
    if repeats == 1:
        return dict(gen_kwargs)
    temperature = gen_kwargs.get("temperature")
    if isinstance(temperature, bool) or not isinstance(temperature, (int, float)) or temperature <= 0:
        raise UsageError(
            f"--repeats {repeats} needs a temperature above 0, or all repeats are the same: add "
            f"--gen_kwargs temperature=0.7 (got {temperature!r})"
        )
    if gen_kwargs.get("do_sample", True) is not True:
        raise UsageError(
            f"--repeats {repeats}: --gen_kwargs do_sample={gen_kwargs['do_sample']} switches sampling off, "
            "and all repeats would be the same; leave do_sample out"
        )
    return {**gen_kwargs, "do_sample": True}


def install(task: Any, repeats: int) -> None:
    """Make an lm-eval task of rote ask ``repeats`` times and score every response.

    lm-eval sends each request ``repeats`` times, and ``take_first_k`` is its filter that passes them all on.

    Raises UsageError for a task that rote does not score: its filters would see the first response only.
    """
    from lm_eval.filters import build_filter_ensemble

    score = task.config.process_results
    if not str(getattr(score, "__module__", "")).startswith("rote."):
        raise UsageError(f"--repeats: {task.config.task} is no task of rote, whose scoring reads all repeats")
    pipeline = [{"function": "take_first_k", "k": repeats}]
    task.config.repeats = repeats
    task.config.filter_list = [{"name": "none", "filter": pipeline}]
    task._filters = [build_filter_ensemble("none", [["take_first_k", {"k": repeats}]])]
    task.config.process_results = Repeated(score)
    for key in metrics_of(repeats):
        how = aggregation_of(key)
        higher = HIGHER.get(key, True)
        task._metric_fn_list[key] = None
        task._metric_fn_kwargs[key] = {}
        task._aggregation_list[key] = _with_stderr(how)
        task._higher_is_better[key] = higher
        declared = {"metric": key, "aggregation": how.__name__, "higher_is_better": higher}
        task.config.metric_list = [*task.config.metric_list, declared]


def _with_stderr(how: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any]], Any]:
    """lm-eval's own mean in place of ours: it knows the standard error of no other function."""
    if how is not mean:
        return how
    from lm_eval.api.registry import get_aggregation

    found: Callable[[Sequence[Any]], Any] = get_aggregation("mean")
    return found


def summary(results: Mapping[str, Any], repeats: int) -> list[str]:
    """A line for each task of lm-eval's results: mean ± standard deviation over runs, pass@k and maj@k.

    With a warning below where every response of a task came as often as it was asked for.
    """
    lines = []
    for task, found in results["results"].items():
        runs = found.get("runs,none")
        if runs is None:
            continue
        spread = found["runs_sd,none"]
        plus = "" if math.isnan(spread) else f" ± {spread:.3f}"
        lines.append(
            f"{task}: {mean(runs):.3f}{plus} over {len(runs)} runs, pass@{repeats} "
            f"{found[f'pass@{repeats},none']:.3f}, maj@{repeats} {found[f'maj@{repeats},none']:.3f}"
        )
        if repeats > 1 and found["distinct,none"] * repeats < 1 + 1e-9:
            lines.append(
                f"{task}: warning: all {repeats} responses to each problem are the same: does the backend "
                "sample, or fix its seed?"
            )
    return lines
