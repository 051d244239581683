"""Families of inert clauses: one YAML file each under ``families/``, unknown keys fatal.

A family says what it needs of a problem (``attach``), from which problems it stays away (``exclude``),
which numbers are plausible in it and how it is worded, with the number and, as a control, without any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from rote.errors import TemplateError
from rote.perturb.inert import scope_word
from rote.perturb.noop.words import CLASSES, SETTINGS
from rote.perturb.schema import Identifier, Model, NumberSpec, Text
from rote.perturb.texts import Piece, parse_text
from rote.perturb.texts import Text as Pieces
from rote.perturb.values import NumberKind
from rote.perturb.yaml_files import Location, read_model

FOLDER: Final = Path(__file__).with_name("families")

#: Most words of a clause: a longer one is an event of its own.
_LONGEST: Final = 24
_FIELD: Final = re.compile(r"\{\{.*?\}\}")
_WORD: Final = re.compile(r"[a-z]+")
_DIGIT: Final = re.compile(r"\d")
#: Words of number that a control must not have.
_NUMBER_WORDS: Final = frozenset(
    """
    one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty sixty
    seventy eighty ninety hundred thousand million dozen half third quarter twice once first second
    double triple pair couple single
    """.split()
)
_PRONOUN_FILTERS: Final = frozenset(("he", "him", "his", "himself"))


class Tensed(Model):
    """A wording whose verb must agree with the story's tense."""

    past: Text
    present: Text


class Attach(Model):
    """What a problem must have.

    ``person``: a named human being (``person`` in the texts). ``other``: a new first name is drawn
    (``other``). ``thing``: a counted plural noun of one of these classes (``thing.one``, ``thing.many``), of
    whose number n the clause speaks of k < n. ``nouns``: the thing is one of these. ``setting``: the story
    plays in one of these settings.
    ``words``: it has one of these lemmas. ``scene``: somebody is named in it, or it plays in some setting.
    ``opens``: whether the clause may come before the whole text, when nothing is known yet.
    """

    person: bool = False
    other: bool = False
    thing: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    setting: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    scene: bool = False
    opens: bool = True

    @model_validator(mode="after")
    def _known(self) -> Attach:
        for what, given, known in (
            ("class of nouns", self.thing, CLASSES),
            ("setting", self.setting, SETTINGS),
        ):
            for value in given:
                if value not in known:
                    raise ValueError(f"unknown {what} {value!r}; known: {', '.join(known)}")
        return self


class Exclude(Model):
    """Lemmas, lower case: ``words`` anywhere in the problem, ``asks`` in the sentence that asks."""

    words: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()


class FamilySpec(Model):
    """A whole family file."""

    family: Identifier
    topic: Literal["in", "off"] = Field(description="about the story's own business, or beside it")
    role: Literal["same", "other", "none"] = Field(
        description="names a person of the problem, another, nobody"
    )
    number: NumberSpec
    attach: Attach = Attach()
    exclude: Exclude = Exclude()
    clauses: tuple[Text | Tensed, ...] = Field(min_length=1, description="with {{ k }}")
    controls: tuple[Text | Tensed, ...] = Field(min_length=1, description="without any number")
    why: Text

    @model_validator(mode="after")
    def _role_fits(self) -> FamilySpec:
        wanted = "other" if self.attach.other else "same" if self.attach.person else "none"
        if self.role != wanted:
            raise ValueError(f"role is {self.role!r}, but what it attaches to makes it {wanted!r}")
        return self


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to say it: pieces by tense (the same in both where the tense does not matter)."""

    past: Pieces
    present: Pieces
    gendered: bool

    def fitting(self, tense: str) -> Pieces | None:
        """The pieces for a story's tense; None when it is mixed and they differ."""
        if self.past == self.present:
            return self.past
        return {"past": self.past, "present": self.present}.get(tense)


@dataclass(frozen=True, slots=True)
class Family:
    """A family, ready to be attached; ``values`` ascend."""

    name: str
    topic: str
    role: str
    kind: NumberKind
    values: tuple[Fraction, ...]
    person: bool
    other: bool
    things: frozenset[str]
    thing_nouns: frozenset[str]
    settings: frozenset[str]
    needs: frozenset[str]
    scene: bool
    opens: bool
    words: frozenset[str]
    asks: frozenset[str]
    clauses: tuple[Wording, ...]
    controls: tuple[Wording, ...]
    why: str
    texts: tuple[str, ...]  # the literal words of its clauses and controls, for the search of common nouns


def read_family(path: Path) -> Family:
    """Read and check a family file. TemplateError names file, field, value and what would be right."""
    spec = read_model(path, FamilySpec, "a family", shown=_shown, known_keys=_known_keys)
    if spec.family != path.stem:
        raise TemplateError(
            f"is {spec.family!r}, but the file is named {path.name!r}", path=path, field="family"
        )
    try:
        return _family(spec)
    except TemplateError as error:
        raise TemplateError(str(error), path=path) from None


def _shown(location: Location) -> Location:
    """Leave out the tags that pydantic puts behind ``clauses.<i>``."""
    return tuple(part for part in location if part not in ("constrained-str", "Tensed"))


def _known_keys(location: Location) -> list[str]:
    parts: dict[str, type[Model]] = {
        "number": NumberSpec,
        "attach": Attach,
        "exclude": Exclude,
        "clauses": Tensed,
        "controls": Tensed,
    }
    model = parts.get(str(location[0]), FamilySpec) if len(location) > 1 else FamilySpec
    return sorted(model.model_fields)


def _family(spec: FamilySpec) -> Family:
    names = {"k"}
    names |= {"person"} if spec.attach.person else set()
    names |= {"other"} if spec.attach.other else set()
    names |= {"thing"} if spec.attach.thing else set()
    for key in ("words", "asks"):
        for word in getattr(spec.exclude, key):
            if word != word.lower() or " " in word:
                raise TemplateError(f"{word!r} is not one word in lower case", field=f"exclude.{key}")
    clauses = [_wording(w, names, f"clauses.{i}") for i, w in enumerate(spec.clauses)]
    controls = [_wording(w, names - {"k"}, f"controls.{i}") for i, w in enumerate(spec.controls)]
    return Family(
        spec.family,
        spec.topic,
        spec.role,
        spec.number.kind,
        tuple(sorted(spec.number.values())),
        spec.attach.person,
        spec.attach.other,
        frozenset(spec.attach.thing),
        frozenset(spec.attach.nouns),
        frozenset(spec.attach.setting),
        frozenset(spec.attach.words),
        spec.attach.scene,
        spec.attach.opens,
        frozenset(spec.exclude.words),
        frozenset(spec.exclude.asks),
        tuple(clauses),
        tuple(controls),
        spec.why,
        tuple(_FIELD.sub("it", s) for w in (*spec.clauses, *spec.controls) for s in _sources(w)),
    )


def _sources(wording: str | Tensed) -> tuple[str, ...]:
    return (wording,) if isinstance(wording, str) else (wording.past, wording.present)


def _wording(wording: str | Tensed, names: set[str], field: str) -> Wording:
    sources = _sources(wording)
    parsed = [_parsed(source, frozenset(names), field) for source in sources]
    gendered = any(f"|{f}" in source.replace(" ", "") for source in sources for f in _PRONOUN_FILTERS)
    return Wording(parsed[0], parsed[-1], gendered)


def _parsed(source: str, names: frozenset[str], field: str) -> Pieces:
    bare = _FIELD.sub(" ", source)
    words = _WORD.findall(bare.lower())
    scope = scope_word(source)
    if scope:
        raise TemplateError(f"{scope!r} could take the inert number into what is asked", field=field)
    if not source.endswith(".") or not (source[0].isupper() or source.startswith("{{")):
        raise TemplateError(f"{source!r} is no whole sentence with a capital and a full stop", field=field)
    if len(words) > _LONGEST:
        raise TemplateError(f"{len(words)} words; at most {_LONGEST}", field=field)
    if _DIGIT.search(bare):
        raise TemplateError(f"{source!r} has a number besides k", field=field)
    pieces = parse_text(source, names=names, field=field)
    used = [name for piece in pieces if isinstance(piece, Piece) for name in piece.names]
    if "k" in names:
        if used.count("k") != 1:
            raise TemplateError(f"{source!r} must hold {{{{ k }}}} once", field=field)
    else:
        numbers = sorted(_NUMBER_WORDS & set(words))
        if numbers:
            raise TemplateError(f"{numbers[0]!r} is a number; a control has none", field=field)
    return pieces


@cache
def families() -> Mapping[str, Family]:
    """The families that ship with rote, by name, sorted."""
    return load_families(FOLDER)


def load_families(folder: Path) -> Mapping[str, Family]:
    """The families of a folder of YAML files, by name, sorted. TemplateError for a bad or no file."""
    files = sorted(folder.glob("*.yaml"), key=lambda file: file.name)
    if not files:
        raise TemplateError("holds no *.yaml family", path=folder)
    return {family.name: family for family in map(read_family, files)}
