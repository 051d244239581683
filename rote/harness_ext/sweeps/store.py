"""Where results are kept: a folder, or what fsspec can write to. A unit's logs are whole or not there.

``RESULTS/<model>/<slot>/`` holds ordinary logs of lm-eval and a mark, ``sweep-<key>.json``. In a folder the
logs of a unit appear by one renaming; until then they are outside, in ``.RESULTS.sweep`` beside it. An object
store has no renaming: there the mark is written last, and a unit without it counts as not there. Errors are
``RESULTS/errors/<job>.json``.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Protocol

from rote.errors import UsageError
from rote.harness_ext import locks

_MARK: Final = re.compile(r"sweep-(?P<key>[0-9a-f]+)\.json")
#: Folder of the records of errors; no model is called so.
ERRORS: Final = "errors"


class Store(Protocol):
    """What a sweep asks of the place of its results."""

    url: str

    def check(self) -> None:
        """Raises UsageError where nothing can be written."""

    def there(self) -> dict[tuple[str, str], str]:
        """The keys of all logs that are whole, by model and slot."""

    def key_of(self, model: str, slot: str) -> str | None:
        """The key of the logs of one slot."""

    def scratch(self) -> contextlib.AbstractContextManager[Path]:
        """A folder to write logs to before they are published; gone afterwards."""

    def publish(self, folder: Path, model: str, slot: str, key: str, facts: Mapping[str, Any]) -> bool:
        """Put a folder's logs in their place; those of another key there give way.

        Returns whether that was done: not where logs of this key are there.
        """

    def record(self, job: str, error: Mapping[str, Any] | None) -> None:
        """Keep the record of a job's error, or remove it."""

    def errors(self) -> list[str]:
        """The jobs that there are records of errors of."""

    def lock(self, say: Callable[[str], None]) -> contextlib.AbstractContextManager[None]:
        """Raises UsageError while another sweep of this machine writes here.

        Where a file system cannot tell, ``say`` gets one line about it.
        """


def open_store(url: str) -> Store:
    """The store of a plan's ``results``. Raises UsageError for a URL that fsspec cannot use."""
    if url.startswith("file://"):
        url = url.removeprefix("file://")
    return Remote(url) if "://" in url else Folder(Path(url).expanduser().absolute())


def _mark(key: str) -> str:
    return f"sweep-{key}.json"


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


class Folder:
    """Results in a folder, which may be shared by machines."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.url = str(root)
        # On the same file system and not below the results, whose readers take all logs that they find.
        self._waiting = root.with_name(f".{root.name}.sweep")

    def check(self) -> None:
        try:
            for folder in (self.root, self._waiting):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self._waiting / uuid.uuid4().hex
            probe.mkdir()
            probe = probe.rename(self.root / probe.name)
            probe.rmdir()
        except OSError as error:
            raise UsageError(
                f"results {self.root}: cannot be written ({error.strerror}); rote writes there and to "
                f"{self._waiting}, which must be on the same file system"
            ) from error

    def there(self) -> dict[tuple[str, str], str]:
        found = {}
        for path in sorted(self.root.glob("*/*/sweep-*.json")):
            if match := _MARK.fullmatch(path.name):
                found[path.parent.parent.name, path.parent.name] = match["key"]
        return found

    def key_of(self, model: str, slot: str) -> str | None:
        for path in (self.root / model / slot).glob("sweep-*.json"):
            if match := _MARK.fullmatch(path.name):
                return match["key"]
        return None

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        self._waiting.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self._waiting))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, folder: Path, model: str, slot: str, key: str, facts: Mapping[str, Any]) -> bool:
        if self.key_of(model, slot) == key:
            return False
        folder.joinpath(_mark(key)).write_text(_dump(facts), encoding="utf-8", newline="\n")
        folder.chmod(0o755)
        final = self.root / model / slot
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            old = self._waiting / uuid.uuid4().hex
            final.rename(old)
            folder.rename(final)
            shutil.rmtree(old, ignore_errors=True)
        else:
            folder.rename(final)
        return True

    def record(self, job: str, error: Mapping[str, Any] | None) -> None:
        path = self.root / ERRORS / f"{job}.json"
        if error is None:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.write_text(_dump(error), encoding="utf-8", newline="\n")
        new.replace(path)

    def errors(self) -> list[str]:
        return sorted(path.stem for path in (self.root / ERRORS).glob("[!.]*.json"))

    @contextmanager
    def lock(self, say: Callable[[str], None]) -> Iterator[None]:
        self._waiting.mkdir(parents=True, exist_ok=True)
        with (self._waiting / "lock").open("w") as handle:
            if (why := self._take(handle)) is not None:
                say(
                    f"results {self.root}: no lock here ({why}); see to it that no other sweep writes "
                    f"there. What killed sweeps have left in {self._waiting} stays"
                )
                # Not cleared: it may be another sweep's that is at work.
                yield
                return
            self._clear()
            try:
                yield
            finally:
                self._clear()

    def _take(self, handle: IO[str]) -> str | None:
        """Lock a file until it is closed; says why where that cannot be had at all."""
        try:
            return locks.lock(handle)
        except BlockingIOError:
            raise UsageError(f"results {self.root}: another sweep is writing here") from None

    def _clear(self) -> None:
        """Remove what a sweep or a worker that was killed has left."""
        for item in self._waiting.iterdir():
            if item.is_dir():
                shutil.rmtree(item, ignore_errors=True)


class Remote:
    """Results in an object store, or wherever else fsspec writes."""

    def __init__(self, url: str) -> None:
        import fsspec  # type: ignore[import-untyped]

        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise UsageError(f"results {url}: {error}") from error
        except ValueError as error:
            raise UsageError(f"results {url}: fsspec cannot write there ({error})") from error
        self.url = url

    def check(self) -> None:
        probe = f"{self._root}/.{uuid.uuid4().hex}"
        try:
            self._fs.pipe_file(probe, b"rote sweep")
            self._fs.rm_file(probe)
        except Exception as error:  # each of fsspec's file systems has errors of its own
            said = " ".join(str(error).split())[:200]
            raise UsageError(
                f"results {self.url}: cannot be written ({type(error).__name__}: {said})"
            ) from error

    def there(self) -> dict[tuple[str, str], str]:
        found = {}
        self._fs.invalidate_cache()
        for path in sorted(self._fs.glob(f"{self._root}/*/*/sweep-*.json")):
            *_, model, slot, name = path.split("/")
            if match := _MARK.fullmatch(name):
                found[model, slot] = match["key"]
        return found

    def key_of(self, model: str, slot: str) -> str | None:
        self._fs.invalidate_cache()
        for path in self._fs.glob(f"{self._root}/{model}/{slot}/sweep-*.json"):
            if match := _MARK.fullmatch(path.rpartition("/")[2]):
                return match["key"]
        return None

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="rote-sweep-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def publish(self, folder: Path, model: str, slot: str, key: str, facts: Mapping[str, Any]) -> bool:
        if self.key_of(model, slot) == key:
            return False
        final = f"{self._root}/{model}/{slot}"
        if self._fs.exists(final):
            # The mark first: from here on, what is left of the old logs does not count.
            for path in self._fs.glob(f"{final}/sweep-*.json"):
                self._fs.rm_file(path)
            self._fs.rm(final, recursive=True)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        # Results after their samples, for readers that know nothing of marks.
        for path in sorted(files, key=lambda path: path.name.startswith("results_")):
            target = f"{final}/{path.relative_to(folder).as_posix()}"
            self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._fs.put_file(str(path), target)
        self._fs.pipe_file(f"{final}/{_mark(key)}", _dump(facts).encode())
        return True

    def record(self, job: str, error: Mapping[str, Any] | None) -> None:
        path = f"{self._root}/{ERRORS}/{job}.json"
        if error is not None:
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(path, _dump(error).encode())
        elif self._fs.exists(path):
            self._fs.rm_file(path)

    def errors(self) -> list[str]:
        found = self._fs.glob(f"{self._root}/{ERRORS}/*.json")
        return sorted(path.rpartition("/")[2].removesuffix(".json") for path in found)

    @contextmanager
    def lock(self, say: Callable[[str], None]) -> Iterator[None]:
        yield  # an object store has no locks that end with their owner
