from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from rote.errors import TemplateError, UnsatisfiableError, UsageError
from rote.perturb.authored import AuthoredTemplate
from rote.perturb.values import Person, Quantity

Build = Callable[..., AuthoredTemplate]


def test_the_original_reads_as_written(build: Build) -> None:
    problem = build().problem("original", 7, 3)
    assert problem.question == (
        "Emeka buys 20 boxes of tiles for the kitchen, with 14 tiles in a box. He pays $4.50 for a tile. "
        "How much money does Emeka pay?"
    )
    assert problem.solution == (
        "The boxes hold 20 * 14 = <<20*14=280>>280 tiles.\n"
        "They cost 280 * $4.50 = $<<280*4.5=1260>>1260.\n"
        "#### 1260"
    )
    assert (problem.id, problem.seed, problem.index) == ("test/tile_boxes/original", 0, 0)
    assert problem.id == problem.original_id


def test_what_each_variant_changes(build: Build) -> None:
    template = build()
    original = template.values("original", 0, 0)[1]
    for index in range(60):
        names = template.values("names", 0, index)[1]
        assert names["boxes"] == original["boxes"]
        assert names["who"] != original["who"]
        numbers = template.values("numbers", 0, index)[1]
        assert (numbers["who"], numbers["room"]) == (original["who"], original["room"])
        assert template.problem("numbers", 0, index).answer != 1260
        noop = template.values("noop", 0, index)[1]
        assert {k: noop[k] for k in original} == original
        problem = template.problem("noop", 0, index)
        assert problem.answer == 1260
        [inert] = problem.noop
        start, end = inert.span
        clause = problem.question[start:end]
        assert (
            problem.question[:start] + problem.question[end + 1 :]
            == template.problem("original", 0, 0).question
        )
        assert str(inert.number) in clause
        p1 = template.problem("p1", 0, index)
        assert "Delivery costs" in p1.question
        assert p1.answer not in (1260, 1290)


def test_indices_up_to_the_capacity_never_repeat(build: Build) -> None:
    template = build()
    for variant in ("names", "numbers", "symbolic", "noop", "p1"):
        count = min(template.capacity(variant), 3000)
        assert count >= 80
        questions = {template.problem(variant, 5, i).question for i in range(count)}
        assert len(questions) == count


def test_a_small_space_is_drawn_whole(build: Build) -> None:
    template = build(
        numbers__boxes={"low": 15, "high": 20, "original": 20},
        numbers__tiles={"low": 10, "high": 14, "original": 14},
        numbers__price={"kind": "money", "among": [4, 4.5], "original": 4.5},
    )
    assert template.capacity("numbers") == 59  # 6 * 5 * 2 less the draw with the original's answer
    questions = {template.problem("numbers", 1, i).question for i in range(59)}
    assert len(questions) == 59
    again = [template.problem("numbers", 1, i).question for i in range(59, 118)]
    assert sorted(again) == sorted(questions)


def test_an_instance_depends_on_its_four_parts_alone(build: Build) -> None:
    one, other = build(), build()
    forwards = [one.problem("symbolic", s, i) for s in range(3) for i in range(40)]
    backwards = [other.problem("symbolic", s, i) for s in reversed(range(3)) for i in reversed(range(40))]
    assert forwards == backwards[::-1]
    assert len({p.question for p in forwards}) == 120


def test_neighbouring_seeds_do_not_share_draws(build: Build) -> None:
    template = build()
    sets = [{template.problem("symbolic", seed, i).question for i in range(100)} for seed in range(6)]
    assert all(not (a & b) for n, a in enumerate(sets) for b in sets[n + 1 :])


def test_the_original_stays_in_the_support_of_each_number(build: Build) -> None:
    template = build()
    drawn = [template.values("numbers", 0, i)[1] for i in range(template.capacity("numbers"))]
    for name, value in template.values("original", 0, 0)[1].items():
        if isinstance(value, Quantity):
            assert value in [d[name] for d in drawn]


def test_people_stay_distinct_and_pronouns_true(build: Build) -> None:
    template = build()
    genders = set()
    for index in range(300):
        values = template.values("noop", 0, index)[1]
        people = [v for v in values.values() if isinstance(v, Person)]
        assert len({p.name for p in people}) == len(people)
        problem = template.problem("symbolic", 0, index)
        person = template.values("symbolic", 0, index)[1]["who"]
        assert isinstance(person, Person)
        genders.add(person.gender)
        assert (" She pays" in problem.question) == (person.gender == "female")
    assert genders == {"female", "male"}


def test_traps_are_what_a_distracted_reader_gets(build: Build) -> None:
    template = build()
    problem = next(
        p
        for p in (template.problem("noop", 0, i) for i in range(90))
        # a family that attaches itself has the same name, and names a person
        if p.noop[0].family == "house_number" and p.noop[0].factors["role"] == "none"
    )
    k = problem.noop[0].number
    assert k is not None
    traps = {trap.how: trap.value for trap in problem.traps}
    assert traps[f"answer - {k}"] == 1260 - k
    assert traps[f"number boxes + {k}"] == (20 + k) * 14 * Fraction(9, 2)
    assert all(v > 0 and v != 1260 for v in traps.values())
    assert len(set(traps.values())) == len(traps)


def test_an_original_that_does_not_hold(build: Build) -> None:
    with pytest.raises(TemplateError, match=r"tile_boxes\.yaml.*expect.*expected 1250, got 1260"):
        build(expect=1250)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"constraints": ["boxes > 30"]},
            "the original is no draw of its own template: constraint 'boxes > 30'",
        ),
        ({"steps__0__calc": "boxes * tile"}, r"steps\.number\.calc.*unknown name"),
        ({"steps__0__text": "The boxes hold some."}, "must hold {{ eq }} once"),
        ({"steps__1__calc": "boxes * price", "expect": 90}, "'tiles' does not reach the answer"),
        (
            {"question__0": "{{ who }} buys {{ boxes }} boxes for the {{ room }}."},
            "'tiles' is not in the text",
        ),
        ({"question__0": "{{ who }} buys {{ crates }} boxes."}, "uses 'crates', which is not defined"),
        ({"question__0": "{{ who|shout }} buys."}, "shout"),
        ({"names__who__original": "Xyzzy"}, "'Xyzzy' is not in the table of names"),
        ({"names__who__person": "female"}, "'Emeka' is male in the table of names, not female"),
        ({"answer": "profit"}, "'profit' is no step"),
        ({"noop__0__clause": "There are {{ k }} houses in total."}, "'total' could take the inert number"),
        ({"noop__0__clause": "The house is old."}, "'k' is not in the text"),
        ({"noop__0__attaches": ["doors"]}, "'doors' is no number of the problem"),
        ({"noop__0__before": 9}, "beyond the last sentence"),
        ({"noop__0__number": "boxes"}, "not among the clause's own numbers"),
        ({"p1__expect": 5}, "p1.*expected 5, got 1290"),
        ({"p1__numbers": {"price": {"low": 1, "high": 5, "original": 2}}}, "already used"),
        ({"steps__0__name": "class"}, "reserved word"),
    ],
)
def test_parts_that_do_not_agree(build: Build, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError, match=message) as caught:
        build(**changes)
    assert "tile_boxes.yaml" in str(caught.value)


def test_constraints_that_no_draw_meets_are_named(build: Build) -> None:
    template = build(
        constraints=["boxes * tiles == 280"],
        numbers__price={"kind": "money", "among": [4.5, 4.75], "original": 4.5},
        steps=[
            {"name": "number", "calc": "boxes * tiles", "text": "{{ eq }}."},
            {"name": "cost", "calc": "number * 4.5 + price - price", "kind": "money", "text": "{{ eq }}."},
        ],
    )
    with pytest.raises(UnsatisfiableError, match=r"variant 'numbers': constraint 'boxes \* tiles == 280'"):
        template.problem("numbers", 0, 0)


def test_unknown_variants_and_indices(build: Build) -> None:
    with pytest.raises(UsageError, match="unknown variant 'nop'"):
        build().problem("nop", 0, 0)
    with pytest.raises(UsageError, match="has no variant 'p2'"):
        build().problem("p2", 0, 0)
    with pytest.raises(UsageError, match="index"):
        build().problem("names", 0, -1)


def test_control_flow_is_left_to_the_sandbox(build: Build) -> None:
    template = build(
        question__1="{% if boxes > 25 %}Many boxes: {% endif %}{{ who|he|cap }} pays {{ price }} for a tile.",
        question__0="{{ who }} buys {{ boxes }} boxes for the {{ room }}, {{ tiles }} tiles in a box.",
    )
    with pytest.raises(TemplateError):
        # a quantity is no int: only filters may look inside
        template.problem("symbolic", 0, 0)


def test_the_sandbox_keeps_templates_in(build: Build) -> None:
    for attack in (
        "{{ who.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ who._asdict() }}",
        "{{ range(10) }}",
    ):
        with pytest.raises(TemplateError):
            build(question__1=attack + " {{ who|he|cap }} pays {{ price }}.").problem("symbolic", 0, 0)
