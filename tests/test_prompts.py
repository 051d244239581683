"""The renderer of prompts: exact bytes, and what counts as keeping the format."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from rote import prompts
from rote.errors import UsageError


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
    "hostile", ["#### 1" + ",1" * 500_000, "#### " + "9" * 1_000_000 + "x", "\n" * 1_000_000, "<<" * 500_000]
)
def test_linear_on_hostile_text(hostile: str) -> None:
    started = time.perf_counter()
    prompts.FORMATS["hash"].complies(hostile)
    prompts.target_text(hostile)
    # Quadratic work on a million characters would take minutes.
    assert time.perf_counter() - started < 2


def test_stop_string_is_how_the_next_exemplar_begins() -> None:
    f = prompts.FORMATS["hash"]
    start = prompts.FEWSHOT_DELIMITER + prompts.question_text(QUESTION)
    assert all(start.startswith(stop) for stop in f.stop)
    assert not any(stop in prompts.target_text(shot.solution) for stop in f.stop for shot in SHOTS)


def test_unknown_format_is_named() -> None:
    with pytest.raises(UsageError, match=r"unknown prompt format 'hsh'; known: hash"):
        prompts.render(QUESTION, format="hsh")
