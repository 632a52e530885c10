"""Which types a skops model may hold: our own allow-list, never the one that the artifact brings along.

`model.load` reads a model file through `load_skops`; training asks `types_to_trust` before it saves one, so that what
it registers is what serving will load.

A skops file names types and functions, and may have any *trusted* one called with arguments of its own choosing. So a
name is only trusted when calling it with anything at all does no harm beyond an exception:
- scikit-learn's own estimators, kernels, losses and the like, whose constructors only keep their arguments. The class
  must be defined in the module that the file names. A file makes no module be imported but those parts of
  scikit-learn, and LightGBM.
- Exact names of other classes, and of functions, which only compute. A function is never trusted by its prefix.
- LightGBM's estimators, which MLflow saves as skops too; their Booster only as `booster_bounds` lets it be made.
- The ufuncs of numpy and scipy (log1p, sqrt, expit, ...).
- What the operator names in `TENFOLD_TRUSTED_TYPES`.
Everything of numpy and scipy is by exact name: `numpy.memmap` and `scipy.io.netcdf_file` are classes that write files.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Collection
from contextlib import nullcontext
from typing import Any
from zipfile import BadZipFile

import numpy as np
from sklearn.base import BaseEstimator

from .booster_bounds import only_sound_lightgbm
from .bounds import check_bounds
from .errors import ModelUnloadable, UntrustedTypes, first_line

_FAMILIES = frozenset(
    {
        ("sklearn._loss.link", "BaseLink"),
        ("sklearn._loss.loss", "BaseLoss"),
        ("sklearn.gaussian_process.kernels", "Kernel"),
        ("sklearn.metrics._scorer", "_BaseScorer"),
        ("sklearn.model_selection._split", "BaseCrossValidator"),
        ("sklearn.model_selection._split", "BaseShuffleSplit"),
        ("sklearn.neural_network._stochastic_optimizers", "BaseOptimizer"),
    }
)
"""Base classes in scikit-learn whose subclasses, in scikit-learn, are trusted as its estimators are."""

_CLASSES = frozenset(
    {
        "sklearn._loss.link.Interval",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.ChebyshevDistance64",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        "collections.OrderedDict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
        "numpy.dtype",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.interpolate._interpolate.interp1d",
        "scipy.sparse._csc.csc_array",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_array",
        "scipy.sparse._csr.csr_matrix",
    }
)

_FUNCTIONS = frozenset(
    {
        "numpy.abs",
        "numpy.all",
        "numpy.any",
        "numpy.array",
        "numpy.asarray",
        "numpy.clip",
        "numpy.max",
        "numpy.mean",
        "numpy.median",
        "numpy.min",
        "numpy.nan_to_num",
        "numpy.ravel",
        "numpy.reshape",
        "numpy.round",
        "numpy.squeeze",
        "numpy.std",
        "numpy.sum",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.feature_selection._univariate_selection.r_regression",
        "sklearn.metrics._classification.accuracy_score",
        "sklearn.metrics._classification.balanced_accuracy_score",
        "sklearn.metrics._classification.brier_score_loss",
        "sklearn.metrics._classification.f1_score",
        "sklearn.metrics._classification.log_loss",
        "sklearn.metrics._classification.precision_score",
        "sklearn.metrics._classification.recall_score",
        "sklearn.metrics._ranking.average_precision_score",
        "sklearn.metrics._ranking.roc_auc_score",
        "sklearn.metrics._regression.mean_absolute_error",
        "sklearn.metrics._regression.mean_squared_error",
        "sklearn.metrics._regression.r2_score",
        "sklearn.metrics._regression.root_mean_squared_error",
    }
)
"""Functions of numbers alone."""

_UFUNCS = frozenset({"numpy", "scipy.special._special_ufuncs", "scipy.special._ufuncs"})
"""Where skops finds the ufuncs that it saves."""

_NEVER = frozenset({"conftest", "datasets", "experimental", "externals", "tests", "_testing"})
"""Parts of scikit-learn that no fitted model comes from; some of them write files or run what they are given."""


def load_skops(data: bytes, *, source: str, extra: Collection[str] = ()) -> Any:
    """Load a model from the bytes of a skops file, having checked every type in it first.

    Args:
        data: The file's content; read once, so that what is checked is what is loaded.
        source: What the model is called in messages.
        extra: Further trusted names, from the operator's settings.

    Raises:
        UntrustedTypes: naming all types that are not trusted; nothing of the file has been constructed then.
        ModelUnloadable: no skops file, or one from which no working model can be made.
    """
    import skops.io  # it imports much of scikit-learn: only what loads a model pays for it

    try:
        names = skops.io.get_untrusted_types(data=data)
    except (BadZipFile, KeyError, TypeError, ValueError, AttributeError, RecursionError) as e:
        raise ModelUnloadable(
            f"The model {source} is no readable skops file ({first_line(e)}). Register the model again"
        ) from e
    _refuse_untrusted(source, names, extra)
    try:
        with only_sound_lightgbm() if any(name.startswith("lightgbm.") for name in names) else nullcontext():
            model = skops.io.loads(data, trusted=names)
    except Exception as e:
        raise ModelUnloadable(
            f"The model {source} cannot be restored ({type(e).__name__}: {first_line(e)}). It may have been saved by "
            f"another version of scikit-learn; install the one in the model's requirements.txt, or register it again"
        ) from e
    check_bounds(model, source)
    return model


def types_to_trust(model: object, *, source: str, extra: Collection[str] = ()) -> list[str]:
    """What to hand to MLflow as `skops_trusted_types` to save `model`; nothing that serving would refuse.

    Raises:
        UntrustedTypes: naming all types in the model that serving would refuse to load.
        ModelUnloadable: skops cannot save the model at all.
    """
    import skops.io

    file = io.BytesIO()
    try:
        skops.io.dump(model, file)
        names = skops.io.get_untrusted_types(data=file.getvalue())
    except Exception as e:
        raise ModelUnloadable(
            f"The model {source} cannot be saved in the skops format ({first_line(e)}). "
            f"Replace lambdas and local functions in it by functions of a module"
        ) from e
    _refuse_untrusted(source, names, extra)
    return names


def is_trusted(name: str, extra: Collection[str] = ()) -> bool:
    """Whether a type or function of this full name may be in a model."""
    return name in extra or name in _CLASSES or name in _FUNCTIONS or _is_ufunc(name) or _is_of_sklearn(name)


def _refuse_untrusted(source: str, names: list[str], extra: Collection[str]) -> None:
    refused = [name for name in names if not is_trusted(name, extra)]
    if refused:
        raise UntrustedTypes(source, refused)


def _is_ufunc(name: str) -> bool:
    module_name, _, attribute = name.rpartition(".")
    return module_name in _UFUNCS and isinstance(vars(importlib.import_module(module_name)).get(attribute), np.ufunc)


def _is_of_sklearn(name: str) -> bool:
    module_name, _, attribute = name.rpartition(".")
    parts = module_name.split(".")
    if parts[0] != "sklearn" or not _NEVER.isdisjoint(parts):
        return False
    try:
        found = vars(importlib.import_module(module_name)).get(attribute)
    except (ImportError, ValueError):
        return False
    if not isinstance(found, type) or found.__module__ != module_name or found.__qualname__ != attribute:
        return False
    return issubclass(found, BaseEstimator) or any((t.__module__, t.__qualname__) in _FAMILIES for t in found.__mro__)
