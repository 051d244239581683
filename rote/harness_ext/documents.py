"""Documents as lm-eval wants them, whichever task they are of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, overload


class Documents(Sequence[dict[str, Any]]):
    """A sequence of documents that knows the names of its columns.

    In place of a ``datasets.Dataset``, whose Arrow columns would give every record the union of all
    records' keys and one type of number: what is logged under ``doc`` is exactly what is given here.
    """

    def __init__(self, docs: Iterable[dict[str, Any]]) -> None:
        self._docs = list(docs)

    @property
    def features(self) -> dict[str, None]:
        """The columns; lm-eval reads the keys only."""
        return dict.fromkeys(self._docs[0]) if self._docs else {}

    def __len__(self) -> int:
        return len(self._docs)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return self._docs[index]
