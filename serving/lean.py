"""Keeps out of a server what its libraries import and hardly ever use: half of its start and a third of its memory.

A process that will serve calls `import_lean` before it imports anything else, and the training script, unless it will
run a function of the user's: this changes what these libraries are for the whole process. Nothing is missing
afterwards; what is put off is imported when something uses it after all.

- scikit-learn imports `scipy.stats` for a few functions that hardly any prediction calls: see `deferred`.
- scikit-learn imports pandas and does nothing with it. Models that look at the names of their columns import it.
- skops imports all of scikit-learn to list what it trusts by itself. `trust` knows that without lists.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from .deferred import put_off

_LISTS = "skops.io._trusted_types"


def import_lean() -> None:
    """Import what loads and asks a model, and as little else as possible."""
    put_off("scipy.stats")
    with _hidden("pandas"):
        importlib.import_module("sklearn.utils.fixes")
    if _LISTS not in sys.modules:
        sys.modules[_LISTS] = _lists()
    importlib.import_module("skops.io")


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


def _lists() -> ModuleType:
    """In the place of skops's lists: short ones, and empty ones where `trust` decides."""
    from numpy import random, sctypeDict

    lists: Any = ModuleType(_LISTS, "Most of it is empty: see tenfold.serving.lean.")
    lists.PRIMITIVE_TYPE_NAMES = [f"builtins.{t.__name__}" for t in (int, float, str, bool)]
    lists.CONTAINER_TYPE_NAMES = [f"builtins.{t.__name__}" for t in (list, set, map, tuple)]
    lists.NUMPY_DTYPE_TYPE_NAMES = sorted({f"{t.__module__}.{t.__name__}" for t in sctypeDict.values()})
    lists.NUMPY_RANDOM_BIT_GENERATOR_TYPE_NAMES = sorted(
        f"numpy.random.{t.__name__}" for t in random.BitGenerator.__subclasses__()
    )
    lists.SKLEARN_ESTIMATOR_TYPE_NAMES = lists.SKLEARN_INTERNAL_TYPE_NAMES = []
    lists.NUMPY_UFUNC_TYPE_NAMES = lists.SCIPY_UFUNC_TYPE_NAMES = []
    return lists
