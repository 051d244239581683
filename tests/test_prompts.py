"""The renderer of prompts: exact bytes, and what counts as keeping the format."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rote import prompts
from rote.answers import grade
from rote.errors import DataError, UsageError
from rote.steps import find_equations


@dataclass(frozen=True)
class Shot:
    question: str
    solution: str


SHOTS = (
    Shot("Ada has 3 pens and buys 4. How many pens has she?", "She has 3 + 4 = <<3+4=7>>7 pens.\n#### 7"),
    Shot("A rope of 9 m is cut in 3. How long is a part?", "A part is 9 / 3 = <<9/3=3>>3 m.\n#### 3"),
)
QUESTION = "Two boxes hold 5 figs each. How many figs are there?"


def test_fewshot_prompt_byte_for_byte() -> None:
    assert prompts.render(QUESTION, SHOTS) == (
        "Word problem: Ada has 3 pens and buys 4. How many pens has she?\n"
        "Worked solution: She has 3 + 4 = 7 pens.\n#### 7\n"
        "\n"
        "Word problem: A rope of 9 m is cut in 3. How long is a part?\n"
        "Worked solution: A part is 9 / 3 = 3 m.\n#### 3\n"
        "\n"
        "Word problem: Two boxes hold 5 figs each. How many figs are there?\n"
        "Worked solution:"
    )


def test_zeroshot_prompt_says_how_to_end() -> None:
    prompt = prompts.render(QUESTION)
    instruction, _, rest = prompt.partition("\n\n")
    assert "`#### <number>`" in instruction
    assert rest == f"Word problem: {QUESTION}\nWorked solution:"


def test_messages_carry_the_same_text_as_the_plain_prompt() -> None:
    turns = prompts.messages(QUESTION, SHOTS)
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    joined = ""
    for turn in turns:
        joined += turn["content"] + (" " if turn["role"] == "user" else "\n\n")
    assert joined.rstrip() == prompts.render(QUESTION, SHOTS)
    assert prompts.messages(QUESTION, SHOTS, multiturn=False) == [
        {"role": "user", "content": prompts.render(QUESTION, SHOTS)}
    ]
    assert prompts.messages(QUESTION, system="Be brief.") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": prompts.render(QUESTION)},
    ]


@pytest.mark.parametrize(
    ("solution", "shown"),
    [
        ("3*4=<<3*4=12>>12\n#### 12", "3*4=12\n#### 12"),
        ("<<1/2=.5>><<2+2=4>>ok\n#### 4\n", "ok\n#### 4"),
        ("2 < 3, so a << b\n#### 3", "2 < 3, so a << b\n#### 3"),
        ("no annotation\n#### -2.5", "no annotation\n#### -2.5"),
    ],
)
def test_target_text_takes_out_annotations_only(solution: str, shown: str) -> None:
    assert prompts.target_text(solution) == shown


@pytest.mark.parametrize(
    "response",
    [
        "#### 18",
        "chain\n#### 18\n\n  \n",
        "chain\r\n#### 1,080\r\n",
        "#### -3",
        "#### \u22123.5",
        "####5/3",
        "<think>hm\n#### 4</think>\nso\n#### 5",
        "hm\n</think>\n#### 5",
        "[THINK]so\n#### 17\n[/THINK]#### 18",
        "#### 1\nWait, no.\n#### 2",
    ],
)
def test_complies(response: str) -> None:
    assert prompts.FORMATS["hash"].complies(response)


@pytest.mark.parametrize(
    "response",
    [
        "",
        "   \n",
        "18",
        "The answer is 18.",
        "#### 18 figs",
        "#### $18",
        "#### 18\nWord problem: another",
        "so #### 18",
        "### 18",
        "#### ",
        "#### x",
        "#### 18.",
        "**#### 18**",
        "<think>\n#### 18",
        "[THINK]so\n#### 18",
        "#### 18\n<think>\n#### 18\n</think>\nDone.",
        "#### 3</think><think>\n#### 18",
        "#### \u0661\u0668",
    ],
)
def test_does_not_comply(response: str) -> None:
    assert not prompts.FORMATS["hash"].complies(response)


@pytest.mark.parametrize(
    "hostile",
    [
        "#### 1" + ",1" * 500_000,
        "#### " + "9" * 1_000_000 + "x",
        "\n" * 1_000_000,
        "<<" * 500_000,
        "\\boxed{" * 150_000,
        "\\boxed{1}" + " ." * 500_000,
        "\\boxed{1}" + "$x" * 500_000,
        "<reasoning>" * 90_000,
        "<reasoning></reasoning>" * 45_000 + "<answer>1</answer>",
        "</reasoning><answer>" + "1," * 500_000,
        "<reasoning></reasoning><answer>1" + " " * 1_000_000 + "</answer>",
    ],
)
@pytest.mark.parametrize("format", prompts.FORMATS)
def test_linear_on_hostile_text(hostile: str, format: str) -> None:
    started = time.perf_counter()
    prompts.FORMATS[format].complies(hostile)
    prompts.target_text(hostile + "\n#### 1", format)
    # Quadratic work on a million characters would take minutes.
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("format", prompts.FORMATS)
def test_stop_string_is_how_the_next_exemplar_begins(format: str) -> None:
    f = prompts.FORMATS[format]
    start = prompts.FEWSHOT_DELIMITER + prompts.question_text(QUESTION, format)
    for stop in f.stop:
        assert start.startswith(stop)
        assert not any(stop in prompts.target_text(shot.solution, format) for shot in SHOTS)
        # A model that quotes in its thinking what it was asked to do is not cut off there.
        assert stop not in f.instruction
        assert stop not in "<think>\n\n</think>\n\n<reasoning>\n\n</reasoning>\n\n<answer>\n\n</answer>"
    assert all(prompts.END_OF_TEXT not in text for text in (f.instruction, f.ending, start))


class TestFormats:
    def test_fewshot_prompts_byte_for_byte(self) -> None:
        assert prompts.render(QUESTION, SHOTS[:1], "tags") == (
            "Word problem: Ada has 3 pens and buys 4. How many pens has she?\n"
            "Worked solution: <reasoning>\nShe has 3 + 4 = 7 pens.\n</reasoning>\n<answer>7</answer>\n"
            "\n"
            "Word problem: Two boxes hold 5 figs each. How many figs are there?\n"
            "Worked solution:"
        )
        assert prompts.render(QUESTION, SHOTS[:1], "boxed") == (
            "Word problem: Ada has 3 pens and buys 4. How many pens has she?\n"
            "Worked solution: She has 3 + 4 = 7 pens.\n\\boxed{7}\n"
            "\n"
            "Word problem: Two boxes hold 5 figs each. How many figs are there?\n"
            "Worked solution:"
        )

    def test_instruct_shows_one_example_below_the_instruction(self) -> None:
        f = prompts.get_format("instruct")
        assert f.example is not None
        prompt = prompts.render(QUESTION, format="instruct")
        assert prompt == (
            f"{f.instruction}\n\n"
            f"Word problem: {f.example.question}\n"
            f"Worked solution: {prompts.target_text(f.example.solution)}\n"
            "\n"
            f"Word problem: {QUESTION}\n"
            "Worked solution:"
        )
        assert prompts.messages(QUESTION, format="instruct") == [{"role": "user", "content": prompt}]
        gold = f.example.solution.rpartition("####")[2]
        equations = find_equations(f.example.solution)
        assert grade(prompts.target_text(f.example.solution), gold.strip()).correct
        assert len(equations) >= 4
        assert all(equation.correct for equation in equations)

    @pytest.mark.parametrize("ask", [prompts.render, prompts.messages])
    def test_instruct_takes_no_further_examples(self, ask: Callable[..., object]) -> None:
        with pytest.raises(UsageError, match="'instruct' shows one example of its own; got 2 more"):
            ask(QUESTION, SHOTS, "instruct")

    @pytest.mark.parametrize("format", prompts.FORMATS)
    def test_gold_complies_and_is_right(self, format: str) -> None:
        for answer in ("18", "-2.5", "1,080", "5/3"):
            text = prompts.target_text(f"2 + 2 = <<2+2=4>>4\n\nAnd on.\n#### {answer}", format)
            assert prompts.FORMATS[format].complies(text)
            assert prompts.FORMATS[format].complies(f"<think>hm\n</think>\n\n{text}\n")
            assert not prompts.FORMATS[format].complies(f"<think>{text}")
            assert not prompts.FORMATS[format].complies(f"{text}\nI hope that helps.")
            assert grade(text, answer).correct
        assert prompts.FORMATS[format].complies(prompts.target_text("#### 4", format))

    @pytest.mark.parametrize("format", ["tags", "boxed"])
    @pytest.mark.parametrize("solution", ["no answer", "steps ####", "#### 4\nand on"])
    def test_a_solution_without_an_answer_line_is_named(self, format: str, solution: str) -> None:
        with pytest.raises(DataError, match="needs a last line '#### <answer>'"):
            prompts.target_text(solution, format)

    def test_format_asked(self) -> None:
        for format, f in prompts.FORMATS.items():
            read = {"instruct": "hash"}.get(format, format)
            assert prompts.format_asked(prompts.render(QUESTION, format=format)) == read
            if f.example is None:
                assert prompts.format_asked(prompts.render(QUESTION, SHOTS, format)) == read
        assert prompts.format_asked("") == "hash"

    @pytest.mark.parametrize(
        ("response", "keeps"),
        [
            ("<reasoning>a</reasoning><answer>4</answer>", True),
            ("\n<reasoning>\na\n\nb\n</reasoning>\n\n<answer> -1,004.5\n</answer>\n", True),
            ("<think><reasoning>a</reasoning> or</think><reasoning>a</reasoning><answer>4</answer>", True),
            ("so</think>\n<reasoning>a</reasoning><answer>4</answer>", True),
            ("<answer>4</answer>", False),
            ("<reasoning>a<answer>4</answer>", False),
            ("a</reasoning><answer>4</answer>", False),
            ("Sure: <reasoning>a</reasoning><answer>4</answer>", False),
            ("<reasoning>a</reasoning>So: <answer>4</answer>", False),
            ("<reasoning>a</reasoning><answer>4</answer> figs", False),
            ("<reasoning>a</reasoning><answer>4 figs</answer>", False),
            ("<reasoning>a</reasoning><answer></answer>", False),
            ("<reasoning>a</reasoning>b</reasoning><answer>4</answer>", False),
            ("<reasoning>a</reasoning><answer>4</answer><answer>4</answer>", False),
            ("<reasoning>a</reasoning><answer>4", False),
            ("<think>hm <reasoning>a</reasoning><answer>4</answer>", False),
        ],
    )  # fmt: skip
    def test_tags(self, response: str, keeps: bool) -> None:
        assert prompts.FORMATS["tags"].complies(response) is keeps

    @pytest.mark.parametrize(
        ("response", "keeps"),
        [
            ("so\n\\boxed{4}", True),
            ("The answer is $\\boxed{4}$.", True),
            ("\\[\n\\boxed{ 1,004 }\n\\]\n", True),
            ("**\\(\\boxed{-5/3}\\)**", True),
            ("\\boxed{\\frac{5}{3}}", True),
            ("\\boxed{3}\nNo: \\boxed{4}", True),
            ("\\boxed{3} or \\boxed{4}", False),
            ("\\boxed{4} figs", False),
            ("\\boxed{4 \\text{ figs}}", False),
            ("\\boxed{\\$4}", False),
            ("\\boxed{x}", False),
            ("\\boxed{4", False),
            ("\\boxed{4}\nThat is all.", False),
            ("boxed{4}", False),
            ("<think>\\boxed{4}", False),
        ],
    )
    def test_boxed(self, response: str, keeps: bool) -> None:
        assert prompts.FORMATS["boxed"].complies(response) is keeps


class TestSystemRole:
    def test_folded_into_the_first_user_turn(self) -> None:
        turns = prompts.messages(QUESTION, SHOTS, system="Be brief.", system_role=False)
        assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
        plain = prompts.messages(QUESTION, SHOTS)
        assert turns[0]["content"] == f"Be brief.\n\n{plain[0]['content']}"
        assert turns[1:] == plain[1:]
        assert prompts.messages(QUESTION, multiturn=False, system="S.", system_role=False) == [
            {"role": "user", "content": f"S.\n\n{prompts.render(QUESTION)}"}
        ]

    def test_nothing_to_fold(self) -> None:
        turns = prompts.messages(QUESTION)
        assert prompts.fold_system(turns) == turns
        assert prompts.fold_system([]) == []

    def test_the_given_turns_are_left_alone(self) -> None:
        turns = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
        assert prompts.fold_system(turns) == [{"role": "user", "content": "S\n\nU"}]
        assert turns[1] == {"role": "user", "content": "U"}

    def test_no_user_turn(self) -> None:
        with pytest.raises(UsageError, match="no user message"):
            prompts.fold_system([{"role": "system", "content": "S"}])


def test_unknown_format_is_named() -> None:
    with pytest.raises(UsageError, match=r"unknown prompt format 'hsh'; known: hash, tags, boxed, instruct"):
        prompts.render(QUESTION, format="hsh")


@pytest.mark.parametrize(
    ("task", "config", "name"),
    [
        (
            "bank_noop",
            {"process_results": "def process_results_tags(doc, results):\n    return score(doc)\n"},
            "tags",
        ),
        ("bank_noop_boxed_zeroshot", {}, "boxed"),
        ("bank_noop_instruct", {}, "instruct"),
        ("bank_noop", {}, "hash"),
        ("my_tags", {"process_results": "<function process_results_hash at 0x7f>"}, "hash"),
        ("my_tags", {"process_results": "def process_results_hash_of_mine(doc, results):"}, "tags"),
        ("bank_noop", {"process_results": None}, "hash"),
        ("", {"process_results": 3}, "hash"),
    ],
)
def test_format_of_a_logged_task(task: str, config: dict[str, object], name: str) -> None:
    assert prompts.format_of(task, config) == name
