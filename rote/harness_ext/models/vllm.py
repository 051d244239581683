"""``--model rote-vllm``: lm-eval's vllm model, each response measured.

Imported only when the model is asked for: lm-eval's own module imports vllm.
"""

from __future__ import annotations

import time
from typing import Any

from lm_eval.models.vllm_causallms import VLLM

from rote.harness_ext.models.chat import FoldingSystem
from rote.harness_ext.models.generation import Generation
from rote.harness_ext.models.telemetry import Telling


def generation(output: Any, batch: int, took: float, eos: str | None = None) -> Generation:
    """The facts of one ``vllm.RequestOutput``.

    ``took`` are the seconds of the whole call, which stand in where the engine measures nothing: it does
    with ``disable_log_stats=False``.
    """
    completion = output.outputs[0]
    metrics = output.metrics
    first = seconds = None
    if metrics is not None and getattr(metrics, "first_token_latency", 0) > 0:
        first = float(metrics.first_token_latency)
        seconds = first + float(metrics.last_token_ts - metrics.first_token_ts)
    stopped = completion.finish_reason == "stop"
    by = completion.stop_reason
    return Generation(
        prompt_tokens=None if output.prompt_token_ids is None else len(output.prompt_token_ids),
        tokens=len(completion.token_ids),
        finish="stop" if stopped else "length" if completion.finish_reason == "length" else None,
        # vllm gives a stop string, the id of a stop token, or None for the end-of-text token.
        stop=None if not stopped else by if isinstance(by, str) else eos,
        first_token_s=first,
        seconds=took if seconds is None else seconds,
        batch=batch,
    )


class RoteVLLM(Telling, FoldingSystem, VLLM):
    """lm-eval's ``vllm``, with all its arguments, and ``telemetry``: a file of JSON lines."""

    #: vllm takes each request's own sampling parameters, and lm-eval sorts them all together.
    groups_by_kwargs = False

    def _model_generate(
        self, requests: list[list[int]], generate: bool = False, sampling_params: Any = None
    ) -> Any:
        """vllm's outputs, one for each request, in order."""
        began = time.perf_counter()
        outputs = super()._model_generate(requests, generate=generate, sampling_params=sampling_params)
        took = time.perf_counter() - began
        if generate:
            eos = getattr(self.tokenizer, "eos_token", None)
            self.note(generation(output, len(requests), took, eos) for output in outputs)
        return outputs
