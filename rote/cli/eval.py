"""``rote eval``: ``lm_eval`` with rote's tasks and models, samples logged."""

from __future__ import annotations

import argparse

HELP = "evaluate a model: lm_eval with rote's tasks and models, samples logged"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything is lm-eval's to parse, ``--help`` included."""
    parser.usage = "rote eval --tasks <task>,… --model <model> --model_args <key=value>,… [lm_eval's options]"
    parser.epilog = (
        "Takes everything that `lm_eval run` takes, and knows rote's tasks and models; and besides "
        "--seeds 0,1,2 and --shots 1,8 (several in one run, one log each) and --repeats k (k responses to "
        "each problem, with a temperature). Samples are logged "
        "unless a --config file says log_samples: false; --output_path is 'results' unless given; "
        "--cache_requests is refused."
    )
    # No argument begins with a character that is no prefix: options reach lm-eval unread.
    parser.prefix_chars = "\0"
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="…", help="lm_eval's arguments")


def run(args: argparse.Namespace) -> int:
    """Evaluate; results are where lm-eval says."""
    from rote.harness_ext.run import evaluate

    evaluate(args.words)
    return 0
