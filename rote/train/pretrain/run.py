"""The stage: its mixture compared with what is evaluated, its model loaded, trained and left behind."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rote.train.data import Certificate
from rote.train.engine import Loaded
from rote.train.monitor import Monitor
from rote.train.pretrain.loop import Progress, pretrain
from rote.train.pretrain.parts import Mixture, decontaminated
from rote.train.pretrain.stream import Recipe as StreamRecipe
from rote.train.pretrain.stream import cuts
from rote.train.recipe import PretrainStage, Recipe


def compared(stage: PretrainStage) -> tuple[Mixture, Certificate]:
    """The mixture of a stage without the templates that share text with an evaluation, and what was found."""
    mixture = Mixture(stage.data, stage.seed)
    return mixture, decontaminated(mixture)


def run_pretraining(
    recipe: Recipe,
    stage: PretrainStage,
    mixture: Mixture,
    loaded: Loaded,
    *,
    folder: Path,
    resume: Path | None,
    monitor: Monitor,
    bf16: bool,
) -> dict[str, Any]:
    """Train the loaded model; gives what the stage's record says of it."""
    tokenizer = folder / "tokenizer"
    loaded.tokenizer.save_pretrained(tokenizer)
    stream = StreamRecipe(
        data=stage.data,
        prompt=recipe.prompt,
        seed=stage.seed,
        tokenizer=str(tokenizer),
        lengths=stage.lengths,
        batch_tokens=stage.batch_tokens,
        left_out=mixture.left_out,
        cuts=cuts(loaded.tokenizer),
    )
    done = pretrain(
        loaded.model,
        loaded.tokenizer,
        stage,
        stream,
        content_hash=mixture.content_hash,
        folder=folder,
        resume=resume,
        monitor=monitor,
        bf16=bf16,
    )
    return _record(stage, mixture, done)


def _record(stage: PretrainStage, mixture: Mixture, done: Progress) -> dict[str, Any]:
    planted = mixture.planted()
    by_source: Counter[str] = Counter()
    for i, part in enumerate(stage.data.parts):
        by_source[part.source] += done.rows[i]
    seen = sum(done.rows[i] for i, part in enumerate(stage.data.parts) if part.planted)
    return {
        "steps": stage.max_steps,
        "tokens": done.tokens,
        "tokens_computed": done.padded,
        "rows": dict(by_source),
        # Of the shards that were read to their end.
        "rows_left_out": {
            f"longer than {stage.lengths[-1]} tokens": done.place.too_long,
            "not enough rows of their length for a batch": done.place.left,
        },
        "parts": [
            {"part": json.loads(part.model_dump_json()), "rows": done.rows[i]}
            for i, part in enumerate(stage.data.parts)
        ],
        "planted": planted,
        "epochs_of_planted": round(seen / len(planted), 2) if planted else 0.0,
    }
