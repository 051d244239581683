"""Closed lists that families, the table of nouns and the reading of a problem share."""

from __future__ import annotations

from typing import Final

#: Classes of nouns (``nouns.tsv``).
CLASSES: Final = (
    "person",
    "animal",
    "food",
    "object",
    "vehicle",
    "plant",
    "place",
    "currency",
    "time",
    "measure",
    "abstract",
)

#: Where a story plays (``settings.tsv``).
SETTINGS: Final = (
    "shop",
    "school",
    "home",
    "kitchen",
    "office",
    "farm",
    "sport",
    "travel",
    "party",
    "garden",
    "craft",
)

#: The factors of an inert clause and their values, as GSM-IC names them (Shi et al. 2023), with the place.
FACTORS: Final = {
    "topic": ("in", "off"),
    "role": ("same", "other", "none"),
    "magnitude": ("in_range", "out_of_range", "none"),
    "position": ("before_question", "mid_text", "start"),
}

#: Variants whose clauses come from families.
ATTACHED: Final = ("noop", "noop2", "noop_control", "symbolic_noop")
