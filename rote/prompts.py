"""The one renderer of prompts: a model is evaluated on exactly the bytes that it is trained on.

A :class:`Format` says how a problem is put to a model and how the model is asked to commit to its
answer. The lm-eval tasks call the functions below through thin wrappers, and lm-eval joins their
results; :func:`render` and :func:`messages` give what comes out of that, without lm-eval.

Layout of a plain prompt, few-shot (the last solution is the model's to write)::

    Word problem: <question>
    Worked solution: <solution as the format writes it>

    Word problem: <question>
    Worked solution:

and zero-shot::

    <instruction>

    Word problem: <question>
    Worked solution:

The format ``instruct`` has one layout: the instruction, one worked example of its own, the problem.

A solution ends, by format::

    hash, instruct    <steps>
                      #### <answer>
    boxed             <steps>
                      \\boxed{<answer>}
    tags              <reasoning>
                      <steps>
                      </reasoning>
                      <answer><answer></answer>
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from rote.answers.passages import without_thinking
from rote.errors import DataError, UsageError

#: Between a question and its solution, and between two exemplars: lm-eval's ``target_delimiter`` and
#: ``fewshot_delimiter``, stated in the tasks' YAML with the same values.
TARGET_DELIMITER: Final = " "
FEWSHOT_DELIMITER: Final = "\n\n"

#: Zero-shot stop string: a marker that is no text. (Some APIs refuse an empty list of stop strings.)
END_OF_TEXT: Final = "<|endoftext|>"

#: The format of a task whose name and settings tell none.
DEFAULT_FORMAT: Final = "hash"

#: What lm-eval logs of a task's function of scoring, its source or its name, says the format.
_SCORED_BY: Final = re.compile(r"process_results_([a-z0-9]+)\b")

#: GSM8K's calculator annotations, ``<<3*4=12>>``: for a checker, never shown to a model. No ``<`` inside,
#: so that an unclosed one costs no second scan.
_ANNOTATION: Final = re.compile(r"<<[^<>\n]*>>")

#: An answer in digits. ASCII digits only; sign, thousands separators, decimals or a fraction, nothing else.
_NUMBER: Final = r"[-+\u2212]?[0-9][0-9,]*(?:\.[0-9]+)?(?:/[0-9]+)?"
#: The same as LaTeX may write it.
_LATEX_NUMBER: Final = rf"(?:{_NUMBER}|[-+\u2212]?\\[dt]?frac\{{[0-9]+\}}\{{[0-9]+\}})"


class Exemplar(Protocol):
    """What a few-shot example must have; :class:`rote.problem.Problem` has it."""

    @property
    def question(self) -> str: ...

    @property
    def solution(self) -> str: ...


class Example(NamedTuple):
    """A worked example that a format brings itself."""

    question: str
    solution: str


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
        model ends by itself, and in thinking it likes to quote its prompt, header and all. No format stops
        at a mark of its own: backends cut the stop string away, ``</answer>`` and the answer with it, and
        in thinking a model quotes these marks, too.
    max_gen_toks: how many tokens a response may have, unless the user says otherwise.
    ending: how an answer is written, with ``{answer}`` in its place.
    frame: what stands around the steps of a solution, or None where nothing does.
    closers: characters that may follow the answer line's text, as a full stop or the end of mathematics.
    example: the one worked example that is always shown, under the instruction; None: those that are given.
    """

    name: str
    instruction: str
    question_header: str
    solution_header: str
    final_line: re.Pattern[str]
    stop: tuple[str, ...]
    max_gen_toks: int = 1024
    ending: str = "#### {answer}"
    frame: tuple[str, str] | None = None
    closers: str = ""
    example: Example | None = None

    def complies(self, response: str) -> bool:
        """Whether the response ends as asked: its last line that is not blank is the answer line.

        Thinking is no part of the response; one whose thinking never ends has not answered. With a
        ``frame`` the whole response is looked at: the frame, the answer, and nothing else. Linear in the
        length.
        """
        if self.frame is not None:
            return self._is_framed(response, *self.frame)
        said, unclosed = without_thinking(response)
        if unclosed:
            return False
        text = said.rstrip()
        if self.closers:
            text = text.rstrip(self.closers + string.whitespace)
        return self.final_line.fullmatch(text[text.rfind("\n") + 1 :].lstrip()) is not None

    def _is_framed(self, response: str, opening: str, closing: str) -> bool:
        head, closed, answer = response.rpartition(closing)
        before, opened, steps = head.rpartition(opening)
        if not closed or not opened or closing in steps or self.final_line.fullmatch(answer.strip()) is None:
            return False
        said, unclosed = without_thinking(before)
        return not unclosed and not said.strip()

    def write(self, steps: str, answer: str) -> str:
        """A solution as this format writes it; no blank line where there are no steps."""
        parts = [steps] if steps else []
        if self.frame is not None:
            parts = [self.frame[0], *parts, self.frame[1]]
        return "\n".join([*parts, self.ending.replace("{answer}", answer)])


_HASH: Final = Format(
    name="hash",
    instruction=(
        "Work out the answer to this word problem one step at a time. Then close with a line of "
        "its own that reads `#### <number>`, where <number> is the answer in digits, without a "
        "unit or any other word."
    ),
    question_header="Word problem:",
    solution_header="Worked solution:",
    final_line=re.compile(rf"####[ \t]*{_NUMBER}"),
    stop=("\n\nWord problem:",),
)

FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "hash": _HASH,
        "tags": replace(
            _HASH,
            name="tags",
            instruction=(
                "Work out the answer to this word problem one step at a time. Write the steps between "
                "<reasoning> and </reasoning>, and after them the answer between <answer> and </answer>: "
                "a number in digits, without a unit or any other word. Write nothing else."
            ),
            final_line=re.compile(rf"<answer>\s{{0,9}}{_NUMBER}\s{{0,9}}</answer>"),
            # Tags and "Step n:" markers are text on top of the steps.
            max_gen_toks=2048,
            ending="<answer>{answer}</answer>",
            frame=("<reasoning>", "</reasoning>"),
        ),
        "boxed": replace(
            _HASH,
            name="boxed",
            instruction=(
                "Work out the answer to this word problem one step at a time. Then close with the answer in "
                "a box, `\\boxed{<number>}`, where <number> is the answer in digits, without a unit or any "
                "other word."
            ),
            # Words may stand before the box, but no second box.
            final_line=re.compile(rf"(?:(?!\\boxed).)*\\boxed\{{[ \t]*{_LATEX_NUMBER}[ \t]*\}}"),
            # Models that were taught to box think aloud at length.
            max_gen_toks=2048,
            ending="\\boxed{{answer}}",
            closers=".$\\])*",
        ),
        "instruct": replace(
            _HASH,
            name="instruct",
            instruction=(
                "Solve the second of these two word problems. Derive the answer step by step and show each "
                "calculation. Then close with a line of its own that reads `#### <number>`, where <number> "
                "is the answer in digits, without a unit or any other word. The first problem is solved "
                "already, as an example."
            ),
            example=Example(
                "A bakery fills 6 trays with 15 rolls each. It sells 48 rolls in the morning and a third of "
                "the rest in the afternoon. How many rolls are left?",
                "There are 6 * 15 = <<6*15=90>>90 rolls.\n"
                "After the morning 90 - 48 = <<90-48=42>>42 rolls are left.\n"
                "In the afternoon 42 / 3 = <<42/3=14>>14 rolls are sold.\n"
                "So 42 - 14 = <<42-14=28>>28 rolls are left.\n"
                "#### 28",
            ),
        ),
    }
)


def get_format(name: str) -> Format:
    """The format of that name. Raises UsageError, listing the known ones."""
    try:
        return FORMATS[name]
    except KeyError:
        raise UsageError(f"unknown prompt format {name!r}; known: {', '.join(FORMATS)}") from None


def question_text(question: str, format: str = "hash", *, zeroshot: bool = False) -> str:
    """One problem as put to the model, up to where the solution begins (no space at the end).

    ``zeroshot``: with the instruction before it, and with the format's own example where it has one.
    """
    f = get_format(format)
    text = f"{f.question_header} {question.strip()}\n{f.solution_header}"
    if not zeroshot:
        return text
    shown = _shown(f.example, format) if f.example is not None else ""
    return f"{f.instruction}\n\n{shown}{text}"


def target_text(solution: str, format: str = "hash") -> str:
    """A solution as an exemplar shows it and as a model is trained to write it.

    ``solution`` is a chain of thought in GSM8K's style ending in ``#### <answer>``; calculator
    annotations (``<<3*4=12>>``) are taken out.

    Raises DataError where a format other than ``hash`` and ``instruct`` meets a solution without such a line.
    """
    f = get_format(format)
    text = _ANNOTATION.sub("", solution).strip()
    if f.ending == _HASH.ending:
        return text
    steps, mark, answer = text.rpartition("####")
    if not mark or not answer.strip() or "\n" in answer.strip():
        raise DataError(
            f"ends in {text[-40:]!r}; format {format!r} needs a last line '#### <answer>'", field="solution"
        )
    return f.write(steps.strip(), answer.strip())


def render(question: str, shots: Sequence[Exemplar] = (), format: str = "hash") -> str:
    """The whole prompt as plain text; zero-shot (with the instruction) when there are no shots.

    Raises UsageError on shots for a format that shows its own example.
    """
    _check_shots(shots, format)
    parts = [_shown(shot, format) for shot in shots]
    return "".join(parts) + question_text(question, format, zeroshot=not shots)


def _shown(shot: Exemplar, format: str) -> str:
    question = question_text(shot.question, format)
    return f"{question}{TARGET_DELIMITER}{target_text(shot.solution, format)}{FEWSHOT_DELIMITER}"


def _check_shots(shots: Sequence[Exemplar], format: str) -> None:
    if shots and get_format(format).example is not None:
        raise UsageError(f"prompt format {format!r} shows one example of its own; got {len(shots)} more")


def messages(
    question: str,
    shots: Sequence[Exemplar] = (),
    format: str = "hash",
    *,
    multiturn: bool = True,
    system: str | None = None,
    system_role: bool = True,
) -> list[dict[str, str]]:
    """The prompt as chat messages (``role``, ``content``), ready for a model's chat template.

    With ``multiturn`` (lm-eval's default under ``--apply_chat_template``) every exemplar is a user and
    an assistant turn; without it, the plain prompt is one user turn. ``system_role=False``: the template
    has no such role (:func:`fold_system`). Raises as :func:`render` does.
    """
    _check_shots(shots, format)
    turns = [{"role": "system", "content": system}] if system else []
    if multiturn:
        for shot in shots:
            turns.append({"role": "user", "content": question_text(shot.question, format)})
            turns.append({"role": "assistant", "content": target_text(shot.solution, format)})
        turns.append({"role": "user", "content": question_text(question, format, zeroshot=not shots)})
    else:
        turns.append({"role": "user", "content": render(question, shots, format)})
    return turns if system_role else fold_system(turns)


def fold_system(turns: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Chat messages for a template without a system role: its text opens the first user turn.

    A blank line stands between the two. Raises UsageError where there is a system turn and no user turn.
    """
    system = [turn["content"] for turn in turns if turn["role"] == "system"]
    folded = [dict(turn) for turn in turns if turn["role"] != "system"]
    if system:
        first = next((turn for turn in folded if turn["role"] == "user"), None)
        if first is None:
            raise UsageError("a system message has no user message to be folded into")
        first["content"] = "\n\n".join([*system, first["content"]])
    return folded


def format_of(task: str, config: Mapping[str, Any]) -> str:
    """The format of a task in lm-eval's logs: what scores it names it, else its name; else ``hash``.

    ``config`` is the task's own as logged; it may be empty.
    """
    named = _SCORED_BY.findall(str(config.get("process_results", ""))) + task.split("_")
    return next((name for name in named if name in FORMATS), DEFAULT_FORMAT)


def format_asked(prompt: str) -> str:
    """The format that a prompt of ours asks for, by its instruction or by its examples.

    ``hash`` where it shows none, and for ``instruct``, whose answers are written alike.
    """
    for name in ("tags", "boxed"):
        f = FORMATS[name]
        if f.instruction in prompt or f.ending.partition("{answer}")[0] in prompt:
            return name
    return "hash"
