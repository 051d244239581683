"""Test stays for testing: which items may serve for training, and the check that proves it.

A train item counts as a copy of a test item when their questions are alike with numbers and names masked:
runs of words of one stand in the other. A change of numbers and names, which is all that a template does,
cannot hide such a copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from rote.errors import DataError, UsageError
from rote.perturb.gsm8k.item import ItemTemplate
from rote.perturb.gsm8k.load import Split
from rote.perturb.gsm8k.mentions import find_mentions
from rote.perturb.gsm8k.people import find_people
from rote.problem import Problem

#: Words in a run, and the share of the shorter question's runs that makes two questions one.
_RUN: Final = 8
_ALIKE: Final = 0.5
_WORD: Final = re.compile(r"[a-z#@]+")


def masked(question: str) -> tuple[str, ...]:
    """The words of a question in lower case, every number as ``#`` and every person as ``@``."""
    places = [(m.start, m.end, "#") for m in find_mentions(question)]
    places += [(start, end, "@") for p in find_people(question) for start, end in p.spans]
    text = question
    for start, end, sign in sorted(places, reverse=True):
        text = f"{text[:start]} {sign} {text[end:]}"
    return tuple(_WORD.findall(re.sub(r"\d+", "#", text.lower())))


def runs(words: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """All runs of eight words; the whole text where it is shorter."""
    if len(words) <= _RUN:
        return frozenset((words,))
    return frozenset(words[i : i + _RUN] for i in range(len(words) - _RUN + 1))


def copies(train: Iterable[tuple[str, str]], test: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Train ids that are copies of test items, with the test id; both sides as (id, question)."""
    index: dict[tuple[str, ...], list[str]] = {}
    sizes: dict[str, int] = {}
    for test_id, question in test:
        found = runs(masked(question))
        sizes[test_id] = len(found)
        for run in found:
            index.setdefault(run, []).append(test_id)
    copied: dict[str, str] = {}
    for train_id, question in train:
        own = runs(masked(question))
        shared: dict[str, int] = {}
        for run in own:
            for test_id in index.get(run, ()):
                shared[test_id] = shared.get(test_id, 0) + 1
        for test_id, count in sorted(shared.items()):
            if count >= _ALIKE * min(len(own), sizes[test_id]):
                copied[train_id] = test_id
                break
    return copied


def for_training(train: Split, test: Split) -> Mapping[int, ItemTemplate]:
    """The templates of the train split, by line, without those that copy a test item.

    Raises UsageError when the first split is not train or the second not test.
    """
    if not train.name.startswith("train") or not test.name.startswith("test"):
        raise UsageError(
            f"training draws from train and keeps clear of test; got {train.name} and {test.name}"
        )
    copied = copies(
        ((o.template_id, o.question) for o in train.originals),
        ((o.template_id, o.question) for o in test.originals),
    )
    return {line: t for line, t in train.templates.items() if t.id not in copied}


def prove_separate(training: Iterable[Problem], test: Split) -> None:
    """Raise DataError, naming both, if a training problem was drawn from a test item or copies one."""
    problems = list(training)
    for problem in problems:
        if problem.template_id.startswith("gsm8k/test"):
            raise DataError(f"{problem.id} was drawn from a test item")
    copied = copies(
        ((p.id, p.question) for p in problems), ((o.template_id, o.question) for o in test.originals)
    )
    for problem_id, test_id in copied.items():
        raise DataError(f"{problem_id} reads like the test item {test_id}")
