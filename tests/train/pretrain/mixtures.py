"""Small mixtures, template folders and tokenizers for the tests of pretraining. All sentences are our own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

import rote.perturb
from rote.train.pretrain import Mixture
from rote.train.recipe import MixtureSpec
from rote.train.rows import Row

#: Of the bank's templates, some that take inert clauses; two of them have answers in cents.
SOME = ("bike_hire", "book_sale", "class_trip", "crab_pots", "fence_posts", "ferry_seats")
_BANK = Path(rote.perturb.__file__).parent / "bank" / "templates"

#: A template of small numbers: no value of a draw is above 240.
PLUMS: dict[str, Any] = {
    "id": "plum_bowls",
    "topic": "kitchen",
    "names": {"who": {"person": "any", "original": "Emeka"}},
    "numbers": {
        "bowls": {"low": 2, "high": 6, "original": 3},
        "plums": {"low": 7, "high": 20, "original": 8},
    },
    "question": ["{{ who }} lays {{ plums }} plums into each of {{ bowls }} bowls on the long shelf."],
    "ask": "As many lie in the cellar. How many plums does {{ who }} have in all?",
    "steps": [
        {"name": "shelf", "calc": "bowls * plums", "text": "The bowls hold {{ eq }} plums."},
        {"name": "all", "calc": "shelf * 2", "text": "With the cellar there are {{ eq }} plums."},
    ],
    "answer": "all",
    "expect": 48,
}
#: Another, whose numbers go up to 900.
BRICKS: dict[str, Any] = {
    "id": "brick_carts",
    "topic": "building",
    "names": {"who": {"person": "any", "original": "Emeka"}},
    "numbers": {
        "carts": {"low": 3, "high": 9, "original": 4},
        "bricks": {"low": 40, "high": 100, "original": 60},
    },
    "question": ["{{ who }} wheels {{ carts }} carts with {{ bricks }} red bricks each up to the old wall."],
    "ask": "A second round is as large. How many bricks does {{ who }} wheel up to the wall?",
    "steps": [
        {"name": "load", "calc": "carts * bricks", "text": "On the carts there are {{ eq }} bricks."},
        {"name": "all", "calc": "load * 2", "text": "In both rounds there are {{ eq }} bricks."},
    ],
    "answer": "all",
    "expect": 480,
}


def folder_of(folder: Path, *templates: dict[str, Any], bank: tuple[str, ...] = ()) -> Path:
    """A folder of template files: given ones, and copies of the bank's."""
    folder.mkdir(parents=True, exist_ok=True)
    for template in templates:
        path = folder / f"{template['id']}.yaml"
        path.write_text(yaml.safe_dump(template), encoding="utf-8")
    for name in bank:
        shutil.copy(_BANK / f"{name}.yaml", folder)
    return folder


def bank_part(path: Path | str, *variants: str, **fields: Any) -> dict[str, Any]:
    """A part that draws from a folder, of weight 1 unless it has repeats."""
    weight = {} if "repeats" in fields else {"weight": 1.0}
    return {"source": "bank", "path": str(path), "variants": list(variants), **weight, **fields}


def spec_of(*parts: dict[str, Any], **fields: Any) -> MixtureSpec:
    """A mixture that is compared with nothing unless told otherwise."""
    return MixtureSpec.model_validate({"parts": parts, "shard": 64, "decontaminate": None, **fields})


def mixture_of(*parts: dict[str, Any], seed: int = 3, **fields: Any) -> Mixture:
    return Mixture(spec_of(*parts, **fields), seed)


def rows_of(mixture: Mixture, *shards: int, part: int | None = None) -> list[Row]:
    """The rows of some shards, of one part or of all."""
    placed = [placed for index in shards for placed in mixture.shard(index)]
    return [one.row for one in placed if part is None or one.part == part]
