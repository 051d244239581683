"""The nouns of a family's wordings, and the lemmas of a phrase: what must not meet the problem's words."""

from __future__ import annotations

from functools import lru_cache

from rote.perturb.noop.tagging import tag_text

#: Nouns too general to bring two texts together.
_LIGHT = frozenset(("day", "today", "side", "it"))


@lru_cache(maxsize=1024)
def nouns_of(texts: tuple[str, ...]) -> frozenset[str]:
    """Lemmas of the common nouns in the texts, lower case."""
    found = {t.lemma for text in texts for t in tag_text(text) if t.tag.startswith("NN")}
    return frozenset(found - _LIGHT)


@lru_cache(maxsize=4096)
def lemmas_of(text: str) -> frozenset[str]:
    """Lemmas and words of a text, lower case."""
    return frozenset(word for token in tag_text(text) for word in (token.lemma, token.text.lower()))
