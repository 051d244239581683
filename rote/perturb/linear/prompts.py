"""How a system is put to a model: the format ``hash`` with a line that names each unknown.

Tasks and training both call these; the bytes are the same.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from rote.prompts import get_format

_NUMBER: Final = r"[-+\u2212]?[0-9][0-9,]*(?:\.[0-9]+)?(?:/[0-9]+)?"
_STATED: Final = rf"[A-Za-z][ \t]*=[ \t]*{_NUMBER}"

FORMAT: Final = replace(
    get_format("hash"),
    name="hash_system",
    instruction=(
        "Solve this algebra problem one step at a time. Then close with a line of its own that reads "
        "`#### x = <number>`, or `#### x = <number>, y = <number>` and so on for several unknowns, with the "
        "letters of the problem. Write each number as an integer, a fraction or a decimal that is exact, "
        "without a unit or any other word."
    ),
    question_header="Algebra problem:",
    final_line=re.compile(rf"####[ \t]*{_STATED}(?:[ \t]*,[ \t]*{_STATED})*"),
    stop=("\n\nAlgebra problem:",),
)

_ANNOTATION: Final = re.compile(r"<<[^<>\n]*>>")


def question_text(question: str, *, zeroshot: bool = False) -> str:
    """One problem as put to the model, up to where the solution begins (no space at the end)."""
    text = f"{FORMAT.question_header} {question.strip()}\n{FORMAT.solution_header}"
    return f"{FORMAT.instruction}\n\n{text}" if zeroshot else text


def target_text(solution: str) -> str:
    """A solution as an exemplar shows it and as a model is trained to write it: without annotations."""
    return _ANNOTATION.sub("", solution).strip()
