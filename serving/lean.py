"""Keeps out of a server what scikit-learn imports and hardly ever uses.

What that buys is measured by `python -m tenfold.loadtests.benchmark.start`, and stands in docs/performance.md.

A process that will serve calls `import_lean` before it imports anything else, and the training script, unless it will
run a function of the user's: this changes what these libraries are for the whole process. Nothing is missing
afterwards; what is put off is imported when something uses it after all.

- scikit-learn imports `scipy.stats` for a few functions that hardly any prediction calls: see `deferred`.
- scikit-learn imports pandas and does nothing with it. Models that look at the names of their columns import it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager

from .deferred import put_off


def import_lean() -> None:
    """Import what every model needs, and as little else as possible."""
    put_off("scipy.stats")
    with _hidden("pandas"):
        importlib.import_module("sklearn.utils.fixes")


@contextmanager
def _hidden(name: str) -> Generator[None]:
    """Let importing this fail, as if it were not installed; nothing happens if it is imported already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # pyright: ignore[reportArgumentType]  # what the import system looks for
    try:
        yield
    finally:
        del sys.modules[name]
