"""Models of XGBoost and LightGBM in these libraries' own formats, which hold numbers and no code.

`model.load` comes here for what `mlflow.xgboost` and `mlflow.lightgbm` wrote. Nothing of MLflow is imported: which
class is made is looked up in a list, not in what the artifact names. The libraries follow the indices in a file
unchecked; `booster_bounds` checks them.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from .artifact import Artifact
from .booster_bounds import sound_lightgbm
from .bounds import check_bounds
from .errors import ModelUnloadable, first_line

_XGBOOST_CLASSES = ("XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor", "XGBRanker")


class XGBoost(BaseEstimator):
    """A bare `xgboost.Booster`: what it predicts are numbers, such as a classifier's probabilities."""

    def __init__(self, booster: Any) -> None:
        self.booster = booster
        self.n_features_in_ = int(booster.num_features())
        if booster.feature_names:
            self.feature_names_in_ = np.array(booster.feature_names, dtype=object)

    def predict(self, X: Any) -> NDArray[Any]:
        """Answer n rows with n numbers, or n rows of numbers."""
        from xgboost import DMatrix

        # The names of a DataFrame are compared with the model's; a matrix has the model's columns in their order.
        names = None if hasattr(X, "columns") else self.booster.feature_names
        return self.booster.predict(DMatrix(X, feature_names=names))


class LightGBM(BaseEstimator):
    """A bare `lightgbm.Booster`: what it predicts are numbers, such as a classifier's probabilities."""

    def __init__(self, booster: Any) -> None:
        self.booster = booster
        self.n_features_in_ = int(booster.num_feature())

    def predict(self, X: Any) -> NDArray[Any]:
        """Answer n rows with n numbers, or n rows of numbers."""
        return self.booster.predict(X)


def load(saved: Artifact) -> Any:
    """The model, with the methods of a scikit-learn estimator.

    Raises:
        ModelUnloadable: the library is not installed, cannot read the file, or would crash on it.
    """
    library = require(saved)
    if not saved.file.is_file():
        raise ModelUnloadable(f"The model {saved.folder} has no file {saved.file.name}. Register the model again")
    try:
        model = _xgboost(library, saved) if saved.flavor == "xgboost" else _lightgbm(library, saved)
    except ModelUnloadable:
        raise
    except Exception as e:
        raise ModelUnloadable(
            f"The model {saved.folder} cannot be read by {saved.flavor} {library.__version__} ({first_line(e)}). "
            f"Install the version in the model's requirements.txt, or register it again"
        ) from e
    check_bounds(model, str(saved.folder))
    return model


def require(saved: Artifact) -> Any:
    """The library that the model is of.

    Raises:
        ModelUnloadable: it is not installed.
    """
    try:
        return importlib.import_module(saved.flavor)
    except ImportError as e:
        raise ModelUnloadable(
            f"The model {saved.folder} is one of {saved.flavor}, which cannot be imported here ({first_line(e)}). "
            f"Install the version in the model's requirements.txt"
        ) from e


def _xgboost(library: Any, saved: Artifact) -> Any:
    module, _, name = saved.model_class.rpartition(".")
    if (module, name) == ("xgboost.core", "Booster"):
        booster = library.Booster()
        booster.load_model(str(saved.file))
        return XGBoost(booster)
    if module != "xgboost.sklearn" or name not in _XGBOOST_CLASSES:
        raise ModelUnloadable(
            f"The model {saved.folder} is a {saved.model_class}, which is not served. "
            f"Save a Booster, or one of {', '.join(_XGBOOST_CLASSES)}"
        )
    model = getattr(library, name)()
    model.load_model(str(saved.file))
    return model


def _lightgbm(library: Any, saved: Artifact) -> Any:
    return LightGBM(library.Booster(model_str=sound_lightgbm(saved.file.read_text(encoding="utf-8"))))
