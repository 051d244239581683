"""The symboliser on random items of a known graph: what it lets change, it gets right."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rote.answers import is_correct
from rote.perturb.gsm8k import ItemTemplate, load
from rote.perturb.gsm8k.mentions import find_mentions
from rote.perturb.gsm8k.trees import Leaf, UnreadableError, compute, parse
from rote.steps import evaluate, find_equations, rederive

#: The nouns are alike in nothing, so that each number's role can be told by its words.
NOUNS = ("plums", "rakes", "candles", "hinges", "ropes", "mugs")
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def chains(draw: st.DrawFn) -> tuple[str, str, list[str], list[int]]:
    """A question, its solution, the signs of a chain of steps, and its numbers."""
    count = draw(st.integers(2, 5))
    signs = draw(st.lists(st.sampled_from("+-*"), min_size=count - 1, max_size=count - 1))
    numbers = [draw(st.integers(20, 90))]
    total = numbers[0]
    question = [f"A shed holds {numbers[0]} {NOUNS[0]}."]
    solution = []
    for sign, noun in zip(signs, NOUNS[1:], strict=False):
        number = draw(st.integers(2, 9) if sign == "*" else st.integers(10, 60))
        if sign == "-" and number >= total:
            sign = "+"
        numbers.append(number)
        after = total + number if sign == "+" else total - number if sign == "-" else total * number
        question.append(f"Then the number for {noun} is {number}.")
        solution.append(
            f"With {noun} it is {total} {sign} {number} = <<{total}{sign}{number}={after}>>{after}."
        )
        signs[len(numbers) - 2] = sign
        total = after
    return (
        " ".join(question) + " What is it in the end?",
        "\n".join(solution) + f"\n#### {total}",
        signs,
        numbers,
    )


def run_chain(signs: list[str], numbers: list[Fraction]) -> Fraction:
    total = numbers[0]
    for sign, number in zip(signs, numbers[1:], strict=True):
        total = total + number if sign == "+" else total - number if sign == "-" else total * number
    return total


@SLOW
@given(chains(), st.data())
def test_answers_of_random_chains(chain: tuple[str, str, list[str], list[int]], data: st.DataObject) -> None:
    question, solution, signs, numbers = chain
    item = load("train", records=[(1, {"question": question, "answer": solution})], cache=False)[0]
    assume(isinstance(item, ItemTemplate))
    places = {mention.span: k for k, mention in enumerate(find_mentions(question))}
    assert len(places) == len(numbers)
    original = item.problem("original", 0, 0)
    assert (original.question, original.solution) == (question, solution)
    for index in range(4):
        problem = item.problem("numbers", data.draw(st.integers(0, 99)), index)
        drawn = [mention.value for mention in find_mentions(problem.question)]
        assert run_chain(signs, drawn) == problem.answer
        assert is_correct(problem.solution, problem.answer)
        assert rederive(problem.solution).answer == problem.answer
        assert all(equation.correct for equation in find_equations(problem.solution))
    values = [Fraction(n) for n in numbers]
    changes = {}
    for number in item.numbers:
        value = Fraction(data.draw(st.integers(1, 120)))
        changes[number.start, number.end] = value
        values[places[number.start, number.end]] = value
    answer = item.answer(changes)
    assert answer is None or answer == run_chain(signs, values)


@SLOW
@given(chains(), st.data())
def test_sums_and_products_grow_with_each_number(
    chain: tuple[str, str, list[str], list[int]], data: st.DataObject
) -> None:
    question, solution, signs, numbers = chain
    item = load("train", records=[(1, {"question": question, "answer": solution})], cache=False)[0]
    assume(isinstance(item, ItemTemplate) and "-" not in signs)
    base = item.answer({})
    assert base == run_chain(signs, [Fraction(n) for n in numbers])
    number = data.draw(st.sampled_from(item.numbers))
    tied = [(n.start, n.end) for n in item.numbers if n.tie == number.tie]
    more = item.answer(dict.fromkeys(tied, number.value + 1))
    assert more is None or more > base


def expressions() -> st.SearchStrategy[str]:
    leaf = st.integers(1, 500).map(str) | st.decimals(1, 90, places=2, allow_nan=False).map(str)
    grow: Callable[[st.SearchStrategy[str]], st.SearchStrategy[str]] = lambda inner: st.one_of(  # noqa: E731
        st.tuples(inner, st.sampled_from("+-*/"), inner).map("".join), inner.map(lambda text: f"({text})")
    )
    return st.recursive(leaf, grow, max_leaves=8)


@given(expressions())
def test_trees_and_the_step_checker_agree(text: str) -> None:
    tree, leaves = parse(text)
    try:
        expected = evaluate(text)
    except ZeroDivisionError:
        return
    assert compute(tree, [leaf.value for leaf in leaves]) == expected


@given(st.text("0123456789+-*/() .,%$x=", max_size=60))
def test_any_text_is_a_tree_or_a_reason(text: str) -> None:
    reason = ""
    leaves: tuple[Leaf, ...] = ()
    try:
        leaves = parse(text)[1]
    except UnreadableError as error:
        reason = error.code
    assert bool(leaves) != (reason == "unreadable_expression")


@given(st.text(max_size=200))
def test_mentions_of_any_text_are_what_they_say(text: str) -> None:
    end = 0
    for mention in find_mentions(text):
        assert end <= mention.start < mention.end
        assert text[mention.start : mention.end] == mention.text
        end = mention.end


@SLOW
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_item_is_a_template_or_a_reason(question: str, steps: str) -> None:
    record = {
        "question": f"It has 12 of 30. {question}",
        "answer": f"{steps}\n12 + 30 = <<12+30=42>>42\n#### 42",
    }
    if "####" in steps:
        return
    found = load("train", records=[(1, record)], cache=False)[0]
    if isinstance(found, ItemTemplate):
        assert found.problem("original", 0, 0).question == record["question"]
        assert found.answer({}) == 42
    else:
        assert found.code
