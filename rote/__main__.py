"""``python -m rote``: the same as the command ``rote``."""

from __future__ import annotations

import sys

from rote.cli import main

if __name__ == "__main__":
    sys.exit(main())
