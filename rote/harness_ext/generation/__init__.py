"""Instances by the million: a sequence cut by index, made by any number of workers, always the same.

:mod:`~rote.harness_ext.generation.wanted` says what is drawn in words that another process can act on,
:mod:`~rote.harness_ext.generation.sequence` gives any stretch of the sequence,
:mod:`~rote.harness_ext.generation.executors` runs work over the numbers of shards, and
:mod:`~rote.harness_ext.generation.folder` writes shards that are whole or not there.
"""
