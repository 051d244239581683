"""``--model rote-budget``: budget forcing round any model of lm-eval that generates.

The model thinks for at most ``max_thinking`` tokens; then the end of thinking is written for it and it
answers. Where it ends its thinking earlier, it is made to go on up to ``wait`` times: the end is left out and
"Wait" is written in its place (budget forcing: Muennighoff et al., s1: Simple test-time scaling, 2025,
section 3).

A response is the whole block, ``<think>…</think>`` and the answer, so that scoring and logs see both. Each is
generated in rounds, every round one batch of all requests that are still in it:

1. thinking, stopped at the end token only: a task's stop strings are for its answers and end no thought;
2. as often as asked: "Wait", and more thinking for those that ended early, in what is left of the budget;
3. the answer, with the task's own stop strings, in the tokens that the thinking budget leaves of
   ``max_gen_toks`` (or ``max_answer``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lm_eval.api.model import LM

from rote.errors import UsageError
from rote.harness_ext.models.generation import Ended, Generation, Response, Thinking
from rote.harness_ext.models.inner import LIMITS, TELLING, AroundLM, Asker, make_inner, told
from rote.harness_ext.models.telemetry import Telemetry
from rote.harness_ext.settings import whole_number

NAME: Final = "rote-budget"

#: What most models that think write round it, and what makes one think on.
THINK_START: Final = "<think>"
THINK_END: Final = "</think>"
WAIT: Final = "Wait"

#: Arguments of our own; all others are the inner model's.
OWN: Final = (
    "model",
    "max_thinking",
    "wait",
    "max_answer",
    "think_start",
    "think_end",
    "wait_text",
    "closing",
    "as_text",
    "answer_only",
    "telemetry",
)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a model thinks.

    Attributes
    ----------
    max_thinking: most tokens of thinking, inserted words included; 0: none, the end is written at once.
    wait: how often a model that ends early is made to go on, at least 0.
    max_answer: most tokens of the answer; None: what ``max_thinking`` leaves of the task's ``max_gen_toks``.
    think_start: written after a prompt that does not end with it; "": nothing is written.
    think_end: the token that ends thinking.
    wait_text: written where an early end is left out.
    closing: written before a forced end, such as "\\nTime is up.\\n".
    as_text: the end may be several tokens, for models taught it as ordinary text.
    answer_only: the response is the answer without the thinking.
    """

    max_thinking: int
    wait: int = 0
    max_answer: int | None = None
    think_start: str = THINK_START
    think_end: str = THINK_END
    wait_text: str = WAIT
    closing: str = ""
    as_text: bool = False
    answer_only: bool = False

    def __post_init__(self) -> None:
        """Raises UsageError for values out of range and settings that contradict each other."""
        whole_number(self.max_thinking, f"{NAME}: max_thinking", 0)
        whole_number(self.wait, f"{NAME}: wait", 0)
        if self.max_answer is not None:
            whole_number(self.max_answer, f"{NAME}: max_answer", 1)
        for name in ("think_start", "think_end", "wait_text", "closing"):
            if not isinstance(getattr(self, name), str):
                raise UsageError(f"{NAME}: {name} must be text, got {getattr(self, name)!r}")
        for name in ("as_text", "answer_only"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{NAME}: {name} must be true or false, got {getattr(self, name)!r}")
        if not self.think_end:
            raise UsageError(f"{NAME}: think_end must name the token that ends thinking, such as </think>")
        for name in ("think_start", "wait_text", "closing"):
            if self.think_end in getattr(self, name):
                raise UsageError(f"{NAME}: {name}={getattr(self, name)!r} holds think_end={self.think_end!r}")
        if self.wait and not self.max_thinking:
            raise UsageError(
                f"{NAME}: wait={self.wait} needs thinking to go on with, and max_thinking=0 allows none"
            )
        if self.wait and not self.wait_text:
            raise UsageError(f"{NAME}: wait={self.wait} needs a wait_text to write")


@dataclass(slots=True)
class _Course:
    """One response on its way."""

    request: Any
    prompt: str
    opening: str
    left: int
    text: str = ""
    waits: int = 0
    used: int = 0
    ended: Ended = "none"
    rounds: list[Generation] = field(default_factory=list)


class BudgetLM(AroundLM):
    """A model of lm-eval that thinks within a budget.

    Parameters
    ----------
    model: the inner model's name, such as hf, vllm or local-completions; or the model itself.
    max_thinking: see :class:`Budget`; needed.
    wait, max_answer, think_start, think_end, wait_text, closing, as_text, answer_only: see :class:`Budget`.
    telemetry: a file of JSON lines, one for each response; None: no file.
    inner: the inner model's arguments. One that is served under a name takes it as ``pretrained=<name>``.

    Raises
    ------
    UsageError: contradictory budgets, a tokenizer without the end token, unknown arguments.
    """

    def __init__(
        self,
        model: str | LM = "hf",
        max_thinking: Any = None,
        wait: Any = 0,
        max_answer: Any = None,
        think_start: str = THINK_START,
        think_end: str = THINK_END,
        wait_text: str = WAIT,
        closing: str = "",
        as_text: bool = False,
        answer_only: bool = False,
        telemetry: str | None = None,
        **inner: Any,
    ) -> None:
        super().__init__()
        if max_thinking is None:
            raise UsageError(f"{NAME}: say how many tokens the model may think for: max_thinking=1024")
        self.budget = Budget(
            max_thinking, wait, max_answer, think_start, think_end, wait_text, closing, as_text, answer_only
        )
        self.telemetry = Telemetry(telemetry)
        self.model_name = model if isinstance(model, str) else type(model).__name__
        if isinstance(model, str):
            self.inner = make_inner(model, _inner_arguments(model, inner), OWN, NAME)
            if TELLING.get(model, model) == "rote-vllm" and inner.get("enable_thinking") is not None:
                self.inner.enable_thinking = inner["enable_thinking"]
        elif inner:
            raise UsageError(f"{NAME}: arguments for a model that is already made: {', '.join(inner)}")
        else:
            self.inner = told(model)
        self.asker = Asker(self.inner, NAME)
        self._check_tokens()

    def _check_tokens(self) -> None:
        end = self.budget.think_end
        if not self.budget.as_text and self.asker.knows(end) is False:
            raise UsageError(
                f"{NAME}: the tokenizer of {self.model_name} has no token {end!r}; set think_end to the "
                "token that ends this model's thinking, or as_text=True for a model taught it as plain text"
            )
        longest = getattr(self.inner, "max_length", None)
        wanted = self.budget.max_thinking + (self.budget.max_answer or 1)
        if isinstance(longest, int) and wanted >= longest:
            raise UsageError(
                f"{NAME}: max_thinking={self.budget.max_thinking} does not fit into the {longest} tokens "
                f"that {self.model_name} can hold with its prompt and answer"
            )

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """One response for each request; each is a :class:`Response` with its counts."""
        courses = [self._course(request) for request in requests]
        answer_limits = [self._answer_limit(request) for request in requests]
        self._check_room(courses, answer_limits)
        live = courses if self.budget.max_thinking else []
        while live:
            live = self._think(live)
        prompts = [course.prompt + self._block(course) for course in courses]
        kwargs = [
            _with_limit(request.args[1], limit)
            for request, limit in zip(requests, answer_limits, strict=True)
        ]
        answers = self.asker.ask(requests, prompts, kwargs)
        responses: list[str] = []
        for course, answer, limit in zip(courses, answers, answer_limits, strict=True):
            facts = self.asker.facts(answer, limit)
            text = answer if self.budget.answer_only else self._block(course) + answer
            response = Response(text, self._told(course, facts))
            responses.append(response)
            self.cache_hook.add_partial("generate_until", course.request.args, response)
        self.telemetry.add(requests, responses, self.rank)
        return responses

    def _course(self, request: Any) -> _Course:
        """A response's beginning. Raises UsageError on a prompt that cannot be gone on with."""
        prompt = request.args[0]
        if not isinstance(prompt, str):
            raise UsageError(
                f"{NAME}: task {request.task_name}: a chat behind an API cannot be gone on with in the "
                "middle of a response; use a completions model, such as model=local-completions"
            )
        ending = prompt.rstrip()
        if ending.endswith(self.budget.think_end):
            raise UsageError(
                f"{NAME}: task {request.task_name}: the prompt already ends with {self.budget.think_end!r}; "
                "thinking is switched off in the chat template (enable_thinking=False?)"
            )
        start = self.budget.think_start
        opening = "" if start and ending.endswith(start.rstrip()) else start
        return _Course(request, prompt, opening, self.budget.max_thinking)

    def _answer_limit(self, request: Any) -> int:
        """Tokens for the answer. Raises UsageError where the thinking budget leaves none."""
        if self.budget.max_answer is not None:
            return self.budget.max_answer
        limit = self.asker.limit(request.args[1])
        if self.budget.max_thinking >= limit:
            raise UsageError(
                f"{NAME}: task {request.task_name}: max_thinking={self.budget.max_thinking} leaves nothing "
                f"of max_gen_toks={limit} for the answer; lower it, raise the limit (--gen_kwargs "
                f"max_gen_toks={self.budget.max_thinking + limit}), or give the answer its own: "
                f"max_answer={limit}"
            )
        return limit - self.budget.max_thinking

    def _check_room(self, courses: Sequence[_Course], answer_limits: Sequence[int]) -> None:
        """Raises UsageError where not even the shortest prompt would be left whole.

        A long one that does not fit is cut at its beginning, and warned of, by the inner model.
        """
        longest = getattr(self.inner, "max_length", None)
        shortest = min((course.prompt for course in courses), key=len, default="")
        tokens = self.asker.count(shortest)
        if not isinstance(longest, int) or tokens is None or not courses:
            return
        wanted = tokens + self.budget.max_thinking + min(answer_limits)
        if wanted > longest:
            raise UsageError(
                f"{NAME}: no prompt fits: max_thinking={self.budget.max_thinking}, an answer of "
                f"{min(answer_limits)} and the shortest prompt of {tokens} tokens are more than the "
                f"{longest} that {self.model_name} can hold"
            )

    def _think(self, live: Sequence[_Course]) -> list[_Course]:
        """One round of thinking; returns those that go on."""
        replies = self.asker.ask(
            [course.request for course in live],
            [course.prompt + course.opening + course.text for course in live],
            [
                _with_limit(course.request.args[1], course.left) | {"until": [self.budget.think_end]}
                for course in live
            ],
        )
        return [course for course, reply in zip(live, replies, strict=True) if self._goes_on(course, reply)]

    def _goes_on(self, course: _Course, reply: str) -> bool:
        """Take a round's thinking in; whether another round follows."""
        facts = self.asker.facts(reply, course.left)
        # A server may give the stop string back, or not know it.
        text, end, _ = str(reply).partition(self.budget.think_end)
        closed = bool(end) or facts.finish == "stop"
        course.rounds.append(facts)
        course.text += text
        assert facts.tokens is not None
        # What ended it is no thought; a tokenizer may still count more than was generated.
        spent = self.asker.count(text) if closed else None
        spent = min(facts.tokens if spent is None else spent, course.left)
        course.used += spent
        course.left -= spent
        if not closed:
            course.ended = "budget"
            return False
        course.ended = "model" if end or facts.stop in (None, self.budget.think_end) else "eos"
        word = self.asker.count(self.budget.wait_text) or 1  # without a tokenizer: one word, one token
        if course.waits == self.budget.wait or word >= course.left:
            return False
        course.text += self.budget.wait_text
        course.waits += 1
        course.used += word
        course.left -= word
        return True

    def _block(self, course: _Course) -> str:
        """The thinking with its opening and its end."""
        closing = self.budget.closing if course.ended == "budget" else ""
        return course.opening + course.text + closing + self.budget.think_end

    def _told(self, course: _Course, answer: Generation) -> Generation:
        """The facts of the whole response; it is cut when its answer is."""
        rounds = [*course.rounds, answer]
        seconds = [r.seconds for r in rounds if r.seconds is not None]
        assert answer.tokens is not None
        return Generation(
            prompt_tokens=rounds[0].prompt_tokens,
            tokens=sum(r.tokens or 0 for r in rounds),
            finish=answer.finish,
            stop=answer.stop,
            first_token_s=rounds[0].first_token_s,
            seconds=sum(seconds) if len(seconds) == len(rounds) else None,
            batch=answer.batch,
            thinking=Thinking(course.used, answer.tokens, course.waits, course.ended),
        )

    def get_model_info(self) -> dict[str, Any]:
        """The inner model's facts, the budget and the sums of what was counted."""
        info = dict(self.inner.get_model_info()) if hasattr(self.inner, "get_model_info") else {}
        names = [name for name in OWN if name in Budget.__slots__]
        budget = {name: getattr(self.budget, name) for name in names}
        return {**info, "budget": budget, "telemetry": self.telemetry.summary()}

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Not possible: a budget is about generating. Raises UsageError."""
        raise _generates_only()

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Not possible, as above. Raises UsageError."""
        raise _generates_only()


def _inner_arguments(model: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The inner model's arguments, without what would take the thinking away before it is seen."""
    if arguments.get("think_end_token") is not None:
        raise UsageError(
            f"{NAME}: think_end_token makes the inner model drop its thinking; write think_end="
            f"{arguments['think_end_token']} instead, with answer_only=True for the answer alone"
        )
    inner = dict(arguments)
    # lm-eval takes enable_thinking only together with think_end_token. For hf the chat template's arguments
    # do as well; for vllm lm-eval drops them there, and the made model is told.
    if TELLING.get(model, model) in TELLING.values():
        thinks = inner.pop("enable_thinking", None)
        if thinks is not None and TELLING.get(model, model) == "rote-hf":
            inner["chat_template_args"] = {
                **(inner.get("chat_template_args") or {}),
                "enable_thinking": thinks,
            }
    return inner


def _with_limit(kwargs: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """Generation arguments with another limit of tokens."""
    return {key: value for key, value in kwargs.items() if key not in LIMITS} | {"max_gen_toks": limit}


def _generates_only() -> UsageError:
    return UsageError(
        f"{NAME} thinks before it answers, and serves generate_until tasks only, such as rote's own"
    )
