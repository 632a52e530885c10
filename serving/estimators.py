"""What the server has to know about scikit-learn's estimators, nested ones included.

`model.py` uses it while loading. An estimator can hold others anywhere: as steps, as parameters, as fitted attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

NAMES = "feature_names_in_"
# Not LightGBM's estimators, which warn about a matrix at every prediction.
_INDIFFERENT = ("sklearn.", "xgboost.", f"{__package__}.boosters")


def nested(model: object) -> Iterator[Any]:
    """`model` and every estimator inside it, once each."""
    seen: set[int] = set()
    stack: list[Any] = [model]
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, BaseEstimator):
            yield item
        if isinstance(item, BaseEstimator) or type(item).__module__.startswith("sklearn."):
            stack.extend(getattr(item, "__dict__", {}).values())  # a calibrated classifier holds one, and is none
        elif isinstance(item, Mapping):
            stack.extend(cast("Mapping[Any, Any]", item).values())
        elif isinstance(item, list | tuple | set):
            stack.extend(cast("list[Any]", item))
        elif isinstance(item, np.ndarray) and item.dtype == object:
            stack.extend(item.flat)


def use_one_thread(model: object) -> None:
    """Predict without worker threads or processes, and silently.

    Starting a thread costs more than 10 ms, more than most predictions; a forest that is verbose prints at each.
    """
    for estimator in nested(model):
        # Some warn about any value at all when they are fitted, as a clone will be: what is well stays as it is.
        if vars(estimator).get("n_jobs") not in (None, 1):
            estimator.n_jobs = 1
        if vars(estimator).get("verbose") and type(estimator).__module__.startswith("sklearn."):
            estimator.verbose = 0


def takes_arrays(model: object) -> bool:
    """Whether the model may give the same answers for a matrix as for a DataFrame: nothing in it looks at names."""
    parts = [*nested(model)]
    return bool(parts) and all(
        type(estimator).__module__.startswith(_INDIFFERENT)
        and not isinstance(estimator, ColumnTransformer | FunctionTransformer)
        and not hasattr(estimator, "_sklearn_output_config")
        for estimator in parts
    )


def is_of_sklearn(model: object) -> bool:
    """Whether scikit-learn alone makes the model's inputs into matrices: of other libraries it takes a trial."""
    return all(type(estimator).__module__.startswith("sklearn.") for estimator in nested(model))


def before_last(model: Any, inputs: Any) -> tuple[Any, Any]:
    """The estimator that answers, and what it is given: of a pipeline the last, and what all others make of `inputs`.

    To call a pipeline for each output by itself would transform the rows as often.
    """
    while type(model) is Pipeline and not get_config()["enable_metadata_routing"]:
        for _, step in cast("list[tuple[str, Any]]", model.steps[:-1]):
            if step is not None and step != "passthrough":
                inputs = step.transform(inputs)
        model = model.steps[-1][1]
    return model, inputs


class WithoutNames:
    """Takes the column names off a fitted model and can put them back.

    A model that was fitted on a DataFrame warns at every prediction of a matrix, for it cannot know that the columns
    are in its order. The server knows: the validator puts them there.
    """

    def __init__(self, model: object) -> None:
        self._names = [(e, vars(e).pop(NAMES)) for e in nested(model) if NAMES in vars(e)]

    def undo(self) -> None:
        """Put the names back."""
        for estimator, names in self._names:
            setattr(estimator, NAMES, names)


def classes(model: object) -> np.ndarray[Any, Any] | None:
    """The classes that a classifier knows, sorted; None for any other model and for one of several outputs."""
    with suppress(AttributeError):
        found = cast("Any", model).classes_
        return found if isinstance(found, np.ndarray) and found.ndim == 1 else None
    return None
