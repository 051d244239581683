"""Why a template of the GSM-Symbolic format is not taken over: a code, the field, the words at fault."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rote.errors import TemplateError

#: Reason codes with what each means; ``docs/apple.md`` lists them.
CODES: Final = {
    "syntax": "a section, a line or an expression that is not of the format",
    "forbidden": "a construct that the grammar leaves out (attributes, lambdas, comprehensions, …)",
    "unknown_name": "a name that is neither a variable of the template nor a known list",
    "unknown_function": "a function that is not on the list",
    "too_large": "an expression, a list or a number beyond the bounds",
    "type": "a value of the wrong kind: a word where a number is needed, say",
    "default_unreadable": "the question's own value of a number that cannot be read as one",
    "default_conflict": "one number with two values in the question",
    "undetermined": "a number that is not in the question and that no condition determines",
    "answer_differs": "#answer at the question's own values is not the published answer",
    "final_differs": "the last line of the solution is not #answer",
    "nothing_varies": "no variable has more than one value",
    "no_draw": "no draw that meets the conditions was found",
    "duplicate_id": "an id that an earlier record has",
    "no_base": "a P1 or P2 record whose template is missing or was refused",
    "malformed": "a record that is not of the format at all",
}


class RefusedError(TemplateError):
    """A template that cannot be taken over; ``code`` is one of :data:`CODES`."""

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that is no template: its id, the reason code, what is wrong and where."""

    template_id: str
    code: str
    message: str
    path: Path
    field: str | None = None

    def __str__(self) -> str:
        where = f"{self.path} [{self.field}]" if self.field else str(self.path)
        return f"{self.template_id}: {self.code}: {where}: {self.message}"
