"""Tokens, finish reason and time of every response: kept with it, summed up, and written to a file.

Where it goes:

- each response is a :class:`~rote.harness_ext.models.generation.Response`, which ``process_results`` sees and
  may turn into metrics; lm-eval logs those with the sample;
- the sums stand in lm-eval's results, under ``config.telemetry``;
- with the model argument ``telemetry=FILE.jsonl`` there is one line for each response, by task, ``doc_id``
  and repeat, to be joined to the logged samples.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rote.errors import UsageError
from rote.harness_ext.models.generation import Generation, Response

#: Percentiles of the summary.
PERCENTILES: Final = (50, 95)


class Telemetry(list[Generation]):
    """What a model's responses cost, in the order of the requests.

    Parameters
    ----------
    file: JSON lines to append to, or None. Its folder must be there.

    Raises
    ------
    UsageError: a file that cannot be written.
    """

    def __init__(self, file: str | Path | None = None) -> None:
        super().__init__()
        self.file = None if file is None else _writable(file)

    def add(self, requests: Sequence[Any], responses: Sequence[str], rank: int = 0) -> None:
        """Keep the facts of these responses, and write a line for each where there is a file."""
        seen: Counter[tuple[Any, ...]] = Counter()
        lines = []
        for request, response in zip(requests, responses, strict=True):
            generation = getattr(response, "generation", None) or Generation()
            self.append(generation)
            key = (request.task_name, request.doc_id, request.idx)
            lines.append({**_place(request), "repeat": seen[key], **generation.to_json()})
            seen[key] += 1
        if self.file is not None:
            # Processes of one run do not write into each other's lines.
            path = self.file if rank == 0 else self.file.with_suffix(f".{rank}{self.file.suffix}")
            with path.open("a", encoding="utf-8", newline="\n") as out:
                out.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)

    def summary(self) -> dict[str, Any]:
        """Counts and percentiles over all responses; what no response tells is left out."""
        found: dict[str, Any] = {"responses": len(self)}
        for name in ("prompt_tokens", "tokens"):
            values = [v for g in self if (v := getattr(g, name)) is not None]
            if values:
                found[name] = {"total": sum(values), **percentiles(values)}
        finishes = Counter(g.finish for g in self if g.finish is not None)
        if finishes:
            found["finish"] = dict(sorted(finishes.items()))
        for name in ("first_token_s", "seconds"):
            values = [v for g in self if (v := getattr(g, name)) is not None]
            if values:
                found[name] = percentiles(values)
        thinking = [g.thinking for g in self if g.thinking is not None]
        if thinking:
            found["thinking"] = {
                "tokens": {
                    "total": sum(t.tokens for t in thinking),
                    **percentiles([t.tokens for t in thinking]),
                },
                "answer_tokens": percentiles([t.answer_tokens for t in thinking]),
                "waits": sum(t.waits for t in thinking),
                "ended": dict(sorted(Counter(t.ended for t in thinking).items())),
            }
        return found


def percentiles(values: Iterable[float], which: Sequence[int] = PERCENTILES) -> dict[str, float]:
    """Percentiles by linear interpolation between the two nearest ranks, as ``p50`` …; at least one value."""
    ordered = sorted(values)
    found = {}
    for percent in which:
        rank = (len(ordered) - 1) * percent / 100
        low = math.floor(rank)
        high = min(low + 1, len(ordered) - 1)
        found[f"p{percent}"] = round(ordered[low] + (ordered[high] - ordered[low]) * (rank - low), 6)
    return found


def _place(request: Any) -> dict[str, Any]:
    """Where a response belongs: lm-eval's keys, and the id of a document of rote's."""
    document = request.doc.get("id") if isinstance(request.doc, Mapping) else None
    place = {"task": request.task_name, "doc_id": request.doc_id}
    return place if document is None else {**place, "id": document}


def _writable(file: str | Path) -> Path:
    """Known before hours of evaluation, not after."""
    path = Path(file).expanduser()
    if not isinstance(file, str | Path) or not str(file) or path.is_dir():
        raise UsageError(f"telemetry must name a file to write, such as telemetry.jsonl, got {str(file)!r}")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageError(f"telemetry={path}: there is no folder {path.parent} that can be written to")
    return path


class _Tap:
    """Takes the place of lm-eval's cache hook, which a model calls for every response in turn."""

    def __init__(self, hook: Any, pending: deque[Generation], kwargs_matter: bool) -> None:
        self.hook = hook
        self.pending = pending
        self.kwargs_matter = kwargs_matter
        self.found: defaultdict[tuple[str, str], deque[Response]] = defaultdict(deque)

    def key(self, arguments: Sequence[Any]) -> tuple[str, str]:
        kwargs = json.dumps(arguments[1], sort_keys=True, default=str) if self.kwargs_matter else ""
        return str(arguments[0]), kwargs

    def add_partial(self, attr: str, request: Any, result: Any) -> None:
        if attr == "generate_until":
            result = Response(result, self.pending.popleft())
            self.found[self.key(request)].append(result)
        self.hook.add_partial(attr, request, result)


class Telling:
    """Mixed in before a model of lm-eval whose ``_model_generate`` tells :meth:`note` what each row cost.

    lm-eval's models sort their requests, and give texts back in the order they came in. The sort is stable
    and by prompt, so equal requests keep their order: the first of them gets the first response.
    """

    #: Whether the model groups its requests by their generation arguments before it sorts them.
    groups_by_kwargs = True

    cache_hook: Any
    rank: Any
    telemetry: Telemetry
    _pending: deque[Generation]

    def __init__(self, *args: Any, telemetry: str | Path | None = None, **kwargs: Any) -> None:
        self.telemetry = Telemetry(telemetry)
        self._pending = deque()
        super().__init__(*args, **kwargs)

    def note(self, generations: Iterable[Generation]) -> None:
        """Remember the rows of a batch, in its order."""
        self._pending.extend(generations)

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """The model's own responses, each with the facts of its generation."""
        tap = _Tap(self.cache_hook, self._pending, self.groups_by_kwargs)
        self._pending.clear()
        self.cache_hook = tap
        try:
            texts = super().generate_until(requests, disable_tqdm=disable_tqdm)  # type: ignore[misc]
        finally:
            self.cache_hook = tap.hook
        responses: list[str] = [tap.found[tap.key(request.args)].popleft() for request in requests]
        assert responses == texts
        self.telemetry.add(requests, responses, self.rank)
        return responses

    def get_model_info(self) -> dict[str, Any]:
        """What lm-eval writes into the results' ``config``, with the sums under ``telemetry``."""
        stock = getattr(super(), "get_model_info", dict)
        return {**stock(), "telemetry": self.telemetry.summary()}
