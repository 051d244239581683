"""Templates to instances: what should not matter in a maths problem, changed.

``load_source("bank")`` gives templates, ``Template.problem(variant, seed, index)`` an instance,
``sample`` a run of them.
"""

from __future__ import annotations

from rote.perturb.source import SOURCES, Source, load_source, sample
from rote.perturb.template import Template

__all__ = ["SOURCES", "Source", "Template", "load_source", "sample"]
