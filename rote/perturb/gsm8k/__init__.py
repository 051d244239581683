"""GSM8K's own items as templates: numbers and names of the published problems, changed.

``load("test")`` gives a template or a rejection for each line. No text of GSM8K is stored: items are
read at run time and understood from their worked solutions.
"""

from __future__ import annotations

from rote.perturb.gsm8k.item import ItemTemplate
from rote.perturb.gsm8k.load import Mismatch, Rejection, Split, load

__all__ = ["ItemTemplate", "Mismatch", "Rejection", "Split", "load"]
