"""What is known of one generation besides its text, and a text that carries it.

lm-eval hands a model's responses on as strings: to the filters, to ``process_results`` and to the logs. A
:class:`Response` is such a string and has the facts with it, so that scoring may read why a response ended;
a log and a cache hold it as what it is, text.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

#: Why a generation ended: the model or a stop string ended it, or the limit of tokens cut it.
Finish = Literal["stop", "length"]

#: How thinking ended: the model closed it, ended everything (end of text), or used its budget up.
Ended = Literal["model", "eos", "budget", "none"]

STOP: Final = "stop"
LENGTH: Final = "length"


@dataclass(frozen=True, slots=True)
class Thinking:
    """What budget forcing did to one response.

    Attributes
    ----------
    tokens: of the thinking, the inserted words among them, its end not; at most the budget.
    answer_tokens: generated after the end of thinking.
    waits: how often the model was made to go on.
    ended: how thinking ended at last; "none" where the budget was 0 and there was none.
    """

    tokens: int
    answer_tokens: int
    waits: int
    ended: Ended


@dataclass(frozen=True, slots=True)
class Generation:
    """The facts of one generation; None where a backend does not tell.

    Attributes
    ----------
    prompt_tokens: tokens of the prompt.
    tokens: tokens generated, the one that ended it included.
    finish: "stop" or "length"; "length" means that the response is truncated.
    stop: the stop string that ended it; the end-of-text token's string where that did.
    first_token_s: seconds until the first token.
    seconds: seconds until the last token of this very response.
    batch: how many responses were generated together.
    thinking: what budget forcing did, where it was asked for.
    """

    prompt_tokens: int | None = None
    tokens: int | None = None
    finish: Finish | None = None
    stop: str | None = None
    first_token_s: float | None = None
    seconds: float | None = None
    batch: int | None = None
    thinking: Thinking | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain mapping of what is known; seconds to the microsecond."""
        known = {key: value for key, value in asdict(self).items() if value is not None}
        return {key: round(value, 6) if isinstance(value, float) else value for key, value in known.items()}


class Response(str):
    """A response's text, with the facts of its generation under ``generation``.

    Equal to the plain string, and logged as one.
    """

    generation: Generation

    def __new__(cls, text: str, generation: Generation) -> Response:
        response = super().__new__(cls, text)
        response.generation = generation
        return response

    def __getnewargs__(self) -> tuple[str, Generation]:  # type: ignore[override]
        """For pickle: lm-eval's cache of responses, and its gathering from other processes."""
        return str(self), self.generation


def generation_of(response: Any) -> Generation | None:
    """The facts that a response carries; None for a plain string."""
    return getattr(response, "generation", None)
