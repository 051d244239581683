"""An item as a template: its answer to changed numbers, its instances, its names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import pytest
from gsm8k_items import ITEMS, Item, build, change, span, template

from rote.errors import UsageError
from rote.perturb.gsm8k import ItemTemplate
from rote.perturb.names import people
from rote.perturb.noop import ATTACHED

# answer() ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ITEMS)
def test_the_published_values_give_the_published_answer(name: str) -> None:
    item = template(name)
    original = item.problem("original", 0, 0).answer
    assert item.answer({}) == original
    assert item.answer({(n.start, n.end): n.value for n in item.numbers}) == original
    for number in item.numbers:
        assert item.answer({(number.start, number.end): number.value}) == original


def test_one_number_alone_changes() -> None:
    item = template("plums")
    assert item.answer({span(item, "14"): Fraction(15)}) == 15 * 25 - 60
    assert item.answer({span(item, "60"): Fraction(61)}) == 14 * 25 - 61


def test_a_frozen_number_or_no_number_is_declined() -> None:
    item = template("budget")
    assert item.answer({span(item, "100"): Fraction(120)}) is None
    assert item.answer({span(item, "100"): Fraction(100)}) is None
    assert item.answer({(0, 4): Fraction(3)}) is None
    start, end = span(item, "15")
    assert item.answer({(start, end - 1): Fraction(2)}) is None


def test_a_tied_number_alone_is_declined() -> None:
    item = template("restated")
    first, second = span(item, "48", 0), span(item, "48", 1)
    assert item.answer({first: Fraction(50)}) is None
    assert item.answer({second: Fraction(50)}) is None
    assert item.answer({first: Fraction(50), second: Fraction(51)}) is None
    assert item.answer({first: Fraction(50), second: Fraction(50)}) == 42
    assert item.answer({first: Fraction(48)}) == 40


def test_a_negative_step_on_the_way_is_declined() -> None:
    item = template("swapped")
    # 31 + 20 - (12 - 13) would be positive, but nobody eats 13 of 12 pears
    assert item.answer({span(item, "8"): Fraction(13)}) is None
    assert item.answer({span(item, "8"): Fraction(9)}) == 54


def test_answers_of_draws_agree_with_the_draws() -> None:
    for name in ITEMS:
        item = template(name)
        for index in range(10):
            _, values = item.values("symbolic", 3, index)
            problem = item.problem("symbolic", 3, index)
            drawn = {f"n{n.tie}": Fraction(str(values[f"n{n.tie}"])) for n in item.numbers}
            assert change(item, **drawn) == problem.answer


@pytest.mark.parametrize("one", ["swapped", "tied", "commas"])
def test_equal_roles_may_be_exchanged(one: str) -> None:
    item = template(one)
    if one == "swapped":  # pears and figs are summed in the end
        assert change(item, n1=33, n2=25) == change(item, n1=35, n2=23) == 62
        return
    ties = sorted({n.tie for n in item.numbers})
    values = [Fraction(9), Fraction(8)] if one == "tied" else [Fraction(13_000), Fraction(12_900)]
    answers = {
        change(item, **{f"n{tie}": value for tie, value in zip(ties, order, strict=True)})
        for order in permutations(values)
    }
    assert len(answers - {None}) == 1


# instances --------------------------------------------------------------------------------------


def test_the_numbers_of_an_instance_stand_where_they_stood() -> None:
    item = template("fish")
    for index in range(10):
        _, values = item.values("numbers", 0, index)
        question = item.problem("numbers", 0, index).question
        assert re.findall(r"\d+", question) == [str(values[f"n{k}"]) for k in range(3)]
        assert re.sub(r"\d+", "#", question) == re.sub(r"\d+", "#", ITEMS["fish"].question)


def test_variants_of_an_item() -> None:
    own = {name: [v for v in template(name).variants if v not in ATTACHED] for name in ("fish", "tied")}
    assert own == {
        "fish": ["original", "names", "numbers", "symbolic"],
        "tied": ["original", "numbers", "symbolic"],
    }
    with pytest.raises(UsageError, match="has no variant 'names'"):
        template("tied").problem("names", 0, 0)
    with pytest.raises(UsageError, match="unknown variant"):
        template("tied").problem("nmes", 0, 0)


def test_instances_differ_within_the_capacity_and_repeat_for_ever() -> None:
    item = template("plums")
    count = min(item.capacity("numbers"), 200)
    questions = [item.problem("numbers", 5, index).question for index in range(count)]
    assert len(set(questions)) == count
    again = template("plums")
    assert [again.problem("numbers", 5, index).question for index in range(count)] == questions
    assert item.problem("numbers", 6, 0).question != questions[0]


def test_processes_agree_whatever_the_hash_seed(tmp_path: Path) -> None:
    here = Path(__file__).parent
    program = (
        f"import sys; sys.path.insert(0, {str(here)!r})\n"
        "from gsm8k_items import ITEMS, template\n"
        "for name in ITEMS:\n"
        "    item = template(name)\n"
        "    for i in range(3):\n"
        "        p = item.problem('symbolic', 1, i)\n"
        "        print(ascii((p.question, p.solution, str(p.answer))))\n"
    )
    outputs = []
    for seed in ("0", "7"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "ROTE_CACHE": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=env,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0].splitlines()) == 3 * len(ITEMS)


# names ------------------------------------------------------------------------------------------


def test_a_name_is_replaced_everywhere_by_one_of_its_gender() -> None:
    item = template("article")
    (person,) = item.names
    women = {p.name for p in people("female")}
    for index in range(20):
        problem = item.problem("names", 0, index)
        name = problem.question.split()[0]
        assert name in women
        assert person.name not in problem.question
        assert problem.question == ITEMS["article"].question.replace("Nadia", name)
        assert problem.answer == 21


def test_two_people_stay_two_and_the_solution_follows() -> None:
    item = template("friends")
    assert [p.name for p in item.names] == ["Hugo", "Mei"]
    for index in range(20):
        problem = item.problem("names", 0, index)
        values = item.values("names", 0, index)[1]
        one, other = str(values["p0"]), str(values["p1"])
        assert one != other
        assert problem.question == ITEMS["friends"].question.replace("Hugo", one).replace("Mei", other)
        assert problem.solution == ITEMS["friends"].solution.replace("Hugo", one).replace("Mei", other)


def test_the_bare_apostrophe_of_a_name_in_s_becomes_a_possessive() -> None:
    item = template("possessive")
    assert item.problem("original", 0, 0).question.startswith("Thomas' shed")
    for index in range(20):
        problem = item.problem("names", 0, index)
        name = str(item.values("names", 0, index)[1]["p0"])
        assert problem.question.startswith(f"{name}'s shed stores 36")
        assert problem.question.endswith(f"in {name}'s shed?")
        assert f"the new ones {name}'s shed stores" in problem.solution
        assert "Thomas" not in problem.question + problem.solution


def test_a_pronoun_decides_the_gender() -> None:
    item = build(
        Item(
            "Robin has 40 coins. She finds 15 coins. How many coins has Robin?",
            "Robin has 40 + 15 = <<40+15=55>>55 coins.\n#### 55",
        )
    )
    assert isinstance(item, ItemTemplate)
    assert [(p.name, p.gender) for p in item.names] == [("Robin", "female")]
    women = {p.name for p in people("female")}
    assert all(item.problem("names", 0, i).question.split()[0] in women for i in range(10))
