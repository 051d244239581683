"""Inert clauses: families of them, where they can be attached to a problem, and the instances.

A family (``families/*.yaml``) is one kind of clause; a site is a family at one place of one question
(:mod:`rote.perturb.noop.sites`, from the reading of the question in :mod:`rote.perturb.noop.reading`);
:mod:`rote.perturb.noop.compose` makes instances of sites, and :class:`rote.perturb.template.Template`
gives them out as its variants ``noop``, ``noop2``, ``noop_control`` and ``symbolic_noop``.
"""

from rote.perturb.noop.select import Selection, family_names, pick
from rote.perturb.noop.words import ATTACHED, FACTORS

__all__ = ["ATTACHED", "FACTORS", "Selection", "family_names", "pick"]
