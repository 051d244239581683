"""Templates that people wrote: one YAML file each, of the bank or of a user's own."""

from __future__ import annotations

from pathlib import Path

from rote.errors import TemplateError
from rote.perturb.assemble import assemble
from rote.perturb.schema import TemplateSpec, read_template
from rote.perturb.template import Template


class AuthoredTemplate(Template):
    """A template made from a file's content, which stays at hand as ``spec``.

    Raises TemplateError when the parts do not agree, the original's answer is not the expected one, or
    the original is no draw of its own template.
    """

    def __init__(self, spec: TemplateSpec, source: str = "bank", path: Path | None = None) -> None:
        try:
            plans = assemble(spec)
        except TemplateError as error:
            raise TemplateError(str(error), path=path) from None
        super().__init__(f"{source}/{spec.id}", source, plans, path)
        self.spec = spec


def load_template(path: Path, source: str = "bank") -> AuthoredTemplate:
    """Read a template file. Raises TemplateError naming file, field, value and what would be right."""
    return AuthoredTemplate(read_template(path), source, path)
