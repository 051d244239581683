"""What is printed at the end of an evaluation: the headline metrics of rote's tasks, everything of others'.

lm-eval prints a line for each metric of each task; rote's tasks have close to forty, most of them shares of
kinds of mistakes. All of them stand in the results file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

#: The metrics of rote's tasks that are printed.
HEADLINE: Final = (
    "exact_match",
    "unknowns_right",
    "format_ok",
    "invalid",
    "trapped",
    "truncated",
)
#: A metric that every task of rote has and no other task does.
_OWN: Final = "exact_match_clustered_se"


def shortened(results: Mapping[str, Any], column: str = "results") -> tuple[dict[str, Any], int]:
    """The results without what is not printed, and how many metrics of the widest task that leaves out."""
    tables, most = {}, 0
    for task, table in results[column].items():
        if not any(key.startswith(f"{_OWN},") for key in table):
            tables[task] = table
            continue
        kept = {key: value for key, value in table.items() if "," not in key or _is_headline(key)}
        most = max(most, sum(key not in kept and "_stderr," not in key for key in table))
        tables[task] = kept
    return {**results, column: tables}, most


def _is_headline(key: str) -> bool:
    name = key.partition(",")[0].removesuffix("_stderr")
    # the shares of each reason are told apart from the whole by what follows the name
    return name in HEADLINE or name == _OWN or name.startswith(("pass@", "maj@"))


@contextlib.contextmanager
def short_tables() -> Iterator[None]:
    """While this lasts, lm-eval's table of results is a short one."""
    import lm_eval.utils

    stock: Callable[..., str] = lm_eval.utils.make_table

    def make_table(result_dict: Mapping[str, Any], column: str = "results", *rest: Any, **named: Any) -> str:
        short, left_out = shortened(result_dict, column)
        table = stock(short, column, *rest, **named)
        more = f"\n{left_out} more metrics a task stand in the results file.\n" if left_out else ""
        return table + more

    lm_eval.utils.make_table = make_table
    try:
        yield
    finally:
        lm_eval.utils.make_table = stock
