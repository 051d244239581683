"""The commit that lm-eval writes into its results, without what git says where there is none."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_git() -> Iterator[None]:
    """While this lasts, lm-eval's question after the commit prints nothing; its answer is the same.

    Outside a repository lm-eval lets git print "fatal: not a git repository" in the middle of an
    evaluation that goes well.
    """
    import lm_eval.evaluator

    stock = lm_eval.evaluator.get_git_commit_hash
    lm_eval.evaluator.get_git_commit_hash = commit_hash
    try:
        yield
    finally:
        lm_eval.evaluator.get_git_commit_hash = stock


def commit_hash() -> str | None:
    """What ``git describe --always`` says of the working directory; None outside a repository.

    Where git is not installed, what lm-eval reads from the folder ``.git``.
    """
    from lm_eval.loggers.utils import get_commit_from_path

    try:
        done = subprocess.run(["git", "describe", "--always"], capture_output=True, check=False)
    except OSError:
        done = None
    if done is None or done.returncode != 0:
        found: str | None = get_commit_from_path(".")
        return found
    return done.stdout.decode(errors="replace").strip()
