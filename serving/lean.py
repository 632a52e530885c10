"""Keeps out of a server what its libraries import and hardly ever use: half of its start and a third of its memory.

A process that will serve calls `import_lean` before it imports anything else, and the training script, unless it will
run a function of the user's: this changes what these libraries are for the whole process. Nothing is missing
afterwards; what is put off is imported when something uses it after all.

- scikit-learn imports `scipy.stats` for a few functions that hardly any prediction calls. It gets stand-ins that
  import it when they are called. Everybody else who asks for something of it gets it at once.
- scikit-learn imports pandas and does nothing with it. Models that look at the names of their columns import it.
- skops imports all of scikit-learn to list what it trusts by itself. `trust` knows that without lists.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

_STATS, _LISTS = "scipy.stats", "skops.io._trusted_types"


def import_lean() -> None:
    """Import what loads and asks a model, and as little else as possible."""
    put_off_stats()
    with _hidden("pandas"):
        importlib.import_module("sklearn.utils.fixes")
    if _LISTS not in sys.modules:
        sys.modules[_LISTS] = _lists()
    importlib.import_module("skops.io")


def put_off_stats() -> None:
    """Let scikit-learn import `scipy.stats` only when it calls something of it."""
    if _STATS in sys.modules:
        return
    spec = importlib.util.find_spec(_STATS)
    assert spec is not None, "scikit-learn cannot be installed without scipy"
    module = importlib.util.module_from_spec(spec)
    module.__class__ = _PutOff
    sys.modules[_STATS] = module
    sys.meta_path.insert(0, _WholeFirst(module))


class _PutOff(ModuleType):
    """A module that is executed when somebody asks for something in it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        asking = _package_that_asks()
        if asking == "sklearn":
            return _StandIn(self, name)
        if asking == "skops":  # It goes through all modules that there are, looking for where a function comes from.
            raise AttributeError(f"module {self.__name__!r} is not executed yet")
        return _executed(self, name)


class _StandIn:
    """Something of a module that is put off: when it is called or asked for an attribute, it does as the real one."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._real = lambda: _executed(module, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._real()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)


class _WholeFirst(MetaPathFinder, Loader):
    """Executes a module that is put off before a part of it is imported: their order matters to them."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if not fullname.startswith(f"{self._module.__name__}."):
            return None
        _executed(self._module, "__name__")
        if fullname not in sys.modules:
            return None
        # While it is there, the import system would take its spec, and execute it again.
        return ModuleSpec(fullname, self, loader_state=sys.modules.pop(fullname))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return spec.loader_state

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it was executed with the whole."""


_executing = threading.RLock()


def _executed(module: ModuleType, name: str) -> Any:
    with _executing:
        if type(module) is _PutOff:
            setattr(module, "__class__", ModuleType)  # noqa: B010 - a checker takes it for a variable of another type
            assert module.__spec__ is not None
            assert module.__spec__.loader is not None
            sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, _WholeFirst)]
            module.__spec__.loader.exec_module(module)
        return getattr(module, name)


def _package_that_asks() -> str:
    frame = inspect.currentframe()
    while frame is not None and (frame.f_globals is globals() or _package(frame) == "importlib"):
        frame = frame.f_back
    return _package(frame) if frame else ""


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]


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
