"""What the reader hands on: models, series of samples, and where each sample stands on disk.

Data only. Response texts are not held: a sample remembers its file and byte offset, and
:func:`rote.reports.texts.read_texts` fetches the few that a report shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rote.prompts import DEFAULT_FORMAT
from rote.reports.cost import RunCost

#: Characters of a response kept for display from its beginning and from its end.
EXCERPT: Final = 4000

#: The kind of examples that a setting does not mention.
FIXED_EXAMPLES: Final = "fixed"

_EXAMPLES: Final = {
    "noop": "examples with inert clauses",
    "same_template": "examples of the same template",
}


@dataclass(frozen=True, slots=True)
class Where:
    """A line of a samples file: path, 1-based line number, byte offset of its first character."""

    path: str
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One answered document under one filter.

    ``format_ok``, ``invalid`` and ``trapped`` are None where the log has no such metric.
    ``has_traps`` tells whether the document lists trap answers at all, ``trap`` how the one arises that a
    trapped answer is (None where the answer read again is none of them). ``factors`` are the family and
    factors of the document's first inert clause, empty without one. ``response_characters`` is the
    length of the whole response; ``prompt_hash`` is lm-eval's and serves only to notice changed prompts.
    ``metrics`` are further ones that the log has (:data:`rote.reports.lines.METRICS`), ``error`` the class of
    the mistake that it names. ``runs`` tells of several responses which were right, the first, which
    ``correct`` stands for, included; it is empty where the log has one score.
    """

    id: str
    template_id: str
    variant: str
    seed: int
    index: int
    correct: bool
    format_ok: bool | None
    invalid: bool | None
    trapped: bool | None
    has_traps: bool
    trap: str | None
    factors: Mapping[str, str]
    response_characters: int
    response_digest: bytes
    document_digest: bytes
    prompt_hash: str | None
    covariates: Mapping[str, float]
    where: Where
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    runs: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one sample, fit for display.

    Characters that would act on a terminal or reorder text (control, bidirectional, lone surrogates)
    are replaced one for one by U+FFFD, so that ``noop_spans``, the ranges of the inert clauses, still hold.
    ``response`` is cut in its middle to ``2 * EXCERPT`` characters; ``omitted`` says how many were left out
    and ``response`` is then in two pieces. ``value`` is the answer rote's grader extracts from the whole
    response (None with a ``reason`` when there is none).
    """

    question: str
    gold: str
    response: tuple[str, ...]
    omitted: int
    value: str | None
    reason: str | None
    noop_spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A model as its run's config describes it.

    ``key`` identifies it: a hash of backend, arguments and weights' hash, without what cannot change an
    answer (batch size, device, credentials). ``name`` is for people and unique among the models of one
    :class:`Runs`; ``arguments`` hold no credentials.
    """

    key: str
    name: str
    backend: str
    arguments: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Everything comparable: one model, one setting, one filter, one source.

    A setting is a number of shots, a format of the answers (``hash``, ``tags``, ``boxed``, ``instruct``), a
    kind of examples (``fixed``; ``noop``: with inert clauses; ``same_template``: each document's own), and
    ``prompt``: where one model was run under several prompts or decodings, what tells this one apart.

    ``seeds`` are lm-eval's where responses were sampled, None where decoding was greedy; ``run_of`` is
    ``prompt`` without them: series that differ in their seeds alone are runs of one and the same thing.

    ``samples`` maps a variant ("original" included) to its templates, and those to their samples in
    order of (seed, index). ``tasks`` names the lm-eval tasks each variant came from.
    """

    model: Model
    shots: int | None
    filter: str
    source: str
    samples: Mapping[str, Mapping[str, tuple[Sample, ...]]]
    tasks: Mapping[str, tuple[str, ...]]
    results_files: tuple[str, ...]
    format: str = DEFAULT_FORMAT
    examples: str = FIXED_EXAMPLES
    prompt: str = ""
    seeds: str | None = None
    run_of: str = ""

    @property
    def setting(self) -> str:
        """ "zero-shot", "8-shot" … or "shots unknown", then kind of examples, format, prompt if special."""
        return self._setting(self.prompt)

    @property
    def setting_of_runs(self) -> str:
        """``setting`` without the seeds of sampling."""
        return self._setting(self.run_of)

    def _setting(self, prompt: str) -> str:
        if self.shots is None:
            shots = "shots unknown"
        else:
            shots = "zero-shot" if self.shots == 0 else f"{self.shots}-shot"
        parts = [shots]
        if self.examples != FIXED_EXAMPLES:
            parts.append(_EXAMPLES.get(self.examples, f"examples: {self.examples}"))
        if self.format != DEFAULT_FORMAT:
            parts.append(f"format {self.format}")
        return ", ".join(part for part in (*parts, prompt) if part)


@dataclass(frozen=True, slots=True)
class Runs:
    """All series found under the paths given, the files read, and what the reader wants to be known.

    ``costs`` has what each results file tells of tokens and time.
    """

    series: tuple[Series, ...]
    files: tuple[str, ...]
    harness_versions: tuple[str, ...]
    warnings: tuple[str, ...]
    ignored_tasks: tuple[str, ...] = ()
    costs: tuple[RunCost, ...] = ()
