"""``--model rote-planted``: language models whose behaviour is known, to check the instrument itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lm_eval.api.model import LM

from rote.errors import UsageError
from rote.harness_ext.models.behaviours import ALIASES, BEHAVIOURS
from rote.harness_ext.settings import unknown_key, whole_number
from rote.prompts import format_asked, target_text

_NEEDED: Final = (
    "id",
    "source",
    "template_id",
    "original_id",
    "question",
    "solution",
    "answer",
    "traps",
)


class PlantedLM(LM):
    """A model that answers from the document in place of the prompt, in a known way.

    Of the prompt it reads one thing, the format of the answer that is asked for, and keeps it.

    Parameters
    ----------
    behaviour: a key of :data:`rote.harness_ext.models.behaviours.BEHAVIOURS`, or "memoriser".
    seed: of everything that is left to chance, at least 0.
    model: the name under which lm-eval files the run; ``planted-<behaviour>``, and what was
        set otherwise than by default, when not given.
    parameters: of the behaviour: ``accuracy`` (noisy), ``recall`` (memorizer), ``trap_rate``
        (distractible), all shares from 0 to 1; ``digits`` (digit_limited), from 1 to 20.
    batch_size, max_batch_size, device, trust_remote_code: lm-eval hands them to every model; unused.

    Raises
    ------
    UsageError: an unknown behaviour or parameter (with the nearest one), a value out of range.
    """

    def __init__(
        self,
        behaviour: str = "solver",
        seed: int = 0,
        model: str | None = None,
        *,
        batch_size: Any = None,
        max_batch_size: Any = None,
        device: Any = None,
        trust_remote_code: Any = None,
        **parameters: Any,
    ) -> None:
        super().__init__()
        name = ALIASES.get(behaviour, behaviour)
        if name not in BEHAVIOURS:
            raise unknown_key(str(behaviour), [*BEHAVIOURS, *ALIASES], "behaviour of rote-planted:")
        self.behaviour = BEHAVIOURS[name]
        known = {parameter.name: parameter for parameter in self.behaviour.parameters}
        for key in parameters:
            if key not in known:
                raise unknown_key(
                    key, ["behaviour", "seed", "model", *known], f"parameter of rote-planted's {name}:"
                )
        self.seed = whole_number(seed, "rote-planted: seed", 0)
        self.parameters = {k: p.check(parameters.get(k, p.default)) for k, p in known.items()}
        self.name = self._default_name() if model is None else str(model)

    def _default_name(self) -> str:
        """``planted-noisy``; ``planted-noisy-accuracy-0.6-seed-1`` where that differs from the defaults."""
        changed = [
            f"{parameter.name}-{value:g}"
            for parameter, value in zip(self.behaviour.parameters, self.parameters.values(), strict=True)
            if value != parameter.default
        ]
        if self.seed:
            changed.append(f"seed-{self.seed}")
        return "-".join(["planted", self.behaviour.name, *changed])

    @classmethod
    def create_from_arg_obj(
        cls, arg_dict: dict[str, Any], additional_config: dict[str, Any] | None = None
    ) -> PlantedLM:
        """lm-eval's constructor.

        lm-eval files a run under the argument ``model``, or else under a random name; so the default
        name is written back into the arguments, which also tells two behaviours apart in the logs.
        """
        lm = cls(**arg_dict, **(additional_config or {}))
        arg_dict.setdefault("model", lm.name)
        return lm

    def get_model_info(self) -> dict[str, Any]:
        """What lm-eval writes into ``config``: everything that decides the responses, defaults included."""
        return {
            "planted": {"behaviour": self.behaviour.name, "seed": self.seed, **self.parameters},
        }

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        """One response per request, cut at its stop strings as any backend would."""
        responses = []
        for request in requests:
            response = self.respond(request.doc, format_asked(str(request.args[0])))
            until = request.args[1].get("until") or []
            for stop in [until] if isinstance(until, str) else until:
                response = response.partition(stop)[0] if stop else response
            responses.append(response)
        return responses

    def respond(self, doc: Mapping[str, Any], format: str = "hash") -> str:
        """The response to one document, in that format. Raises UsageError on a document not of rote."""
        missing = [key for key in _NEEDED if key not in doc]
        if missing:
            raise UsageError(
                "rote-planted answers documents of rote's own tasks only; this one has no "
                f"{', '.join(missing)} (keys: {', '.join(map(str, doc))})"
            )
        response = self.behaviour.respond(doc, self.seed, self.parameters)
        return response if format == "hash" else target_text(response, format)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Not possible: a planted model writes text and has no probabilities. Raises UsageError."""
        raise _no_probabilities()

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Not possible, as above. Raises UsageError."""
        raise _no_probabilities()

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """A plain rendering of the turns, so that ``--apply_chat_template`` can be tried out."""
        text = "".join(f"[{turn['role']}]\n{turn['content']}\n" for turn in chat_history)
        return text + ("[assistant]\n" if add_generation_prompt else "")

    @property
    def tokenizer_name(self) -> str:
        """Names the chat template."""
        return "rote-planted"

    def chat_template(self, chat_template: bool | str = False) -> str:
        """The chat template's description, logged by lm-eval."""
        return "[role]\\ncontent\\n per turn, then [assistant]\\n"


def _no_probabilities() -> UsageError:
    return UsageError(
        "rote-planted writes text and has no log-likelihoods; it serves generate_until tasks only, "
        "such as rote's own"
    )
