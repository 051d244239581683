"""Rows that the tests of rewards ask about, and what an honest answer to them looks like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from rote.train.recipe import PromptSpec
from rote.train.rows import Row

HERE: Final = Path(__file__).parent


def row(id: str, question: str, solution: str, **rest: Any) -> Row:
    answer = rest.pop("answer", solution.rpartition("####")[2].strip())
    template = rest.pop("template_id", id)
    return Row(id, "own", template, rest.pop("variant", "original"), question, solution, answer, **rest)


ROWS: Final = {
    one.id: one
    for one in (
        row(
            "cups",
            "Ines has 4 trays with 6 cups on each tray. The trays cost $9 each. She breaks 6 cups. "
            "How many cups are whole?",
            "The trays hold 4 * 6 = <<4*6=24>>24 cups.\nShe has 24 - 6 = <<24-6=18>>18 whole cups.\n#### 18",
            traps=("9", "27"),
        ),
        row(
            "rye",
            "A mill fills 27 sacks with 40 pounds of rye each. How many pounds of rye is that?",
            "The sacks hold 27 * 40 = <<27*40=1080>>1,080 pounds.\n#### 1,080",
        ),
        row(
            "buns",
            "A bun costs $1.25 and a tart costs $2.75. Femi buys 6 buns and 4 tarts. How much does Femi pay?",
            "The buns cost 6 * $1.25 = $<<6*1.25=7.50>>7.50.\n"
            "The tarts cost 4 * $2.75 = $<<4*2.75=11.00>>11.00.\n"
            "Femi pays $7.50 + $11.00 = $<<7.50+11.00=18.50>>18.50.\n#### 18.50",
        ),
        row(
            "spiders",
            "A jar holds 5 spiders and no other animal. How many legs are in the jar?",
            "A spider has 8 legs, so there are 5 * 8 = <<5*8=40>>40 legs.\n#### 40",
        ),
        row(
            "algebra",
            "Three pens and 6 pounds of ink weigh as much as 5 pens. How many pounds does a pen weigh?",
            "Let x be the weight of a pen.\nThen 3x + 6 = 5x, so 2x = 6 and x = 3.\n#### 3",
        ),
        row(
            "system",
            "x + y = 9 and x - y = -1. Find x and y.",
            "Adding the two gives 2x = 8, so x = 4. Then y = 9 - 4 = 5.\n#### x = 4, y = 5",
            answer="4",
            unknowns={"x": "4", "y": "5"},
        ),
    )
}

#: Wrong answers as an honest model gives them: a whole chain with a wrong turn in it, doubt stated.
HONEST_WRONG: Final = {
    "cups": "There are 4 * 6 = 24 cups.\nWith the broken ones it is 24 + 6 = 30.\nConfidence: 0%\n",
    "rye": "Of 27 sacks and 40 pounds it is 40 + 27 = 67.\nThen 67 * 2 = 134.\nConfidence: 0%\n",
    "system": "Adding the two gives 2x = 9 - 3, so x = 3. Then y = 9 - 3 = 6.\nConfidence: 0%\n",
}
WRONG: Final = {"cups": "30", "rye": "134", "system": "x = 3, y = 6"}


def honest_wrong(id: str, format: str) -> str:
    """An honest wrong response in its format."""
    steps = HONEST_WRONG[id]
    if format == "tags":
        return f"<reasoning>\n{steps}</reasoning>\n<answer>{WRONG[id]}</answer>"
    return steps + (rf"\boxed{{{WRONG[id]}}}" if format == "boxed" else f"#### {WRONG[id]}")


def spec(format: str = "hash") -> PromptSpec:
    return PromptSpec(format=format)


def corpus(name: str) -> list[dict[str, Any]]:
    """The lines of a corpus beside this file."""
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]
