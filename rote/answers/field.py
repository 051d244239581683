"""From a short text that should state one answer to that answer, or to why it states none.

A careful reader takes ``12 * 6 = 72 clips`` and ``72 (48 and 24)`` for 72, and takes ``18 or 20``,
``18-20``, ``3 apples and 5 pears``, ``2 + 3``, ``x + 3`` or ``more than 5`` for no answer at all.
"""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from rote.answers.algebra import OPERATOR_WORDS, OPERATORS, is_algebra
from rote.rational import Item, Quantity, read_items


class Settled(NamedTuple):
    """What a text states. ``blank``: it holds no number at all, so it may be a placeholder."""

    quantity: Quantity | None
    reason: str | None
    blank: bool = False


BLANK: Final = Settled(None, "no_number", True)
UNREADABLE: Final = Settled(None, "no_number")
#: Equal to the one above and told apart by identity: ``8 = x + 3`` does not state 8.
ALGEBRA: Final = Settled(None, "no_number")
SEVERAL: Final = Settled(None, "several_answers")

_PLAIN: Final = re.compile(r"\s{0,9}\$?(-?\d{1,15}(?:\.\d{1,9})?)(?:\.|\s){0,9}")
_RESULT_VERBS: Final = frozenset({"is", "makes", "gives", "leaves"})
_EXPLAINS: Final = frozenset({"(", ",", ";", "since", "because", "where", "as", "given", "if"})
_BESIDE: Final = frozenset({"|", "?", "maybe", "perhaps", "possibly", "vs", "versus"})
_SUMMARY: Final = frozenset({"total", "sum", "average", "all"})
_EQUALS: Final = frozenset({"=", "≈", "equals"})
_UNSUPPORTED: Final = frozenset({"π", "√", "∞", "pi", "sqrt", "infinity", "frac", "dfrac", "tfrac"})
_BOUNDS: Final = frozenset({"<", ">", "≤", "≥", "<=", ">="})
_COMPARATIVES: Final = frozenset({"less", "more", "greater", "fewer", "higher", "lower"})
_LABELS: Final = frozenset(
    str.split("step part case question problem example option chapter figure equation eq line table round")
)
# A number straight after one of these tells of the answer ("for 9 eggs"), it is not the answer.
_PREPOSITIONS: Final = frozenset(
    str.split(
        "for in per at from because since as after when every each on over during within than if where given"
    )
)
_MINOR: Final = frozenset({"with", "out", "by"})
_MAJOR_UNITS: Final = frozenset({"dollars", "dollar", "euros", "euro", "pounds", "pound"})
_SOLE_ONE_AFTER: Final = frozenset(str.split("is are was has have equals equal only just exactly be ="))


def settle(text: str, *, prose: bool = False) -> Settled:
    """The one number that ``text`` states. ``prose``: a sentence that was not announced as the answer."""
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return Settled(Quantity(Fraction(plain[1])), None)
    return settle_items(read_items(text), prose=prose)


def settle_items(items: list[Item], *, prose: bool) -> Settled:
    """:func:`settle` on the items of a text."""
    if not any(_is_number(item) for item in items):
        return BLANK
    split = _last_equals(items)
    if split is None:
        return _one(items, prose)
    right = _one(items[split + 1 :], prose)
    if _assigns_several(items, split):
        return SEVERAL
    if right.quantity is None:
        # "72 = 48 + 24": the sum stands on the right, its value alone on the left.
        left = _one(items[:split], prose=False) if right is UNREADABLE else right
        return left if left.quantity is not None and _count(items[:split]) == 1 else right
    head = _head(items, split)
    if head is not None and not prose and not head.equals(right.quantity):
        return SEVERAL
    return right


def _is_number(item: Item) -> bool:
    return item.type == "quantity" or item.type == "bad"


def _count(items: list[Item]) -> int:
    return sum(map(_is_number, items))


def _last_equals(items: list[Item]) -> int | None:
    """Where the last equals sign with a number after it stands."""
    seen = False
    for index in range(len(items) - 1, -1, -1):
        seen = seen or _is_number(items[index])
        if seen and items[index].text in _EQUALS:
            return index
        if (
            items[index].text in _RESULT_VERBS
            and _number_at(items, index + 1)
            and _has_operator(items[:index])
        ):
            return index  # "6 * 12 is 72"
    return None


def _has_operator(items: list[Item]) -> bool:
    return any(
        item.text in OPERATORS or item.text in OPERATOR_WORDS or item.text == "of" for item in items
    ) and any(map(_is_number, items))


def _head(items: list[Item], split: int) -> Quantity | None:
    """The number that opens the text and that the equation only explains: ``72 (6 rows, x = 12)``."""
    opening = [item for item in items[:split] if item.text not in ("[", "{")]
    if not opening or opening[0].quantity is None:
        return None
    for item in opening[1:]:
        if item.text in _EXPLAINS:
            return opening[0].quantity
        if item.type != "word" or item.text == "of" or item.text in OPERATOR_WORDS:
            return None
    return None


def _assigns_several(items: list[Item], last: int) -> bool:
    """``x = 5, y = 7`` and ``x = 5 or x = -5``: the last equation and another give bare unknowns."""
    values: dict[str, set[Fraction]] = {}
    final = False
    for index, item in enumerate(items):
        if item.text != "=" or index == 0 or index + 1 >= len(items):
            continue
        name, value = items[index - 1], items[index + 1].quantity
        bare = index == 1 or not (_is_number(items[index - 2]) or items[index - 2].text in OPERATORS)
        lone = index + 2 >= len(items) or items[index + 2].text not in OPERATORS
        if name.type == "word" and len(name.text) <= 2 and bare and lone and value is not None:
            values.setdefault(name.text, set()).add(value.value)
            final = index == last
    return final and (len(values) > 1 or any(len(found) > 1 for found in values.values()))


def _one(items: list[Item], prose: bool) -> Settled:
    """The one number among items that hold no equals sign."""
    items = _without_asides(items)
    numbers = _candidates(items, prose)
    if not numbers:
        return BLANK if not _count(items) else UNREADABLE
    if any(item.text == "±" for item in items):
        return SEVERAL
    if is_algebra(items, numbers):
        return ALGEBRA
    if any(item.text in _UNSUPPORTED for item in items) or _is_past(items):
        return UNREADABLE
    for index in numbers:
        if items[index].type == "bad":
            return SEVERAL if items[index].text == "list" else UNREADABLE
    fault = _joined(items, prose)
    if fault is not None:
        return fault
    if any(_is_bound(items, index) for index in numbers):
        return SEVERAL
    first = _quantity(items, numbers[0])
    if all(_quantity(items, index).equals(first) for index in numbers[1:]):
        return _single(items, numbers[0], first)
    return _among_prose(items, numbers) if prose else _among_field(items, numbers)


def _without_asides(items: list[Item]) -> list[Item]:
    """The items less what stands in parentheses after a number: ``72 clips (48 + 24)``.

    Not ``18 (or 20)``, an alternative, and not ``2(3 + 4)``, a product.
    """
    kept: list[Item] = []
    at = 0
    while at < len(items):
        item = items[at]
        if item.text == "(" and any(map(_is_number, kept)) and item.start > kept[-1].end:
            close = next((i for i in range(at, len(items)) if items[i].text == ")"), None)
            inside = items[at:close] if close is not None else []
            if close is not None and _count(inside) and all(aside.text != "or" for aside in inside):
                at = close + 1
                continue
        kept.append(item)
        at += 1
    return kept


def _is_past(items: list[Item]) -> bool:
    """``half past three``: a time in words, which is not read."""
    return any(b.text in ("past", "to") and a.text.lower() in ("half", "quarter") for a, b in pairwise(items))


def _quantity(items: list[Item], index: int) -> Quantity:
    quantity = items[index].quantity
    if quantity is None:
        raise TypeError(f"not a quantity: {items[index]}")
    return quantity


def _single(items: list[Item], index: int, quantity: Quantity) -> Settled:
    """A single number, unless a bare unknown stands at it: ``5x`` is no number."""
    following = items[index + 1] if index + 1 < len(items) else None
    if (
        following is not None
        and following.type == "word"
        and following.text in ("x", "y", "z", "n")
        and following.start == items[index].end
        and index + 2 >= len(items)
    ):
        return UNREADABLE
    if (
        following is not None
        and following.text == ":"
        and index + 2 < len(items)
        and _is_number(items[index + 2])
    ):
        return UNREADABLE  # a ratio
    return Settled(quantity, None)


def _candidates(items: list[Item], prose: bool) -> list[int]:
    """Indices of the numbers that may be the answer: no labels, no denied ones, digits before words."""
    found = []
    digits = any(_is_number(item) and not item.spelled for item in items)
    for index, item in enumerate(items):
        if not _is_number(item):
            continue
        before = items[index - 1].text if index else ""
        after = items[index + 1].text if index + 1 < len(items) else ""
        if (
            before in _LABELS
            or before == "not"
            or (before in ("a", "the", "be") and _word(items, index - 2) == "not")
        ):
            continue
        if item.spelled:
            if digits and before not in ("or", "to") and after not in ("or", "to"):
                continue
            if prose and item.text.lower() in ("one", "half") and before not in _SOLE_ONE_AFTER:
                continue
        found.append(index)
    return found


def _word(items: list[Item], index: int) -> str:
    return items[index].text if 0 <= index < len(items) else ""


def _joined(items: list[Item], prose: bool) -> Settled | None:
    """What is wrong when an operator stands between two numbers: a range, or a sum nobody worked out."""
    operator = ""
    seen = False
    for index, item in enumerate(items):
        if _is_number(item):
            if operator:
                return SEVERAL if operator in ("-", "~") else UNREADABLE
            seen = True
        elif not seen:
            continue
        elif (item.text in OPERATOR_WORDS and item.type == "word") or (
            item.text == "of" and not prose and _number_at(items, index - 1) and _number_at(items, index + 1)
        ):
            operator = item.text
        elif item.text in OPERATORS:
            following = items[index + 1] if index + 1 < len(items) else None
            # "$18/day for 7 days", "5-gallon": the sign belongs to a unit.
            if following is not None and (following.type != "word" or item.text not in ("/", "-", "·", "*")):
                operator = item.text
            elif following is not None and item.text == "-" and item.start > items[index - 1].end:
                operator = "-"
        elif operator and item.text in (";", ")"):
            operator = operator if item.text == ")" else ""
    return None


def _is_bound(items: list[Item], index: int) -> bool:
    """``< 5``, ``more than 5``: says where the answer lies, not what it is. ``<72>`` is a bracket."""
    before = _word(items, index - 1)
    if before in _BOUNDS:
        return not (before == "<" and _word(items, index + 1) == ">")
    return before == "than" and _word(items, index - 2) in _COMPARATIVES and not _number_at(items, index - 3)


def _number_at(items: list[Item], index: int) -> bool:
    return 0 <= index < len(items) and _is_number(items[index])


def _among_field(items: list[Item], numbers: list[int]) -> Settled:
    """Different numbers in a text announced as the answer: the first, if the others only explain it."""
    head = numbers[0]
    first = _quantity(items, head)
    if any(item.text in ("between", "from", "either", "both") for item in items[:head]):
        return SEVERAL
    combined = _with_cents(items, numbers)
    if combined is not None:
        return combined
    depth = 0
    for index in range(head + 1, len(items)):
        item = items[index]
        if item.text == "(":
            depth += 1
        elif item.text == ")":
            depth -= 1
        elif item.text == "or":
            return SEVERAL
        elif index in numbers and not _quantity(items, index).equals(first) and depth <= 0:
            before = _word(items, index - 1)
            if before not in _PREPOSITIONS and before not in _MINOR:
                return SEVERAL
    return Settled(first, None)


def _with_cents(items: list[Item], numbers: list[int]) -> Settled | None:
    """``18 dollars and 50 cents``."""
    if len(numbers) != 2 or _word(items, numbers[0] + 1) not in _MAJOR_UNITS:
        return None
    whole, cents = (_quantity(items, index).value for index in numbers)
    between = [item.text for item in items[numbers[0] + 2 : numbers[1]]]
    if _word(items, numbers[1] + 1) not in ("cents", "cent") or any(t not in ("and", ",") for t in between):
        return None
    if not (0 <= cents < 100 and cents.denominator == whole.denominator == 1 and whole >= 0):
        return SEVERAL
    return Settled(Quantity(whole + cents / 100), None)


def _among_prose(items: list[Item], numbers: list[int]) -> Settled:
    """Different numbers in a closing sentence: the last that no preposition makes a detail."""
    words = [item.text for item in items]
    first, last = numbers[0], numbers[-1]
    between = words[first + 1 : last]
    opening = words[:first]
    if "or" in between or ("between" in opening and "and" in between) or "either" in opening:
        return SEVERAL
    if "from" in opening and "to" in between:
        return SEVERAL
    combined = _with_cents(items, numbers)
    if combined is not None:
        return combined
    if any(_listed(items, index) for index in numbers[1:]):
        return SEVERAL
    main = [index for index in numbers if not _is_detail(items, index)] or numbers
    if main[0] == 0 and len(main) > 1:
        return SEVERAL  # "72 clips, 48 in April and 24 in May": no verb says which
    return Settled(_quantity(items, main[-1]), None)


def _listed(items: list[Item], index: int) -> bool:
    """Whether a number continues a list or range: ``18, 20``, ``18 to 20``, ``(a) 18 (b) 20``."""
    at = index - 1
    while at >= 0 and items[at].text in (",", "and", "&", ";", "to"):
        at -= 1
    if _number_at(items, index - 1) or (items[index - 1].text in _BESIDE and _number_at(items, index - 2)):
        return True
    if (
        at >= 1
        and items[at].type == "word"
        and items[at + 1].text in ("and", "to")
        and _is_number(items[at - 1])
    ):
        return True  # "2 hours and 40 minutes"
    label = (
        at >= 2 and items[at].text == ")" and items[at - 1].type == "word" and len(items[at - 1].text) == 1
    )
    return (at < index - 1 and _number_at(items, at)) or label


def _is_detail(items: list[Item], index: int) -> bool:
    """Whether a preposition up to three words back makes the number a detail: "by selling 9"."""
    at = index - 1
    words: list[str] = []
    while at >= 0 and len(words) < 3 and items[at].type == "word":
        words.append(items[at].text)
        at -= 1
    return not _SUMMARY.intersection(words) and any(word in _PREPOSITIONS or word == "by" for word in words)
