"""``--model rote-hf``: lm-eval's hf model, each row of a batch stopping by itself, each response measured.

Imported only when the model is asked for: lm-eval's own module imports torch.
"""

from __future__ import annotations

import time
from typing import Any

from lm_eval.models.huggingface import HFLM

from rote.harness_ext.models.chat import FoldingSystem
from rote.harness_ext.models.generation import Generation
from rote.harness_ext.models.stopping import RowStops, deciding
from rote.harness_ext.models.telemetry import Telling


class RoteHFLM(Telling, FoldingSystem, HFLM):
    """lm-eval's ``hf``, with all its arguments, and one more.

    Parameters
    ----------
    telemetry: a file of JSON lines, one for each response; None: no file.

    ``steps`` counts the forward passes of all batches. Beam search and encoder-decoder models are measured,
    and stop as in stock lm-eval.
    """

    steps: int = 0

    def _model_generate(
        self, context: Any, max_length: int, stop: list[str], **generation_kwargs: Any
    ) -> Any:
        """Generate a batch: ids of shape [rows, prompt + generated] for causal models."""
        rows, prompt_length = context.shape
        mask = generation_kwargs.get("attention_mask")
        began = time.perf_counter()
        alone = self.backend == "causal" and (generation_kwargs.get("num_beams") or 1) == 1
        if alone:
            stops = RowStops(self.tokenizer, stop, prompt_length, self.think_end_token)
            ids = self._generate_by_row(context, max_length, stops, generation_kwargs)
            times, ended = [moment - began for moment in stops.times], stops.ended
        else:
            ids = super()._model_generate(context, max_length, stop, **generation_kwargs)
            times, ended = [], {}
        took = time.perf_counter() - began
        generated = (ids[:, prompt_length:] if self.backend == "causal" else ids[:, 1:]).tolist()
        steps = max(map(len, generated), default=0)
        self.steps += steps
        prompts = [prompt_length] * rows if mask is None else mask.sum(dim=1).tolist()
        for row, prompt_tokens in enumerate(prompts):
            tokens, stopped_by = self._end(generated[row], stop, ended.get(row))
            self.note(
                [
                    Generation(
                        prompt_tokens=prompt_tokens,
                        tokens=tokens,
                        finish="length" if stopped_by is None else "stop",
                        stop=stopped_by,
                        first_token_s=times[0] if times else None,
                        seconds=times[tokens - 1] if 0 < tokens <= len(times) else took,
                        batch=rows,
                    )
                ]
            )
        return ids

    def _generate_by_row(
        self, context: Any, max_length: int, stops: RowStops, generation_kwargs: dict[str, Any]
    ) -> Any:
        """As stock lm-eval calls ``generate``, but for the stopping criterion."""
        import torch
        from transformers import StoppingCriteriaList

        kwargs = dict(generation_kwargs)
        temperature = kwargs.setdefault("temperature", 0.0)
        if temperature == 0.0 and kwargs.get("do_sample") is None:
            kwargs["do_sample"] = False
        if temperature == 0.0 and kwargs["do_sample"] is False:
            del kwargs["temperature"]
        with torch.autocast(
            device_type=self.device.type,
            dtype=self.mixed_precision_dtype,
            enabled=self.mixed_precision_dtype is not None,
        ):
            return self.model.generate(
                input_ids=context,
                max_length=max_length,
                stopping_criteria=StoppingCriteriaList([stops]),
                pad_token_id=self.tokenizer.pad_token_id,
                use_cache=True,
                **kwargs,
            )

    def _end(self, ids: list[int], stop: list[str], ended: tuple[int, str] | None) -> tuple[int, str | None]:
        """How many tokens a row has up to its end, and what ended it; None for the limit."""
        at = next((n for n, token in enumerate(ids, 1) if token in self._eos_ids()), None)
        if ended is not None and (at is None or ended[0] <= at):
            return ended
        if at is not None:
            return at, self.tok_decode([ids[at - 1]], skip_special_tokens=False)
        text = self.tok_decode(ids)
        number = None if self.think_end_token is not None else deciding(text, stop)
        return len(ids), None if number is None else stop[number]

    def _eos_ids(self) -> frozenset[int]:
        """Token ids at which ``generate`` ends a row."""
        config = getattr(self.model, "generation_config", None)
        ids = getattr(config, "eos_token_id", None)
        return frozenset([ids] if isinstance(ids, int) else ids or ())
