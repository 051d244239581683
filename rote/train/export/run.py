"""From a checkpoint to a folder that lm-eval loads: merge, save, check, describe."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rote import __version__
from rote.errors import DataError, UsageError
from rote.train.export import card, checks, endings, loading, probe
from rote.train.export.checks import Check
from rote.train.export.origin import Origin, refuse_overlap, table, trace
from rote.train.export.target import RECORD, appearing, check_space, check_target
from rote.train.versions import Pin, check_versions

SCHEMA: Final = "rote.export/1"
_WIDTH: Final = {"bfloat16": 2, "float16": 2, "float32": 4}
_PINS: Final = (Pin("torch", "2.4"), Pin("transformers", "4.57", "6"))
_PIN_OF_ADAPTERS: Final = Pin("peft", "0.18", "1")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Export:
    """A finished export: its folder and what was found out about it."""

    folder: Path
    dtype: str
    checks: tuple[Check, ...]
    ends: Mapping[int, str]


def export(
    checkpoint: Path,
    out: Path,
    *,
    dtype: str = "bfloat16",
    base: str | None = None,
    report: Path | None = None,
    max_shard_gib: float = 4.0,
    force: bool = False,
    tell: Tell = lambda line: None,
) -> Export:
    """Write a checkpoint as a folder for ``lm_eval --model hf`` and ``--model vllm``, and check it.

    Parameters
    ----------
    checkpoint: folder of a full model, or of a peft adapter.
    out: the folder to make; nothing is left there when anything fails.
    dtype: of the exported weights, one of ``checks.DTYPES``. An adapter's base is loaded in it.
    base: folder or hub id of the base's 16-bit weights; None: as the adapter or the manifest says.
    report: ``report.json`` of ``rote report``, or a folder that holds it, for the card.
    max_shard_gib: largest file of weights, in GiB.
    force: replace an earlier export.
    tell: takes each line of progress.

    Raises
    ------
    DataError: a checkpoint that is not whole or does not fit its base; a base that changed or is quantised; a
        failed check.
    UsageError: ``out`` is in use, a disk that is too small, a dtype that is unknown.
    SourceUnavailableError: a base that is not here and cannot be downloaded.
    """
    if dtype not in checks.DTYPES:
        raise UsageError(f"unknown dtype {dtype!r}; known: {', '.join(checks.DTYPES)}")
    if max_shard_gib <= 0:
        raise UsageError(f"max_shard_gib must be above 0, got {max_shard_gib:g}")
    check_target(out, force=force)
    table_of_report = None if report is None else card.read_report(report)
    origin = trace(checkpoint, base)
    refuse_overlap(out, origin)
    versions = check_versions(_PINS + ((_PIN_OF_ADAPTERS,) if origin.adapter else ()))
    versions["rote"] = __version__
    with appearing(out, force=force) as folder:
        try:
            done = _fill(folder, out, origin, dtype, max_shard_gib, tell)
            _describe(folder, out, origin, done, versions, table_of_report)
        except OSError as error:
            if error.errno is None:
                raise
            raise UsageError(f"{out}: cannot be written ({error.strerror}); nothing is left there") from error
    return done.export


@dataclass(frozen=True, slots=True)
class _Done:
    export: Export
    parameters: int
    prompts: int


def _fill(folder: Path, out: Path, origin: Origin, dtype: str, max_shard_gib: float, tell: Tell) -> _Done:
    """Merge, save and check; every check is told of before a failed one is an error."""
    tokenizer = loading.load_tokenizer(origin)
    before_of = None
    if origin.base is not None:
        tell(f"loading the base {origin.base_name} in {dtype}")
        model = loading.load_model(origin.base, dtype)
        before_of = checks.digests(model)
    configs = [model.config, model.generation_config] if origin.base is not None else []
    adapted = None
    if origin.adapter:
        tell("putting the adapter on it")
        subject = model = loading.with_adapter(model, origin)
        adapted = loading.adapted_tensors(model)
    else:
        model = None
        _free()
        tell("loading the checkpoint")
        subject = model = loading.load_model(origin.checkpoint, "auto")
        configs = [model.config, model.generation_config, *configs]
    loading.check_sizes(model, tokenizer, origin.checkpoint)
    ends = endings.ends(tokenizer, configs)
    asked = probe.prompts(tokenizer, getattr(model.config, "max_position_embeddings", None))
    tell(f"asking the checkpoint {len(asked)} fixed prompts")
    before = probe.answers(subject, asked, ends)
    if origin.adapter:
        tell("folding the adapter into the base's weights")
        model = loading.merged(model, origin)
    else:
        # Loaded again: torch's own cast would round the rotary frequencies, too, which no file holds.
        del subject, model
        _free()
        tell(f"loading the checkpoint in {dtype}")
        model = subject = loading.load_model(origin.checkpoint, dtype)
    del subject
    bad = checks.not_finite(model)
    if bad:
        raise DataError(
            f"{len(bad)} tensors hold infinities or no numbers in {dtype} (such as {bad[0]})",
            path=origin.checkpoint,
        )
    mine = checks.digests(model)
    after = probe.answers(model, asked, ends)
    teacher = probe.logits(model, asked, before.tokens)
    model.generation_config = endings.generation_config(model.generation_config, tokenizer, ends)
    parameters = sum(tensor.numel() for tensor in model.parameters())
    check_space(folder, int(parameters * _WIDTH[dtype] * 1.01) + 50 * 2**20)
    tell("writing the weights")
    _strip_paths(model, tokenizer)
    model.save_pretrained(folder, max_shard_size=max(1, int(max_shard_gib * 2**30)))
    tokenizer.save_pretrained(folder)
    kept = (tokenizer.chat_template, ends, dtype)
    made = [
        checks.changed(before_of, mine, adapted=adapted),
        checks.near(before, teacher, dtype),
        checks.agreement(before, teacher, dtype),
        checks.one_bos(tokenizer, asked),
        checks.same_prompt(tokenizer, _fixture(origin.manifest)),
    ]
    del model
    _free()
    tell("reading the folder again")
    made.append(_reload(folder, mine, asked, after.tokens, kept))
    for check in made:
        tell(check.line())
    failed = [f"{check.name}: {check.told}" for check in made if check.passed is False]
    if failed:
        raise DataError(
            f"the export fails {len(failed)} of {len(made)} checks, and nothing is left at {out}: "
            + "; ".join(failed),
            path=origin.checkpoint,
        )
    return _Done(Export(out, dtype, tuple(made), ends), parameters, len(asked))


def _free() -> None:
    """Give memory back before the next model is loaded."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _strip_paths(model: Any, tokenizer: Any) -> None:
    """Names of this machine's folders do not travel."""
    model.config._name_or_path = ""
    tokenizer.name_or_path = ""
    tokenizer.init_kwargs.pop("name_or_path", None)


def _reload(
    folder: Path,
    mine: Mapping[str, str],
    asked: tuple[probe.Prompt, ...],
    said: Iterable[tuple[int, ...]],
    kept: tuple[str | None, Mapping[int, str], str],
) -> Check:
    """Read the folder as lm-eval would, and compare."""
    from transformers import AutoTokenizer

    template, ends, dtype = kept
    model = loading.load_model(folder, "auto")
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    positions = getattr(model.config, "max_position_embeddings", None)
    found = {
        "chat template": tokenizer.chat_template == template,
        "ends": set(endings.ids_of(model.generation_config.eos_token_id)) == set(ends),
        "dtype": str(model.dtype) == f"torch.{dtype}",
        "prompts": probe.prompts(tokenizer, positions) == asked,
    }
    return checks.reloaded(mine, checks.digests(model), list(said), probe.greedy(model, asked, ends), found)


def _fixture(manifest: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The prompt with its token ids that a run's manifest keeps, see ``rote.train.tokens.fixture``."""
    entry = table(manifest, "prompt")
    return entry if "text" in entry and "ids" in entry else None


def _describe(
    folder: Path,
    out: Path,
    origin: Origin,
    done: _Done,
    versions: Mapping[str, str],
    report: Mapping[str, Any] | None,
) -> None:
    """Write ``export.json`` and the card, and keep the certificate."""
    base = {"name": origin.base_name, "revision": origin.revision, "on_hub": origin.on_hub}
    record = {
        "schema": SCHEMA,
        "checkpoint": origin.checkpoint.absolute().name,
        "adapter": origin.adapter,
        "quantised": origin.quantised,
        "base": base,
        "dtype": done.export.dtype,
        "parameters": done.parameters,
        "ends": {str(number): name for number, name in done.export.ends.items()},
        "prompts": done.prompts,
        "checks": [check.record() for check in done.export.checks],
        "versions": dict(versions),
    }
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=False) + "\n"
    (folder / RECORD).write_text(text, encoding="utf-8", newline="\n")
    recipe = table(origin.manifest, "recipe")
    facts = {
        "title": out.absolute().name,
        "base": base,
        "adapter": origin.adapter,
        "quantised": origin.quantised,
        "dtype": done.export.dtype,
        "recipe": {"name": recipe.get("name"), "about": recipe.get("about")},
        "run": card.run_facts(origin.stage),
        "alarms": [str(each) for each in origin.stage.get("alarms") or ()],
        "ends": list(done.export.ends.values()),
        "parameters": done.parameters,
        "certificates": {
            stage: card.scalars(card.read_certificate(path)) for stage, path in origin.certificates.items()
        },
        "checks": done.export.checks,
        "prompts": done.prompts,
        "length": probe.LENGTH,
        "report": report,
        "versions": dict(versions),
    }
    (folder / "README.md").write_text(card.render_card(facts), encoding="utf-8", newline="\n")
    for stage, path in origin.certificates.items():
        shutil.copyfile(path, folder / f"certificate{'-' if stage else ''}{stage}.json")
