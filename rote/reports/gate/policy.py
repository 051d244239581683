"""What a gate demands: its checks, their margins and tiers. Validated strictly.

Tiers
-----
critical      must PASS: a FAIL fails the gate, an INCONCLUSIVE leaves it inconclusive
supporting    must not FAIL: an INCONCLUSIVE is reported and lets the gate pass
advisory      reported, never decides
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from rote.errors import DataError
from rote.hints import hint
from rote.problem import VARIANTS

Tier = Literal["critical", "supporting", "advisory"]
Metric = Literal["accuracy", "drop"]
Missing = Literal["error", "ignore"]

TIERS: Final = ("critical", "supporting", "advisory")
METRICS: Final = ("accuracy", "drop")
MISSING: Final = ("error", "ignore")
#: The version of the schema that is read here.
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Check:
    """One demand: ``metric`` of ``variant`` may be worse than the baseline's by less than ``margin``.

    Attributes
    ----------
    margin: a fraction in (0, 1); points (times 100) in the file.
    source, shots: which series of the baseline it is about; None for each that there is.
    """

    name: str
    variant: str
    metric: Metric
    margin: float
    tier: Tier
    source: str | None = None
    shots: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """All checks. ``alpha`` is the error rate of each kind of claim over the checks of a family;
    ``missing`` says what documents of the baseline that the candidate lacks are."""

    checks: tuple[Check, ...]
    alpha: float = 0.05
    missing: Missing = "error"


def parse_policy(data: Any, path: str = "policy") -> Policy:
    """Check and convert the content of a policy file.

    Raises DataError: an unknown key (with the nearest one that exists), a missing one, a value that is out
    of range or of the wrong type.
    """
    top = _table(data, path, "")
    _known(top, ("version", "alpha", "missing", "checks"), path, "")
    version = top.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        raise DataError(f"is {version!r}; this rote reads version {VERSION}", path=path, field="version")
    alpha = _number(top.get("alpha", 0.05), path, "alpha", 0, 0.5)
    missing = _choice(top.get("missing", "error"), MISSING, path, "missing")
    listed = top.get("checks")
    if not isinstance(listed, list) or not listed:
        raise DataError("must be a list of at least one check", path=path, field="checks")
    checks = tuple(_check(entry, path, f"checks[{i}]") for i, entry in enumerate(listed))
    seen: set[str] = set()
    for i, check in enumerate(checks):
        if check.name in seen:
            raise DataError(
                f"is {check.name!r}, like an earlier check's; give each its own name",
                path=path,
                field=f"checks[{i}].name",
            )
        seen.add(check.name)
    if all(c.tier == "advisory" for c in checks):
        raise DataError("are all advisory: such a gate could not fail", path=path, field="checks")
    return Policy(checks, alpha, cast(Missing, missing))


def _check(entry: Any, path: str, where: str) -> Check:
    table = _table(entry, path, where)
    _known(table, ("name", "variant", "metric", "margin", "tier", "source", "shots"), path, where)
    for key in ("variant", "metric", "margin", "tier"):
        if key not in table:
            raise DataError("is missing", path=path, field=f"{where}.{key}")
    variant = _choice(table["variant"], VARIANTS, path, f"{where}.variant")
    metric = _choice(table["metric"], METRICS, path, f"{where}.metric")
    if metric == "drop" and variant == "original":
        raise DataError("is original, which has no drop from itself", path=path, field=f"{where}.variant")
    source, shots = table.get("source"), table.get("shots")
    if source is not None and not isinstance(source, str):
        raise DataError(f"is {source!r}; it must be text", path=path, field=f"{where}.source")
    if shots is not None and (not isinstance(shots, int) or isinstance(shots, bool) or shots < 0):
        raise DataError(
            f"is {shots!r}; it must be a whole number of at least 0", path=path, field=f"{where}.shots"
        )
    told = "" if source is None else f" ({source})"
    name = table.get("name", f"{metric} of {variant}{told}" + ("" if shots is None else f", {shots} shots"))
    if not isinstance(name, str) or not name.strip():
        raise DataError(f"is {name!r}; it must be text", path=path, field=f"{where}.name")
    return Check(
        name=name,
        variant=variant,
        metric=cast(Metric, metric),
        margin=_number(table["margin"], path, f"{where}.margin", 0, 100) / 100,
        tier=cast(Tier, _choice(table["tier"], TIERS, path, f"{where}.tier")),
        source=source,
        shots=shots,
    )


def _table(value: Any, path: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        kind = "empty" if value is None else f"of type {type(value).__name__}"
        raise DataError(f"is {kind}; it must be a table of keys", path=path, field=where or None)
    return value


def _known(table: Mapping[Any, Any], known: Iterable[str], path: str, where: str) -> None:
    names = tuple(known)
    for key in table:
        if key not in names:
            near = hint(str(key), names, f"; known are {', '.join(names)}")
            field = f"{where}.{key}" if where else str(key)
            raise DataError(f"is no key of a policy{near}", path=path, field=field)


def _choice(value: Any, choices: tuple[str, ...], path: str, where: str) -> str:
    if not isinstance(value, str) or value not in choices:
        near = hint(str(value), choices, f"; it must be one of {', '.join(choices)}")
        raise DataError(f"is {value!r}{near}", path=path, field=where)
    return value


def _number(value: Any, path: str, where: str, low: float, high: float) -> float:
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not low < number < high:
        raise DataError(
            f"is {value!r}; it must be a number strictly between {low:g} and {high:g}", path=path, field=where
        )
    return number
