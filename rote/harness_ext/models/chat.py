"""Chat templates without a system role: the system text opens the first user turn."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rote.prompts import fold_system

#: Where lm-eval's models say that they leave the system text out.
_LOGGERS: Final = ("lm_eval.models.huggingface", "lm_eval.models.vllm_causallms")
_PROBE: Final = "rote asks whether this is shown"

_log = logging.getLogger("lm_eval.rote")


class FoldingSystem:
    """Before a model of lm-eval in the order of bases: its chat template loses no system text.

    lm-eval leaves a system turn out where the template refuses one, and some templates ignore it without a
    word. Here its text is put before the first user turn in both cases.
    """

    _shows_system: bool | None = None

    def apply_chat_template(
        self, chat_history: Sequence[Mapping[str, str]], add_generation_prompt: bool = True
    ) -> Any:
        """The turns as the model's template renders them."""
        turns = [dict(turn) for turn in chat_history]
        if any(turn["role"] == "system" for turn in turns) and not self._has_system_role():
            turns = fold_system(turns)
        return super().apply_chat_template(turns, add_generation_prompt)  # type: ignore[misc]

    def _has_system_role(self) -> bool:
        if self._shows_system is None:
            asked = [{"role": "system", "content": _PROBE}, {"role": "user", "content": "."}]
            loggers = [logging.getLogger(name) for name in _LOGGERS]
            were = [logger.disabled for logger in loggers]
            try:
                for logger in loggers:
                    logger.disabled = True
                shown = super().apply_chat_template(asked, True)  # type: ignore[misc]
            finally:
                for logger, was in zip(loggers, were, strict=True):
                    logger.disabled = was
            self._shows_system = _PROBE in str(shown)
            if not self._shows_system:
                _log.info("the chat template has no system role: the system text opens the first user turn")
        return self._shows_system
