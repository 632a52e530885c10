"""The challenger: a clone of the champion fitted on tonight's rows, or what the user's own function makes of them."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from ..serving.errors import first_line
from .errors import FitFailed, TrainFunctionUnusable

Train = Callable[[Any, Any, Any], Any]
"""`train(X, y, champion) -> fitted`: X a DataFrame of n rows, y an array of n labels, champion a fitted estimator."""


def clone_of_champion(X: Any, y: Any, champion: Any) -> Any:
    """A fresh estimator with the champion's parameters, fitted; what trains unless the user says otherwise."""
    challenger: Any = cast("Any", clone(champion))
    return challenger.fit(X, y)


def train_function(path: str | None) -> Train:
    """The function that `path` (package.module:function) names; None: `clone_of_champion`.

    Raises:
        TrainFunctionUnusable: it cannot be imported, or cannot be called with three arguments.
    """
    if path is None:
        return clone_of_champion
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except Exception as e:
        raise TrainFunctionUnusable(path, f"importing {module} failed ({type(e).__name__}: {first_line(e)})") from e
    if found is None:
        raise TrainFunctionUnusable(path, f"the module {module} has no {name}")
    if not callable(found):
        raise TrainFunctionUnusable(path, f"it is a {type(found).__name__}, not a function")
    try:
        inspect.signature(found).bind(None, None, None)
    except TypeError as e:
        raise TrainFunctionUnusable(path, f"it does not take (X, y, champion): {first_line(e)}") from e
    except ValueError:
        pass  # a callable that hides its parameters: calling it will tell
    return found


def fit(train: Train, X: Any, y: Any, champion: Any) -> Any:
    """Run `train`, and make sure that a fitted model came out of it.

    Raises:
        FitFailed: it raised, or gave something else.
    """
    name = f"{train.__module__}:{getattr(train, '__qualname__', type(train).__name__)}"
    try:
        fitted = train(X, y, champion)
    except Exception as e:
        sys.stderr.write(traceback.format_exc())
        raise FitFailed(f"Training failed in {_where(e)}: {type(e).__name__}: {first_line(e)}. Correct {name}") from e
    if not callable(getattr(fitted, "predict", None)):
        raise FitFailed(f"{name} gave a {type(fitted).__name__}, which cannot predict. Return the fitted estimator")
    try:
        check_is_fitted(fitted)
    except (NotFittedError, TypeError) as e:
        raise FitFailed(
            f"{name} gave a {type(fitted).__name__} that is not fitted. Call fit before it is returned"
        ) from e
    return fitted


def _where(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.name} ({Path(last.filename).name}, line {last.lineno})"
