"""Templates in the JSON format of GSM-Symbolic, for whoever has such files.

``load_apple(path)`` gives templates and rejections. What the files say is evaluated by a parser of our own
over a short grammar, never by Python.
"""

from __future__ import annotations

from rote.perturb.apple.load import Imported, load_apple
from rote.perturb.apple.refusal import CODES, Rejection
from rote.perturb.apple.template import AppleTemplate

__all__ = ["CODES", "AppleTemplate", "Imported", "Rejection", "load_apple"]
