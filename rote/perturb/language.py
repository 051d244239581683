"""The filters that template texts may use: number, article, money, words, pronouns, possessives.

English inflection comes from :mod:`inflect`, imported on first use. Every filter is a pure function
of its arguments; the renderer relies on that when it prepares texts ahead of time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any, Final

from rote.errors import TemplateError
from rote.perturb.values import Person, Quantity, money_text
from rote.rational import format_number

_PRONOUNS: Final[Mapping[str, Mapping[str, str]]] = {
    "female": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
    "male": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
}
_DENOMINATORS: Final[Mapping[int, tuple[str, str]]] = {
    2: ("half", "halves"),
    3: ("third", "thirds"),
    4: ("quarter", "quarters"),
    5: ("fifth", "fifths"),
    6: ("sixth", "sixths"),
    7: ("seventh", "sevenths"),
    8: ("eighth", "eighths"),
    9: ("ninth", "ninths"),
    10: ("tenth", "tenths"),
    12: ("twelfth", "twelfths"),
    20: ("twentieth", "twentieths"),
}


@cache
def _engine() -> Any:
    """inflect, on first use and without typeguard.

    inflect has typeguard rewrite each of its methods on import, which is 1.6 of the 1.7 seconds that the
    import takes; what the filters hand to it is checked here already.
    """
    import typeguard

    instrument = typeguard.typechecked
    typeguard.typechecked = _as_it_is  # type: ignore[assignment]
    try:
        import inflect
    finally:
        typeguard.typechecked = instrument
    return inflect.engine()


def _as_it_is(target: Any) -> Any:
    return target


def _number(value: object, name: str) -> Fraction:
    if isinstance(value, Quantity):
        return value.value
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Fraction(value)
    raise TemplateError(f"the filter {name!r} takes a number, got {value!r}")


def _word(value: object, name: str) -> str:
    if isinstance(value, str):
        return value
    raise TemplateError(f"the filter {name!r} takes a word, got {value!r}")


def _person(value: object, name: str) -> Person:
    if isinstance(value, Person):
        return value
    raise TemplateError(f"the filter {name!r} takes a person, got {value!r}")


@cache
def _plural(word: str) -> str:
    return str(_engine().plural_noun(word))


def plural(word: object, count: object = None) -> str:
    """``box|plural`` → boxes; ``box|plural(n)`` → box when n is 1, boxes otherwise."""
    text = _word(word, "plural")
    if count is not None and _number(count, "plural") == 1:
        return text
    return _plural(text)


def count(number: object, word: object) -> str:
    """``n|count(box)`` → ``1 box``, ``3 boxes``."""
    return f"{number} {plural(word, number)}"


@cache
def _article(word: str) -> str:
    return str(_engine().a(word))


def article(word: object) -> str:
    """``pear|article`` → a pear; ``hour|article`` → an hour. Numbers too: an 8, an 11, an 80, a 12."""
    if isinstance(word, Quantity):
        text = str(word)
        spoken = text.lstrip("$")
        whole = spoken.split(".")[0]
        vowel = spoken[0] == "8" or (whole in ("11", "18"))
        return f"{'an' if vowel else 'a'} {text}"
    return _article(_word(word, "article"))


def verb(number: object, singular: str, plural_form: str) -> str:
    """``n|verb("is", "are")``: the form that agrees with n."""
    return singular if _number(number, "verb") == 1 else plural_form


def money(number: object) -> str:
    """``$4`` or ``$4.50``."""
    return money_text(_number(number, "money"))


@cache
def _spoken(number: int) -> str:
    return str(_engine().number_to_words(number, andword="")).replace(",", "")


def words(number: object) -> str:
    """``24|words`` → twenty-four; one third, three quarters, half; two and a half."""
    value = _number(number, "words")
    whole, rest = divmod(value, 1)
    if rest == 0:
        return _spoken(int(whole))
    if rest.denominator not in _DENOMINATORS:
        raise TemplateError(f"no words for the fraction {rest}")
    one, many = _DENOMINATORS[rest.denominator]
    if whole:
        part = f"a {one}" if rest.numerator == 1 else f"{_spoken(rest.numerator)} {many}"
        return f"{_spoken(int(whole))} and {part}"
    if rest == Fraction(1, 2):
        return "half"
    return f"{_spoken(rest.numerator)} {one if rest.numerator == 1 else many}"


def ordinal(number: object) -> str:
    """``3|ordinal`` → 3rd."""
    value = _number(number, "ordinal")
    if value.denominator != 1:
        raise TemplateError(f"the filter 'ordinal' takes a whole number, got {value}")
    whole = value.numerator
    suffix = "th" if 10 <= whole % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    return f"{whole}{suffix}"


def comma(number: object) -> str:
    """``12500|comma`` → 12,500."""
    value = _number(number, "comma")
    if value.denominator != 1:
        raise TemplateError(f"the filter 'comma' takes a whole number, got {value}")
    return f"{value.numerator:,}"


def plain(number: object) -> str:
    """The number without sign or unit: ``$4.50|plain`` → 4.5, ``20%|plain`` → 20."""
    return format_number(_number(number, "plain"))


def possessive(owner: object) -> str:
    """``Ines|possessive`` → Ines's; a plural in -s takes the apostrophe alone."""
    if isinstance(owner, Person):
        return f"{owner.name}'s"
    text = _word(owner, "possessive")
    return f"{text}'" if text.endswith("s") else f"{text}'s"


def _pronoun(form: str) -> Callable[[object], str]:
    def pronoun(person: object) -> str:
        return _PRONOUNS[_person(person, form).gender][form]

    pronoun.__name__ = form
    pronoun.__doc__ = (
        f"The pronoun that stands where ``{form}`` would: {_PRONOUNS['female'][form]} for a woman."
    )
    return pronoun


def cap(text: object) -> str:
    """First letter upper case, the rest untouched."""
    value = str(text)
    return value[:1].upper() + value[1:]


#: Everything a template may write after ``|``.
FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "plural": plural,
    "count": count,
    "article": article,
    "verb": verb,
    "money": money,
    "words": words,
    "ordinal": ordinal,
    "comma": comma,
    "plain": plain,
    "possessive": possessive,
    "he": _pronoun("he"),
    "him": _pronoun("him"),
    "his": _pronoun("his"),
    "himself": _pronoun("himself"),
    "cap": cap,
}
