"""A job's process for ``sweep_scale.py``, as light as one can be: it sleeps, then writes logs of one task.

Arguments: seconds, the number of the parent and the folder, as the process of an evaluation takes the latter
two. Nothing is imported that Python does not start with: eight workers share the cores of one machine here.
"""

import sys
import time

LOGS = "/logs/core.hash.seed0"


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as handle:  # noqa: PTH123
        handle.write(text)


def main() -> None:
    from os import mkdir

    folder = sys.argv[3]
    time.sleep(float(sys.argv[1]))
    mkdir(folder + "/logs")  # noqa: PTH102
    mkdir(folder + LOGS)  # noqa: PTH102
    write(folder + LOGS + "/samples_bank_original_2026-01-01T00-00-00.000001.jsonl", "{}\n")
    write(folder + LOGS + "/results_2026-01-01T00-00-00.000001.json", '{"results": {"bank_original": {}}}')
    write(folder + "/outcome.json", '{"ok": true}')


main()
