"""Every error that rote raises on purpose.

RoteError                     whatever a caller may want to catch at once
├── UsageError                an argument, option or key that rote does not know or cannot use
├── DataError                 a file or a record that is not what it should be (names file, field, value)
│   ├── TemplateError         a template that contradicts itself or its own original
│   │   └── UnsatisfiableError   constraints that no draw meets
│   └── LogError              lm-eval logs that are missing, truncated or mixed up
├── SourceUnavailableError    data that could not be reached (says how to point at local files)
└── MissingExtraError         an optional dependency that is not installed (says what to install)

The command line prints the message alone, without a traceback, and exits with ``exit_code``.
"""

from __future__ import annotations

from pathlib import Path


class RoteError(Exception):
    """Base of all errors raised on purpose; its message is written for the user."""

    exit_code: int = 3


class UsageError(RoteError):
    """An argument, option or key that rote does not know or cannot use."""


class DataError(RoteError):
    """A file or record that is not what it should be.

    Parameters
    ----------
    message: what is wrong, with the value found and what would be right.
    path: the file, when there is one.
    line: 1-based line number in that file, when there is one.
    field: the field or key at fault, when there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        self.path = None if path is None else str(path)
        self.line = line
        self.field = field
        where = "" if path is None else str(path)
        if line is not None:
            where += f":{line}"
        if field is not None:
            where += f" [{field}]" if where else field
        super().__init__(f"{where}: {message}" if where else message)


class TemplateError(DataError):
    """A template that contradicts itself or its own original."""


class UnsatisfiableError(TemplateError):
    """Constraints that no draw meets."""


class LogError(DataError):
    """lm-eval logs that are missing, truncated or mixed up."""


class SourceUnavailableError(RoteError):
    """Data that could not be reached."""


class MissingExtraError(RoteError):
    """An optional dependency that is not installed.

    Parameters
    ----------
    package: what is missing.
    extra: the extra of rote that brings it.
    instead: another requirement that brings it, when there is one.
    """

    def __init__(self, package: str, extra: str, *, instead: str | None = None) -> None:
        alternative = "" if instead is None else f" (or '{instead}')"
        super().__init__(
            f"{package} is needed for this and is not installed: pip install 'rote[{extra}]'{alternative}"
        )
