"""Which types a skops model may hold: our own allow-list, never the one that the artifact brings along.

`model.load` reads a model file through `load_skops`; training calls `types_to_trust` before it saves one, so that what
it registers is what serving will load. `skops_reader` builds the model: it calls nothing that the file names, but makes
each part empty and gives it its attributes. `bounds` then checks what compiled code will follow, and `side_effects`
what an estimator would read, start or connect to. Trusted are:
- scikit-learn's own estimators, kernels, losses and the like. The class must be defined in the module that the file
  names. A file makes no module be imported but those parts of scikit-learn, and LightGBM.
- Exact names of other classes, each with its own loader, and of functions, which only compute. A function is never
  trusted by its prefix, and never called while a model is loaded.
- LightGBM's estimators, which MLflow saves as skops too; their Booster only with a text that `booster_bounds` checked.
- The ufuncs of numpy and scipy (log1p, sqrt, expit, ...).
- What the operator names in `TENFOLD_TRUSTED_TYPES`.
Everything of numpy and scipy is by exact name: `numpy.memmap` and `scipy.io.netcdf_file` are classes that write files.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Collection
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from . import skops_reader
from .bounds import check_bounds
from .errors import ModelUnloadable, UntrustedTypes, first_line
from .side_effects import refuse_side_effects
from .skops_archive import Archive, Damaged

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
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.ChebyshevDistance64",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.metrics._dist_metrics.ManhattanDistance64",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
        "scipy.interpolate._bsplines.BSpline",
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
        "sklearn.utils.validation.check_array",
    }
)
"""Functions of numbers alone."""

_UFUNCS = frozenset({"numpy", "scipy.special._special_ufuncs", "scipy.special._ufuncs"})
"""Where skops finds the ufuncs that it saves."""

_NEVER = frozenset({"conftest", "datasets", "experimental", "externals", "tests", "_testing"})
"""Parts of scikit-learn that no fitted model comes from; some of them write files or run what they are given."""

_SCALARS = frozenset(f"numpy.{kind.__name__}" for kind in np.sctypeDict.values())
_TYPES = frozenset(f"builtins.{kind.__name__}" for kind in (bool, dict, float, int, list, map, set, str, tuple)) | {
    "collections.OrderedDict"
}
_LOSSES = frozenset({"sklearn._loss._loss", "sklearn.linear_model._sgd_fast"})
"""Modules of which every class is a compiled loss; each is made of numbers."""

_BY_LOADER: dict[str, frozenset[str]] = {
    "DictNode": frozenset({"builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch"}),
    "DefaultDictNode": frozenset({"collections.defaultdict"}),
    "ListNode": frozenset({"builtins.list"}),
    "SetNode": frozenset({"builtins.set"}),
    "TupleNode": frozenset({"builtins.tuple"}),
    "SliceNode": frozenset({"builtins.slice"}),
    "BytesNode": frozenset({"builtins.bytes"}),
    "BytearrayNode": frozenset({"builtins.bytearray"}),
    "NdArrayNode": _SCALARS | {"numpy.ndarray"},
    "MaskedArrayNode": frozenset({"numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"}),
    "DTypeNode": frozenset({"numpy.dtype"}),
    "SparseMatrixNode": frozenset(
        f"scipy.sparse._{k}.{k}_{kind}" for k in ("csr", "csc") for kind in ("array", "matrix")
    ),
    "RandomStateNode": frozenset({"numpy.random.mtrand.RandomState"}),
    "RandomGeneratorNode": frozenset({"numpy.random._generator.Generator"}),
    "TreeNode": frozenset({"sklearn.tree._tree.Tree"}),
    "PartialNode": frozenset({"functools.partial"}),
}
"""How a file has a part made, and the types that may be made so."""


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
    allowed = partial(is_allowed, extra=extra)
    try:
        archive = Archive(data)
        schema = archive.schema()
        refused = sorted({name for loader, name in skops_reader.names(schema) if not allowed(loader, name)})
    except (Damaged, KeyError, TypeError) as e:
        raise ModelUnloadable(
            f"The model {source} is not a readable skops file ({first_line(e)}). Register the model again"
        ) from e
    if refused:
        raise UntrustedTypes(source, refused)
    try:
        model = skops_reader.Reader(archive, allowed).build(schema)
    except Exception as e:
        raise ModelUnloadable(
            f"The model {source} cannot be restored ({type(e).__name__}: {first_line(e)}). It may have been saved by "
            f"another version of scikit-learn; install the one in the model's requirements.txt, or register it again"
        ) from e
    refuse_side_effects(model, source)
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
    schema = Archive(file.getvalue()).schema()
    refused = sorted({name for loader, name in skops_reader.names(schema) if not is_allowed(loader, name, extra)})
    if refused:
        raise UntrustedTypes(source, refused)
    refuse_side_effects(model, source)
    return names


def is_allowed(loader: str, name: str, extra: Collection[str] = ()) -> bool:
    """Whether a file may have a part of this name made by this loader, see `skops_reader.name_of`."""
    match loader:
        case "JsonNode":
            return True
        case "ObjectNode":
            return name in extra or name in _CLASSES or _is_of_sklearn(name)
        case "FunctionNode" | "TypeNode":  # it is found, and not called
            return name in _TYPES or name in _SCALARS or is_trusted(name, extra)
        case "LossNode":
            return _is_loss(name)
        case _:
            return name in extra or name in _BY_LOADER.get(loader, ())


def is_trusted(name: str, extra: Collection[str] = ()) -> bool:
    """Whether a type or function of this full name may be in a model."""
    return name in extra or name in _CLASSES or name in _FUNCTIONS or _is_ufunc(name) or _is_of_sklearn(name)


def _is_loss(name: str) -> bool:
    module_name, _, attribute = name.rpartition(".")
    if module_name not in _LOSSES:
        return False
    found = vars(importlib.import_module(module_name)).get(attribute)
    return isinstance(found, type) and found.__module__ == module_name


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
