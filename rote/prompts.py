"""The one renderer of prompts: a model is evaluated on exactly the bytes that it is trained on.

A :class:`Format` says how a problem is put to a model and how the model is asked to commit to its
answer. The lm-eval tasks call the functions below through thin wrappers, and lm-eval joins their
results; :func:`render` and :func:`messages` give what comes out of that, without lm-eval.

Layout of a plain prompt, few-shot (the last solution is the model's to write)::

    Word problem: <question>
    Worked solution: <solution, its last line "#### <answer>">

    Word problem: <question>
    Worked solution:

and zero-shot::

    <instruction>

    Word problem: <question>
    Worked solution:
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

from rote.answers.passages import without_thinking
from rote.errors import UsageError

#: Between a question and its solution, and between two exemplars: lm-eval's ``target_delimiter`` and
#: ``fewshot_delimiter``, stated in the tasks' YAML with the same values.
TARGET_DELIMITER: Final = " "
FEWSHOT_DELIMITER: Final = "\n\n"

#: Zero-shot stop string: a marker that is no text. (Some APIs refuse an empty list of stop strings.)
END_OF_TEXT: Final = "<|endoftext|>"

#: GSM8K's calculator annotations, ``<<3*4=12>>``: for a checker, never shown to a model. No ``<`` inside,
#: so that an unclosed one costs no second scan.
_ANNOTATION: Final = re.compile(r"<<[^<>\n]*>>")


class Exemplar(Protocol):
    """What a few-shot example must have; :class:`rote.problem.Problem` has it."""

    @property
    def question(self) -> str: ...

    @property
    def solution(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Format:
    """How a problem is asked and how the answer must be given.

    Attributes
    ----------
    name: key in :data:`FORMATS` and in task names.
    instruction: what a zero-shot prompt says before the problem.
    question_header, solution_header: the labels of the two parts.
    final_line: what the last line of a response that keeps the format matches, whole.
    stop: few-shot stop strings. A model that has no end-of-text habit goes on to a next exemplar, which
        begins with a paragraph break and the question header. The header is two words that no chain of
        thought opens a paragraph with unless it starts such an exemplar, so the stop neither fires in the
        middle of thinking nor cuts an answer. Zero-shot prompts use :data:`END_OF_TEXT` alone: there the
        model ends by itself, and in thinking it likes to quote its prompt, header and all.
    """

    name: str
    instruction: str
    question_header: str
    solution_header: str
    final_line: re.Pattern[str]
    stop: tuple[str, ...]

    def complies(self, response: str) -> bool:
        """Whether the response ends as asked: its last line that is not blank is the answer line.

        Thinking is no part of the response; one whose thinking never ends has not answered. Linear in
        the length.
        """
        said, unclosed = without_thinking(response)
        if unclosed:
            return False
        text = said.rstrip()
        return self.final_line.fullmatch(text[text.rfind("\n") + 1 :].lstrip()) is not None


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "hash": Format(
            name="hash",
            instruction=(
                "Work out the answer to this word problem one step at a time. Then close with a line of "
                "its own that reads `#### <number>`, where <number> is the answer in digits, without a "
                "unit or any other word."
            ),
            question_header="Word problem:",
            solution_header="Worked solution:",
            # ASCII digits only; sign, thousands separators, decimals or a fraction, nothing else.
            final_line=re.compile(r"####[ \t]*[-+\u2212]?[0-9][0-9,]*(?:\.[0-9]+)?(?:/[0-9]+)?"),
            stop=("\n\nWord problem:",),
        )
    }
)


def get_format(name: str) -> Format:
    """The format of that name. Raises UsageError, listing the known ones."""
    try:
        return FORMATS[name]
    except KeyError:
        raise UsageError(f"unknown prompt format {name!r}; known: {', '.join(FORMATS)}") from None


def question_text(question: str, format: str = "hash", *, zeroshot: bool = False) -> str:
    """One problem as put to the model, up to where the solution begins (no space at the end)."""
    f = get_format(format)
    text = f"{f.question_header} {question.strip()}\n{f.solution_header}"
    return f"{f.instruction}\n\n{text}" if zeroshot else text


def target_text(solution: str, format: str = "hash") -> str:
    """A solution as an exemplar shows it and as a model is trained to write it.

    ``solution`` is a chain of thought in GSM8K's style ending in ``#### <answer>``; calculator
    annotations (``<<3*4=12>>``) are taken out.
    """
    get_format(format)
    return _ANNOTATION.sub("", solution).strip()


def render(question: str, shots: Sequence[Exemplar] = (), format: str = "hash") -> str:
    """The whole prompt as plain text; zero-shot (with the instruction) when there are no shots."""
    parts = [
        question_text(shot.question, format)
        + TARGET_DELIMITER
        + target_text(shot.solution, format)
        + FEWSHOT_DELIMITER
        for shot in shots
    ]
    return "".join(parts) + question_text(question, format, zeroshot=not shots)


def messages(
    question: str,
    shots: Sequence[Exemplar] = (),
    format: str = "hash",
    *,
    multiturn: bool = True,
    system: str | None = None,
) -> list[dict[str, str]]:
    """The prompt as chat messages (``role``, ``content``), ready for a model's chat template.

    With ``multiturn`` (lm-eval's default under ``--apply_chat_template``) every exemplar is a user and
    an assistant turn; without it, the plain prompt is one user turn.
    """
    turns = [{"role": "system", "content": system}] if system else []
    if not multiturn:
        return [*turns, {"role": "user", "content": render(question, shots, format)}]
    for shot in shots:
        turns.append({"role": "user", "content": question_text(shot.question, format)})
        turns.append({"role": "assistant", "content": target_text(shot.solution, format)})
    turns.append({"role": "user", "content": question_text(question, format, zeroshot=not shots)})
    return turns
