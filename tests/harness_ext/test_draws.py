"""What is drawn of which templates, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any, cast

import pytest

from rote.harness_ext import draws
from rote.perturb import Template
from rote.perturb.noop import Selection
from rote.problem import Noop, Problem


class Plain:
    """A template of which only the questions are known, and the magnitude of each one's clause."""

    def __init__(self, name: str, **questions: Sequence[str]) -> None:
        self.id = f"mine/{name}"
        self.questions: Mapping[str, Sequence[str]] = {"original": ["as written"], **questions}
        self.asked: list[tuple[str, int]] = []

    def offers(self, variant: str) -> bool:
        self.asked.append((variant, -1))
        return variant in self.questions

    def why_not(self, variant: str) -> str | None:
        return None if variant in self.questions else f"{variant} does not go here"

    def capacity(self, variant: str) -> int:
        return len(self.questions[variant])

    def problem(self, variant: str, seed: int, index: int) -> Problem:
        self.asked.append((variant, index))
        questions = self.questions[variant]
        question = questions[index % len(questions)]
        clauses: tuple[Noop, ...] = ()
        if "noop" in variant:
            size = "none" if variant == "noop_control" else question
            factors = {"topic": "off", "role": "none", "magnitude": size, "position": "start"}
            clauses = (Noop("library_year", factors, Fraction(3), (0, 1), ()),)
        return Problem(
            f"{self.id}/{variant}/{seed}/{index}",
            "mine",
            self.id,
            f"{self.id}/original",
            variant,
            seed,
            index,
            question,
            "#### 5",
            Fraction(5),
            noop=clauses,
        )


def plain(name: str, **questions: Sequence[str]) -> Any:
    return cast(Template, Plain(name, **questions))


IN, OUT = "in_range", "out_of_range"


def ids(problems: Any) -> list[str]:
    return [problem.id.removeprefix("mine/") for problem in problems]


def test_each_gives_as_many_as_it_has_and_the_rest_is_named() -> None:
    templates = [plain("a", names="pqrs"), plain("b"), plain("c", names="p")]
    drawn = draws.draw("mine", templates, "names", 7, 3)
    assert ids(drawn.rounds()) == ["a/names/7/0", "c/names/7/0", "a/names/7/1", "a/names/7/2"]
    assert drawn.skipped == {"mine/b": "names does not go here"}
    assert (drawn.templates, drawn.scarce(3), drawn.scarce(1)) == (3, 1, 0)
    assert ids(draws.draw("mine", templates, "original", 7, 3).rounds()) == [
        "a/original/7/0",
        "b/original/7/0",
        "c/original/7/0",
    ]


def test_a_selection_takes_the_first_that_match() -> None:
    templates = [plain("a", noop=[OUT, IN, OUT, IN, IN]), plain("b", noop=[OUT, OUT]), plain("c")]
    drawn = draws.draw("mine", templates, "noop", 0, 2, Selection(magnitude=(IN,)))
    assert ids(drawn.rounds()) == ["a/noop/0/1", "a/noop/0/3"]
    assert drawn.skipped == {
        "mine/b": "none of its inert clauses has magnitude=in_range",
        "mine/c": "noop does not go here",
    }


def test_controls_go_with_the_clauses_taken() -> None:
    template = plain("a", noop=[OUT, IN, OUT, IN, IN], noop_control=["v", "w", "x", "w", "z"])
    chosen = Selection(magnitude=(IN,))
    assert [p.index for p in draws.draw("mine", [template], "noop", 0, 3, chosen).rounds()] == [1, 3, 4]
    controls = draws.draw("mine", [template], "noop_control", 0, 3, chosen)
    assert [(p.index, p.question) for p in controls.rounds()] == [(0, "v"), (1, "w"), (4, "z")]


def test_a_selection_says_nothing_of_variants_without_clauses() -> None:
    templates = [plain("a", names="pq")]
    chosen = Selection(topic=("in",), family=("library_year",))
    assert len(list(draws.draw("mine", templates, "names", 0, 2, chosen).rounds())) == 2
    assert len(list(draws.draw("mine", templates, "original", 0, 2, chosen).rounds())) == 1
    everything = draws.draw("mine", [plain("a", noop=[IN, OUT])], "noop", 0, 2, Selection())
    assert len(list(everything.rounds())) == 2


def test_selection_in_words() -> None:
    assert draws.told(Selection(topic=("off",), magnitude=(IN, OUT))) == (
        "topic=off, magnitude=in_range|out_of_range"
    )


def test_what_the_results_and_the_log_say() -> None:
    skipped = {f"mine/{n}": "no person" for n in "abcd"} | {f"mine/{n}": "no room" for n in "ef"}
    drawn = draws.Drawn("mine", "noop", {"mine/g": ()}, skipped)
    record = draws.record(drawn)
    assert record == {
        "count": 6,
        "of": 7,
        "reasons": {"no person": 4, "no room": 2},
        "templates": skipped,
    }
    assert draws.account(drawn) == (
        "mine, noop: 6 of 7 templates left out (4: no person; 2: no room): mine/a, mine/b, mine/c, …"
    )
    many = draws.Drawn("mine", "noop", {}, {f"mine/{n}": f"reason {n}" for n in "abcde"})
    assert "1: reason c; 2 other reasons)" in draws.account(many)
    nothing = draws.Drawn("mine", "noop", {"mine/g": ()}, {})
    assert draws.record(nothing) == {"count": 0, "of": 1, "reasons": {}, "templates": {}}


def stream(
    templates: Sequence[Any], variant: str, n: int, selection: Any = None
) -> tuple[list[str], dict[str, str]]:
    skipped: dict[str, str] = {}
    return ids(islice(draws.stream(templates, variant, 0, selection, skipped), n)), skipped


def test_a_stream_goes_round_without_end() -> None:
    templates = [plain("a", names="pq"), plain("b"), plain("c", names="pq")]
    got, skipped = stream(templates, "names", 5)
    assert got == ["a/names/0/0", "c/names/0/0", "a/names/0/1", "c/names/0/1", "a/names/0/2"]
    assert skipped == {"mine/b": "names does not go here"}
    assert stream(templates, "original", 9)[0] == ["a/original/0/0", "b/original/0/0", "c/original/0/0"]


def test_a_stream_looks_no_further_than_it_must() -> None:
    templates = [plain("a", names="pq"), plain("b"), plain("c", names="pq")]
    assert stream(templates, "names", 1) == (["a/names/0/0"], {})
    assert templates[2].asked == []


def test_a_stream_of_selected_instances_ends() -> None:
    templates = [plain("a", noop=[OUT, IN] * 20), plain("b", noop=[OUT]), plain("c", noop=[IN, OUT, IN])]
    got, skipped = stream(templates, "noop", 100, Selection(magnitude=(IN,)))
    assert got[:5] == ["a/noop/0/1", "c/noop/0/0", "a/noop/0/3", "c/noop/0/2", "a/noop/0/5"]
    assert len(got) == 22
    assert skipped == {"mine/b": "none of its inert clauses has magnitude=in_range"}


@pytest.mark.parametrize(
    ("questions", "tested", "indices"),
    [
        ("abcdefgh", 3, [3, 4, 5, 6]),
        ("abcdef", 3, [3, 4, 5, 0]),
        ("abcd", 9, [0, 1, 2, 3]),
        ("abcd", 0, [0, 1, 2, 3]),
        ("abcddddef", 3, [3, 7, 8, 0]),
        ("abc", 3, None),
        ("aabbccc", 3, None),
    ],
)
def test_worked_examples_differ_and_begin_behind_what_is_tested(
    questions: str, tested: int, indices: list[int] | None
) -> None:
    found = draws.worked_examples(plain("a", symbolic=questions), 5, tested, 4)
    assert (None if found is None else [problem.index for problem in found]) == indices
    assert found is None or {problem.seed for problem in found} == {5}


def test_no_worked_examples_without_symbolic() -> None:
    assert draws.worked_examples(plain("a"), 0, 0, 1) is None
