"""``rote sweep``: many models × task sets × seeds × formats, by a plan.

From the file to the table at the end:

- :mod:`plan`, :mod:`reading`: the schema of a plan, and a plan from its file.
- :mod:`checkpoints`: which models a plan means, what a whole checkpoint is, and its weights' hash.
- :mod:`tasks`: the tasks of each format, and a hash of all that they ask.
- :mod:`jobs`: a plan as jobs; one loads a model once; its units (task set, format, seed) are kept.
- :mod:`store`: results, as a folder or at a URL; a unit's logs are there whole or not at all.
- :mod:`child`, :mod:`run_job`, :mod:`failures`: one job in a process of its own, and what went wrong in it.
- :mod:`local`, :mod:`on_ray`: where jobs are run: here one after another, or wherever Ray has room.
- :mod:`drive`, :mod:`table`: the whole sweep, and what is printed of it.
"""
