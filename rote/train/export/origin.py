"""Where a checkpoint comes from: its base, whether that is still the same, what the run wrote beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from rote.errors import DataError, SourceUnavailableError, UsageError
from rote.train.checkpoints import MARK, fault
from rote.train.data.certificate import FILE as CERTIFICATE
from rote.train.manifest import FILE as MANIFEST
from rote.train.manifest import weights_hash
from rote.train.wholeness import ADAPTER_CONFIG, CONFIG, check_whole, is_adapter, read_json

#: Files of a base on the hub that are needed: weights, configuration, tokenizer.
_WANTED: Final = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Origin:
    """A checkpoint and what it was made from.

    Attributes
    ----------
    checkpoint: folder of a full model or of an adapter; whole.
    adapter: whether it is an adapter.
    base: folder with the base's 16-bit (or 32-bit) weights; None for a full model whose base is not known.
    base_name: the base for a reader: hub id, or the last part of a folder's path.
    on_hub: whether ``base_name`` is a hub id.
    revision: commit, tag or branch of a hub id, where it is known.
    quantised: whether the adapter was trained on 4-bit weights, as far as the run says so.
    manifest: of the run that the checkpoint is from; empty where there is none.
    stage: the entry of its last stage in the manifest; empty likewise.
    certificates: of the data of each stage up to it, by the stage's name, in order.
    """

    checkpoint: Path
    adapter: bool
    base: Path | None
    base_name: str | None
    on_hub: bool = False
    revision: str | None = None
    quantised: bool = False
    manifest: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    stage: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    certificates: Mapping[str, Path] = field(default_factory=lambda: _EMPTY)


def trace(checkpoint: Path, base: str | None = None) -> Origin:
    """Find everything that an export needs, and check it.

    Parameters
    ----------
    base: folder or hub id to use instead of the one that the adapter or the manifest names.

    Raises
    ------
    DataError: a checkpoint or base that is not whole, is quantised, or is not the one trained on.
    SourceUnavailableError: a base that is in no folder and cannot be downloaded.
    """
    check_whole(checkpoint)
    if (checkpoint / MARK).is_file() and (lack := fault(checkpoint)) is not None:
        raise DataError(f"is not whole: {lack}", path=checkpoint)
    manifest, run = manifest_of(checkpoint)
    name = checkpoint.absolute().parent.name
    known = Origin(
        checkpoint,
        is_adapter(checkpoint),
        None,
        None,
        manifest=manifest,
        stage=table(manifest, "stages", name),
        certificates=certificates_of(checkpoint, manifest, run),
    )
    trained = table(manifest, "recipe", "model")
    revision = trained.get("revision")
    if not known.adapter:
        _refuse_quantised(checkpoint, "the checkpoint")
        return _full(known, base, str(table(manifest, "base").get("path") or ""), revision)
    named, asked = _base_of_adapter(checkpoint / ADAPTER_CONFIG, base)
    if asked and revision and asked != revision:
        raise DataError(
            f"is {asked!r}, and {MANIFEST} of the run says {revision!r}: the two are not of one run",
            path=checkpoint / ADAPTER_CONFIG,
            field="revision",
        )
    known = replace(known, quantised=bool(trained.get("load_in_4bit")) or _says_4bit(named))
    return _on(known, base or named, None if base else asked or revision, download=True)


def _full(known: Origin, base: str | None, named: str, revision: str | None) -> Origin:
    """A full model can be exported without its base, so nothing is downloaded for it."""
    if base is not None:
        return _on(known, base, None, download=True)
    if not named:
        return known
    try:
        return _on(known, named, revision, download=False)
    except SourceUnavailableError:
        return replace(known, base_name=_shown(named), revision=revision)


def _on(known: Origin, name: str, revision: str | None, *, download: bool) -> Origin:
    """The origin with its base found and checked."""
    folder, commit = find_base(name, revision, known.checkpoint, download=download)
    check_whole(folder)
    if is_adapter(folder):
        raise DataError("is an adapter itself; a base is a full model: export that one first", path=folder)
    _refuse_quantised(folder, "the base")
    _unchanged(folder, table(known.manifest, "base"))
    return replace(
        known, base=folder, base_name=_shown(name), on_hub=commit is not None, revision=commit or revision
    )


def manifest_of(checkpoint: Path) -> tuple[Mapping[str, Any], Path | None]:
    """The manifest of the run that a checkpoint lies in (``<run>/<stage>/<checkpoint>``, or above), and the
    run's folder; empty and None where there is none."""
    here = checkpoint.absolute()
    for folder in (here, here.parent, here.parent.parent):
        if (folder / MANIFEST).is_file():
            content = read_json(folder / MANIFEST)
            if "recipe" in content or "stages" in content:  # others write files of this name, too
                return content, folder
    return _EMPTY, None


def certificates_of(checkpoint: Path, manifest: Mapping[str, Any], run: Path | None) -> dict[str, Path]:
    """Certificates of the data of a checkpoint's stage and of those before it, by name of the stage."""
    here = checkpoint.absolute()
    found = {}
    if run is not None and run == here.parent.parent:
        for name in table(manifest, "stages"):
            if (run / name / CERTIFICATE).is_file():
                found[str(name)] = run / name / CERTIFICATE
            if name == here.parent.name:
                break
    for folder in (here, here.parent):
        if not found and (folder / CERTIFICATE).is_file():
            found = {"": folder / CERTIFICATE}
    return found


def table(content: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The table under these keys, or an empty one."""
    found: Any = content
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else _EMPTY


def find_base(
    name: str, revision: str | None, checkpoint: Path, *, download: bool = True
) -> tuple[Path, str | None]:
    """The folder of a base, and its commit where it comes from the hub (or its cache: no ``download``)."""
    folder = _folder(name, checkpoint)
    if folder is not None:
        return folder, None
    if name.count("/") > 1 or "\\" in name or name.startswith((".", "~", "/")):
        raise SourceUnavailableError(
            f"{checkpoint}: the base {name!r} is no folder here; name the folder that holds it with --base"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        local = snapshot_download(
            name, revision=revision, allow_patterns=list(_WANTED), local_files_only=not download
        )
    except HFValidationError as error:
        raise DataError(
            f"the base {name!r} is neither a folder nor a hub id: {error}", path=checkpoint
        ) from None
    except (OSError, ValueError) as error:  # the hub's own errors are of these kinds, offline ones too
        told = " ".join(str(error).split())[:200]
        raise SourceUnavailableError(
            f"the base {name!r} is no folder here and could not be downloaded ({told}); "
            "name a folder that holds it with --base"
        ) from None
    return Path(local), Path(local).name


def _folder(name: str, checkpoint: Path) -> Path | None:
    """A base as a folder: as named, or beside the checkpoint where the path is a relative one."""
    for path in (Path(name), checkpoint / name):
        if path.is_dir():
            return path
    return None


def _shown(name: str) -> str | None:
    """A hub id as it is; of a folder the last part, for a path tells of the machine that it is on."""
    if not name:
        return None
    path = Path(name)
    return path.resolve().name if path.is_dir() or path.is_absolute() or name.startswith(".") else name


def _base_of_adapter(path: Path, instead: str | None) -> tuple[str, str | None]:
    config = read_json(path)
    name, revision = config.get("base_model_name_or_path"), config.get("revision")
    if instead is not None and not name:
        name = instead
    if not isinstance(name, str) or not name:
        raise DataError("names no base; name it with --base", path=path, field="base_model_name_or_path")
    return name, revision if isinstance(revision, str) and revision else None


def _says_4bit(name: str) -> bool:
    return name.lower().rstrip("/").endswith(("bnb-4bit", "-4bit"))


def _refuse_quantised(folder: Path, what: str) -> None:
    found = read_json(folder / CONFIG).get("quantization_config")
    if found:
        kind = (
            found.get("bnb_4bit_quant_type") or found.get("quant_method")
            if isinstance(found, dict)
            else found
        )
        raise DataError(
            f"{what} holds quantised weights ({kind}), which nothing is merged into or exported from; "
            "name a folder or hub id with the same model in 16 bit with --base",
            path=folder / CONFIG,
            field="quantization_config",
        )


def _unchanged(folder: Path, recorded: Mapping[str, Any]) -> None:
    """Raise where the base is not the one that the manifest keeps the hash of."""
    then = recorded.get("hash")
    if not then:
        return
    now = weights_hash(folder)
    if now != then:
        raise DataError(
            f"has the hash {now}, and {MANIFEST} of the run says {then}: the base has changed since; "
            "name the one that was trained on with --base",
            path=folder,
        )


def refuse_overlap(out: Path, origin: Origin) -> None:
    """Raise UsageError where the export would lie in, above or in place of what it is made from."""
    target = out.absolute().resolve()
    for source in filter(None, (origin.checkpoint, origin.base)):
        other = source.resolve()
        if target == other or target in other.parents:
            raise UsageError(f"{out}: holds {source}, which the export is made from; name another folder")
