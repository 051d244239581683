"""Makes ``log_factory``, one folder up, importable when only this folder is tested."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
