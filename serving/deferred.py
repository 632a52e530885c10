"""A module that is imported without being executed: it is, when something of it is used.

`lean` puts off `scipy.stats` so. scikit-learn, which takes a few functions out of it while it is imported itself, gets
stand-ins for them. Everybody else who asks for something of it has it executed at once.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any


def put_off(name: str) -> None:
    """Let the next import of this module execute nothing; without effect if it is imported already."""
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is not installed"
    module = importlib.util.module_from_spec(spec)
    module.__class__ = _Deferred
    sys.modules[name] = module
    sys.meta_path.insert(0, _WholeFirst(module))


class _Deferred(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return _StandIn(self, name) if _package_that_asks() == "sklearn" else _executed(self, name)


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
        if type(self._module) is not _Deferred or not fullname.startswith(f"{self._module.__name__}."):
            return None
        _execute(self._module)
        if fullname not in sys.modules:
            return None
        # While it is there, the import system would take its spec, and execute it again.
        return ModuleSpec(fullname, self, loader_state=sys.modules.pop(fullname))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return spec.loader_state

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it was executed with the whole."""


_lock = threading.RLock()  # Others wait; the thread that executes it finds it as far as it has come.
_begun: set[str] = set()


def _executed(module: ModuleType, name: str) -> Any:
    _execute(module)
    return ModuleType.__getattribute__(module, name)


def _execute(module: ModuleType) -> None:
    with _lock:
        if module.__name__ in _begun:
            return
        _begun.add(module.__name__)
        assert module.__spec__ is not None
        assert module.__spec__.loader is not None
        module.__spec__.loader.exec_module(module)
        setattr(module, "__class__", ModuleType)  # noqa: B010 - a checker takes it for a variable of another type


def _package_that_asks() -> str:
    frame = inspect.currentframe()
    while frame is not None and (frame.f_globals is globals() or _package(frame) == "importlib"):
        frame = frame.f_back
    return _package(frame) if frame else ""


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]
