"""Generated steps and wall time of hf generation, stock lm-eval beside rote-hf: same model, same requests.

    python benchmarks/hf_stopping.py [--batch 8] [--limit 200] [--rounds 3] [--layers 4] [--width 256]

The model is tiny, made here, and real to transformers: after each prompt it writes a line of a few words,
one of two stop strings, and then goes on for good, as a base model does with few-shot prompts. Stock lm-eval
runs a batch until all its rows have met the *same* stop string, or to the limit. Printed are the forward
passes and the best wall time of the rounds; a text that differs between the two is an error (status 1).

With ``--layers`` and ``--width`` the model works as hard as one of that size. No network, one process.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import platform
import sys
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "harness_ext"))

STOPS = ("STOP1", "STOP2")


def build(layers: int, width: int) -> tuple[Any, Any]:
    """A model and its tokenizer: prompt ``p<i>`` → i + 2 words, a stop string, and so on without end."""
    from tiny_lm import chain_model, word_tokenizer

    lines = []
    for i in range(8):
        words = [f"w{i}_{n}" for n in range(i + 2)]
        lines.append([f"p{i}", *words, STOPS[i % 2]])
    follows = dict(pair for line in lines for pair in itertools.pairwise(line))
    follows |= {"STOP1": "more", "STOP2": "more", "more": "and", "and": "more"}
    tokenizer = word_tokenizer(sorted({*follows, *follows.values()}))
    return tokenizer, chain_model(tokenizer, follows, layers=layers, width=width)


def measure(lm: Any, asked: list[Any], rounds: int) -> tuple[list[str], int, float]:
    """The texts, the forward passes of one round, and the best wall time in seconds."""
    steps = 0
    generate = lm.model.generate

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal steps
        ids = generate(*args, **kwargs)
        steps += ids.shape[1] - kwargs["input_ids"].shape[1]
        return ids

    texts: list[str] = []
    best = float("inf")
    lm.model.generate = counted
    try:
        for _ in range(rounds):
            steps, began = 0, time.perf_counter()
            texts = [str(text) for text in lm.generate_until(asked, disable_tqdm=True)]
            best = min(best, time.perf_counter() - began)
    finally:
        del lm.model.generate
    return texts, steps, best


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--limit", type=int, default=200, help="max_gen_toks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=32)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--width", type=int, default=0)
    args = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)

    import torch
    import transformers
    from lm_eval.models.huggingface import HFLM
    from tiny_lm import requests

    from rote.harness_ext.models.hf import RoteHFLM

    tokenizer, model = build(args.layers, args.width)
    prompts = [f"p{i % 8}" for i in range(args.requests)]
    asked = requests(prompts, {"until": list(STOPS), "max_gen_toks": args.limit, "do_sample": False})
    given = {"pretrained": model, "tokenizer": tokenizer, "batch_size": args.batch, "device": "cpu"}
    print(f"{args.requests} requests, batches of {args.batch}, limit {args.limit}")
    print(
        f"{model.num_parameters():,} parameters; "
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, "
        f"transformers {transformers.__version__}, Python {platform.python_version()}, {platform.machine()}"
    )
    results = {
        name: measure(maker(**given), asked, args.rounds)
        for name, maker in (("stock hf", HFLM), ("rote-hf", RoteHFLM))
    }
    print(f"{'':10}{'steps':>8}{'seconds':>10}")
    for name, (_, steps, seconds) in results.items():
        print(f"{name:10}{steps:8}{seconds:10.3f}")
    (stock, stock_steps, stock_time), (mine, my_steps, my_time) = results.values()
    same = stock == mine
    print(f"ratio     {my_steps / stock_steps:8.3f}{my_time / stock_time:10.3f}")
    print(f"texts {'the same' if same else 'DIFFER'} ({len(mine)})")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
