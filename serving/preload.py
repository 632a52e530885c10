"""Imported by a process that model servers are forked from: all that they need, and as little else as possible.

`platform/local/forks.py` names it to its fork server.
"""

from .lean import import_lean

import_lean()

from . import artifact as artifact  # noqa: E402
from . import server as server  # noqa: E402
