"""Before against after: the base and what training left, evaluated by the same commands a user would type."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rote.errors import UsageError
from rote.train.recipe import EvaluationSpec, Recipe

#: Variants that are evaluated where a recipe names no tasks.
_VARIANTS: Final = ("original", "names", "numbers", "noop", "noop_control")


def tasks_of(recipe: Recipe) -> tuple[str, ...]:
    """The tasks of the recipe, or the bank's zero-shot ones in its format."""
    if recipe.evaluation.tasks:
        return recipe.evaluation.tasks
    name = recipe.prompt.format
    # The plain format has no name in its tasks; one that brings its own example has no few-shot tasks.
    suffix = {"hash": "_zeroshot", "instruct": "_instruct"}.get(name, f"_{name}_zeroshot")
    return tuple(f"bank_{variant}{suffix}" for variant in _VARIANTS)


def commands(recipe: Recipe, before: str, after: str, out: Path) -> list[list[str]]:
    """The command lines, in order: two evaluations, a report to read and one for cards, a comparison."""
    rote = [sys.executable, "-m", "rote"]
    # A folder has no revisions; what training left has none of the base's.
    revision = None if Path(before).is_dir() else recipe.model.revision
    runs = [
        _evaluation(recipe, before, revision, out / "before"),
        _evaluation(recipe, after, None, out / "after"),
    ]
    folders = [str(out / "before"), str(out / "after")]
    return [
        *[[*rote, "eval", *run] for run in runs],
        *[[*rote, "report", *folders, "--out", str(out / f"report.{kind}")] for kind in ("html", "json")],
        [*rote, "compare", *folders, "--out", str(out / "compare.html")],
    ]


def export_command(recipe: Recipe, checkpoint: Path, folder: Path) -> list[str]:
    """The command line that exports what training left, as the recipe's ``export`` says."""
    spec = recipe.export
    return [
        *(sys.executable, "-m", "rote", "export", str(checkpoint), str(folder), "--force"),
        *("--dtype", spec.dtype, "--max-shard-gib", repr(spec.max_shard_gib)),
    ]


def _evaluation(recipe: Recipe, model: str, revision: str | None, folder: Path) -> list[str]:
    spec: EvaluationSpec = recipe.evaluation
    known = [f"pretrained={model}"]
    if revision is not None:
        known.append(f"revision={revision}")
        if spec.backend == "vllm":
            # lm-eval loads a tokenizer of its own beside vLLM, by this revision alone.
            known.append(f"tokenizer_revision={revision}")
    if spec.backend == "hf":
        known.append("dtype=float32" if recipe.model.dtype == "float32" else "dtype=auto")
    else:
        known.append(f"max_model_len={recipe.model.max_length}")
    words = [
        *("--model", f"rote-{spec.backend}", "--model_args", ",".join(known)),
        *("--tasks", ",".join(tasks_of(recipe)), "--output_path", str(folder)),
        *("--batch_size", "auto" if spec.backend == "vllm" else str(spec.batch_size)),
        *("--metadata", f'{{"rote": {{"seed": {spec.seed}}}}}'),
    ]
    if spec.limit is not None:
        words += ["--limit", str(spec.limit)]
    if spec.max_new_tokens is not None:
        words += ["--gen_kwargs", f"max_gen_toks={spec.max_new_tokens}"]
    if recipe.prompt.chat:
        words.append("--apply_chat_template")
        if recipe.prompt.system:
            words += ["--system_instruction", recipe.prompt.system]
    return words


def clear(out: Path) -> None:
    """Take away what an earlier evaluation of the run left: its logs would count a second time."""
    for label in ("before", "after"):
        shutil.rmtree(out / label, ignore_errors=True)


def run_all(lines: Sequence[Sequence[str]]) -> None:
    """Run commands one after another. Raises UsageError naming the one that failed."""
    for line in lines:
        status = subprocess.run(list(line), check=False).returncode
        if status != 0:
            shown = " ".join(line[1:])
            raise UsageError(f"exit status {status} from: {shown}")
