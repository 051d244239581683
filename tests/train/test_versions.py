"""Versions that work together, asked before anything is loaded."""

from __future__ import annotations

from importlib import metadata

import pytest

from rote.errors import MissingExtraError, UsageError
from rote.train.versions import PINS, UNSLOTH_PINS, check_versions, numbers

GOOD = {
    "torch": "2.13.0+cpu",
    "transformers": "5.17.0",
    "trl": "1.14.0",
    "peft": "0.21.2",
    "accelerate": "1.15.0",
    "unsloth": "2026.10.7",
}


def check(pins: tuple[object, ...] = PINS, **changed: str) -> dict[str, str]:
    return check_versions(pins, {**GOOD, **changed}.__getitem__)  # type: ignore[arg-type]


def test_the_versions_that_were_found_to_work_together_pass() -> None:
    assert check() == {name: version for name, version in GOOD.items() if name != "unsloth"}
    assert set(check(UNSLOTH_PINS)) == {"unsloth", "transformers", "trl", "torch"}


def test_a_version_that_fails_is_refused_with_the_reason_and_what_to_install() -> None:
    with pytest.raises(UsageError) as error:
        check(trl="1.15.0")
    assert str(error.value) == (
        "trl 1.15.0 is installed, which training does not work with (1.15 fails on a machine without "
        "Triton): pip install 'trl>=1.12,<2,!=1.15.*'"
    )
    assert check(trl="1.16.2")["trl"] == "1.16.2"


@pytest.mark.parametrize(
    ("package", "version"), [("trl", "1.11.4"), ("trl", "2.0.0"), ("transformers", "4.56.2"), ("peft", "1.0")]
)
def test_too_old_and_too_new(package: str, version: str) -> None:
    with pytest.raises(UsageError, match=rf"^{package} {version} is installed"):
        check(**{package: version})


def test_unsloths_own_caps() -> None:
    with pytest.raises(UsageError, match=r"transformers 5\.18\.0 .*unsloth's own cap.*<5\.17\.1"):
        check(UNSLOTH_PINS, transformers="5.18.0")


def test_a_package_that_is_not_there_names_the_extra() -> None:
    def installed(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    with pytest.raises(MissingExtraError, match=r"rote\[train\]"):
        check_versions(PINS, installed)


def test_the_leading_numbers_of_a_version() -> None:
    assert numbers("2.13.0+cpu") == (2, 13, 0)
    assert numbers("1.15.0rc1") == (1, 15, 0)
    assert numbers("5.dev") == (5,)
