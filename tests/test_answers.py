"""The grader: worked examples, real solutions, gold solutions, and records of a file."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from rote.answers import REASONS, STAGES, extract, grade, grade_lines, is_correct, read_gold
from rote.errors import DataError

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "tests" / "data" / "extraction.jsonl"

#: Solutions on which the authors' verdict is a slip, by 1-based line and model, with the reason. None.
KNOWN_SLIPS: dict[tuple[int, str], str] = {}


def gsm8k(name: str) -> Path:
    folder = Path(os.environ.get("ROTE_GSM8K", ROOT.parent / "shared" / "gsm8k"))
    path = folder / name
    if not path.is_file():
        pytest.skip(f"needs GSM8K's {name}: set ROTE_GSM8K to the folder that holds it")
    return path


def records(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def check(example: dict[str, Any]) -> None:
    verdict = grade(example["response"], example["gold"])
    found = verdict.extraction
    assert found.text == example["value"]
    assert verdict.correct is example["correct"]
    assert (found.reason is None) is (found.value is not None)
    assert found.reason is None or found.reason in REASONS
    assert found.stage is None or found.stage in STAGES
    for key in ("reason", "stage"):
        if key in example:
            assert getattr(found, key) == example[key]


@pytest.mark.parametrize("example", list(records(EXAMPLES)), ids=lambda e: f"{e['id']}-{e['category']}")
def test_worked_examples(example: dict[str, Any]) -> None:
    check(example)


def test_worked_examples_cover_every_stage_and_reason() -> None:
    found = [extract(example["response"]) for example in records(EXAMPLES)]
    assert {f.stage for f in found if f.value is not None} == set(STAGES)
    assert {f.reason for f in found if f.reason} == set(REASONS)


def test_examples_published_beside_gsm8k() -> None:
    path = gsm8k("test.jsonl").parent.parent / "extraction" / "examples.jsonl"
    if not path.is_file():
        pytest.skip("needs extraction/examples.jsonl beside the folder of GSM8K")
    examples = list(records(path))
    assert examples
    for example in examples:
        check(example)


def test_agrees_with_the_authors_verdict_on_every_model_solution() -> None:
    differences = set()
    total = 0
    for number, record in enumerate(records(gsm8k("example_model_solutions.jsonl")), start=1):
        gold = record["ground_truth"].rpartition("A:")[2].strip()
        for model, answer in record.items():
            if not isinstance(answer, dict):
                continue
            total += 1
            if is_correct(answer["solution"], gold) is not answer["is_correct"]:
                differences.add((number, model))
    assert total == 5276
    assert differences == set(KNOWN_SLIPS)


@pytest.mark.parametrize("name", ["train.jsonl", "test.jsonl", "test_socratic.jsonl"])
def test_gold_solutions_score_full_marks(name: str) -> None:
    wrong = []
    for number, record in enumerate(records(gsm8k(name)), start=1):
        verdict = grade(record["answer"], record["answer"].rpartition("####")[2].strip())
        if not verdict.correct or verdict.extraction.stage != "hash":
            wrong.append(number)
    assert wrong == []


@pytest.mark.parametrize(
    ("response", "answer", "reason"),
    [
        ("<think>Steps go between <reasoning> and </reasoning>. So 2 + 2 = 4", None, "unfinished_thinking"),
        ("<think>As <reasoning>a</reasoning><answer>5</answer>.</think>\n#### 4", "4", None),
        ("<think>As <reasoning> a</think> b </reasoning>\n#### 4", "4", None),
        ("<think>2 + 2 = 5</reasoning><answer>4</answer>", "4", None),
    ],
)
def test_a_quoted_tag_does_not_end_a_thought(response: str, answer: str | None, reason: str | None) -> None:
    found = extract(response)
    assert (found.text, found.reason) == (answer, reason)


def test_span_is_where_the_answer_stands_in_the_response() -> None:
    response = "\n  <think>#### 3</think>\nFirst.\n#### 72 clips\nBye."
    span = extract(response).span
    assert span is not None
    assert response[slice(*span)].strip() == "72 clips"


def test_gold_may_be_a_fraction_an_int_or_text() -> None:
    assert is_correct("#### 5/3", Fraction(5, 3))
    assert is_correct("#### 72", 72)
    assert is_correct("#### 1080", "$1,080")
    assert not is_correct("#### 3:30", Fraction(210))
    assert str(read_gold("3:30")) == "3:30"


@pytest.mark.parametrize("gold", ["", "n/a", "18 or 20", "1/0"])
def test_a_gold_that_is_no_number_is_an_error(gold: str) -> None:
    with pytest.raises(ValueError, match="not one number"):
        grade("#### 18", gold)


#: One line of each would hang a quadratic search, and several crash int(), a recursion or a power.
HOSTILE = [
    *(
        "(",
        "####",
        "#### ",
        "####\n",
        "<answer>",
        "<answer>1</answer>",
        "</answer>",
        "\\boxed{",
        "\\boxed{1}",
    ),
    *(
        "1",
        "1,",
        "1 ",
        "1/",
        "$",
        " ",
        "\n",
        "=",
        "1=",
        "answer is ",
        "answer to a",
        "The answer is 1 or ",
        "\nA:",
    ),
    *(
        "<think>",
        "</think>",
        "<think></think>",
        "\n\nQ:",
        "\nQ: 1\n",
        "wait ",
        "no, wait ",
        "?",
        "<<",
        "<<1=1>>",
    ),
    *(
        "**",
        "_",
        "^",
        "{",
        "}",
        "\\frac{1}{2}",
        "½",
        "\uff19",
        "one ",
        "twenty-",
        "hundred ",
        "3:30 ",
        "1e9",
        "[INST]",
    ),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_megabyte_of_anything_is_read(unit: str) -> None:
    found = extract(unit * (1_000_000 // len(unit)))
    assert found.reason is None or found.reason in REASONS


@pytest.mark.parametrize(
    "text", ["\x00", "\ud800", "\udfff72", "#### \ud83d72", "\u202e72", "#### " + "9" * 5000]
)
def test_any_string_is_taken(text: str) -> None:
    extract(text)


@pytest.mark.parametrize(
    "text", ["#### 1e999999999", "#### 10^999999999", "#### 1/1e99999", "#### 2**9**9**9"]
)
def test_huge_powers_are_not_worked_out(text: str) -> None:
    assert extract(text).value is None


ALGEBRA = str.split(
    "x + 3|3 + x|x - 3|x -3|x+3|x * 3|x/3|x^2|5 - x|5/x|3x + y|3(x + y)|x + y + 3|2x + 3|$x + 3$|x_1 + 3"
    "|$x$ + $3$|x plus 3|x minus 3|3 times x|x divided by 3|a + 3|y = x + 3|8 = x + 3|8 = 2x + 2"
    "|x \\cdot 3|t_1 + 3",
    "|",
)
FIELDS = ("#### %s", "The answer is %s.", "<answer>%s</answer>", "\\boxed{%s}", "So Mary has %s apples.")


@pytest.mark.parametrize("expression", ALGEBRA)
def test_an_expression_with_a_letter_is_no_number(expression: str) -> None:
    for field in FIELDS:
        found = extract(field % expression)
        assert (found.value, found.reason) == (None, "no_number"), field


@pytest.mark.parametrize(
    "text",
    str.split(
        "x = 18|n = 18 apples|x + 3 = 18|x is 18|18 m/s|18 N·m|$18/h|18 l|18 g|18 a day|18 times a week"
        "|18 T-shirts|18-l bottles|18 m^2|18 m - a lot|18 - I think|B - 18|**B** 18|A) 18|x: 18|18 (x + 3)"
        "|S/18|S/ 18|18 w/ tip|A + B have 18|So A = 18 and B",
        "|",
    ),
)
def test_a_letter_beside_a_number_is_no_algebra(text: str) -> None:
    for field in ("#### %s", "The answer is %s.", "<answer>%s</answer>"):
        assert extract(field % text).value == 18, field


def test_a_multiplier_is_a_number() -> None:
    assert extract("#### 3x multiplier").value == 3
    assert extract("#### 72 x 3").value is None


def test_threads_agree() -> None:
    examples = list(records(EXAMPLES))
    expected = [extract(example["response"]) for example in examples]
    results: list[list[Any]] = [[] for _ in range(4)]

    def work(into: list[Any]) -> None:
        into.extend(extract(example["response"]) for example in examples)

    threads = [threading.Thread(target=work, args=(into,)) for into in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result == expected for result in results)


def test_records_in_order() -> None:
    lines = [b'{"response": "#### 72", "gold": 72, "more": 1}\n', b'{"response": "", "gold": "0.5"}']
    assert list(grade_lines(lines, "f")) == [
        {"value": "72", "correct": True, "stage": "hash", "reason": None},
        {"value": None, "correct": False, "stage": None, "reason": "empty"},
    ]


def test_json_numbers_are_exact_golds() -> None:
    lines = [b'{"response": "#### 0.1", "gold": 0.1}', b'{"response": "#### 5", "gold": %s}' % (b"9" * 6000)]
    assert [verdict["correct"] for verdict in grade_lines(lines, "f")] == [True, False]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", r"f:2: not JSON: .*column 2"),
        (b"\n", r"f:2: an empty line"),
        (b"\xff", r"f:2: not UTF-8"),
        (b"[" * 100_000, r"f:2: not JSON"),
        (b"[1]", r"f:2: expected an object"),
        (b'{"gold": "1"}', r"f:2 \[response\]: the field is missing"),
        (b'{"response": "1"}', r"f:2 \[gold\]: the field is missing"),
        (b'{"response": 1, "gold": "1"}', r"f:2 \[response\]: expected a string, got 1"),
        (b'{"response": "1", "gold": true}', r"f:2 \[gold\]: expected a string or a number, got true"),
        (b'{"response": "1", "gold": "one or two"}', r"f:2 \[gold\]: not one number: 'one or two'"),
        (b'{"response": "1", "gold": 1e999999}', r"f:2 \[gold\]: not one number"),
    ],
)
def test_a_bad_record_is_named_after_the_good_ones_are_given(line: bytes, message: str) -> None:
    verdicts = grade_lines([b'{"response": "1", "gold": "1"}', line], "f")
    assert next(verdicts)["correct"]
    with pytest.raises(DataError, match=message):
        next(verdicts)
