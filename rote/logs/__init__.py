"""The one reader of lm-eval's logs, as versions 0.4.5 to 0.4.13 write them.

- :mod:`rote.logs.files`: which files are logs, which belong together, what a results file holds.
- :mod:`rote.logs.rows`: the lines of a samples file, the fields that every reader of them needs.
- :mod:`rote.logs.words`: text and values of a log, fit to be shown in a message.

What a sample means, and what is wrong enough to refuse, is for whoever reads: ``rote.reports`` and
``rote.harness_ext``.
"""
