"""Templates that people wrote: one YAML file each, of the bank or of a user's own."""

from __future__ import annotations

from pathlib import Path

from rote.errors import TemplateError
from rote.perturb.assemble import assemble
from rote.perturb.noop.host import Host
from rote.perturb.schema import ChoiceSpec, TemplateSpec, read_template
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
        super().__init__(f"{source}/{spec.id}", source, plans, path, self._make_host)
        self.spec = spec

    def _make_host(self) -> Host:
        return Host(self._plans["original"][0][0], _words(self.spec), people_known=True)


def load_template(path: Path, source: str = "bank") -> AuthoredTemplate:
    """Read a template file. Raises TemplateError naming file, field, value and what would be right."""
    return AuthoredTemplate(read_template(path), source, path)


def _words(spec: TemplateSpec) -> frozenset[str]:
    """Words that a draw may bring into the question in place of the original's."""
    from rote.perturb.noop.nouns_of import lemmas_of

    choices = [value for noun in spec.names.values() if isinstance(noun, ChoiceSpec) for value in noun.choice]
    texts = [text for value in choices for text in (value.values() if isinstance(value, dict) else [value])]
    return frozenset(word for text in texts for word in lemmas_of(text))
