"""Training from nothing: a stream of rows that need never repeat, and a plain compiled loop.

``parts`` draws the rows of a mixture, ``shards`` makes batches of them, ``stream`` has processes do so ahead,
``forward`` is the model's own arithmetic without its framework, ``loop`` trains, ``run`` is the stage.
"""

from __future__ import annotations

from rote.train.pretrain.parts import Mixture, first_rows
from rote.train.pretrain.run import compared, run_pretraining

__all__ = ["Mixture", "compared", "first_rows", "run_pretraining"]
