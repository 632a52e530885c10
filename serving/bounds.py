"""The indices inside a loaded model stay inside its arrays.

Trees and neighbour searches follow indices that come from the file, in compiled code that does not check them: a file
with only trusted types in it could still crash the process, or make it read foreign memory, at the first prediction.
`trust.load_skops` and `boosters.load` call this once, after loading and before anything is predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KDTree
from sklearn.tree._tree import Tree  # pyright: ignore[reportMissingTypeStubs]

from .booster_bounds import is_of_xgboost, is_sound_xgboost
from .errors import ModelUnloadable
from .estimator_bounds import checks_of, is_within

Array = NDArray[Any]

_METRICS = ("ChebyshevDistance64", "EuclideanDistance64", "ManhattanDistance64")


def check_bounds(model: object, source: str) -> None:
    """Check all that compiled code follows in `model`: trees, and the arrays of estimators.

    Raises:
        ModelUnloadable: an index points outside; no file that its library wrote has such.
    """
    for owner, part in _parts(model):
        try:
            sound = _is_sound(owner, part)
        except Exception:  # whatever an attribute of another kind than scikit-learn's raises
            sound = False
        if not sound:
            raise ModelUnloadable(
                f"The model {source} holds a {type(part).__name__} whose indices point outside of it: the file is "
                f"damaged or was made to crash the server. Register the model again"
            )


def _is_sound(owner: Any, part: Any) -> bool:
    if isinstance(part, Tree):
        return _is_sound_tree(part)
    if isinstance(part, KDTree):
        return _is_sound_kd_tree(part)
    if is_of_xgboost(part):
        return is_sound_xgboost(part)
    if type(part).__name__ == "TreePredictor":
        return _is_sound_predictor(part, owner)
    return all(check(part) for check in checks_of(part))


def _is_sound_tree(tree: Any) -> bool:
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    inner = left != -1
    return _descends(left, right, inner) and is_within(feature[inner], tree.n_features)


def _is_sound_predictor(predictor: Any, owner: Any) -> bool:
    nodes: Array = predictor.nodes
    inner = nodes["is_leaf"] == 0
    features = min(owner.n_features_in_, len(owner._bin_mapper.is_categorical_))
    chosen = nodes["feature_idx"][inner]
    if not _descends(nodes["left"], nodes["right"], inner) or not is_within(chosen, features):
        return False
    categorical = nodes["is_categorical"][inner] != 0
    bitsets = nodes["bitset_idx"][inner][categorical]
    known = np.asarray(owner._bin_mapper.is_categorical_)[chosen[categorical]]
    return bool(known.all()) and all(
        array.ndim == 2 and array.shape[1] == 8 and is_within(bitsets, len(array))
        for array in (predictor.raw_left_cat_bitsets, predictor.binned_left_cat_bitsets)
    )


def _is_sound_kd_tree(tree: Any) -> bool:
    data, index, nodes, bounds = (np.asarray(array) for array in tree.get_arrays())
    state = tree.__getstate__()
    levels, count = state[5:7]
    return (
        type(state[11]).__name__ in _METRICS
        and state[12] is None
        and 1 <= levels < 40
        and len(data) >= 1
        and count == len(nodes) == 2**levels - 1
        and index.shape == (len(data),)
        and bounds.shape == (2, count, data.shape[1])
        and is_within(index, len(data))
        and is_within(nodes["idx_start"], len(data) + 1)
        and is_within(nodes["idx_end"], len(data) + 1)
        # The last level is leaves, or the search would go on below it.
        and bool(nodes["is_leaf"][count // 2 :].all())
    )


def _descends(left: Array, right: Array, inner: Array) -> bool:
    """Every inner node's children come after it, within the array: so each path ends."""
    at = np.nonzero(inner)[0]
    return len(inner) > 0 and all(
        bool((children[inner].astype(np.int64) > at).all()) and is_within(children[inner], len(inner))
        for children in (left, right)
    )


def _parts(model: object) -> Iterator[tuple[object, object]]:
    """The parts that hold indices, each with the nearest estimator around it that knows its features."""
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    seen: set[int] = set()
    stack: list[tuple[object, object]] = [(model, model)]
    while stack:
        owner, item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Tree | KDTree | TreePredictor) or is_of_xgboost(item):
            yield owner, item
        elif isinstance(item, Mapping):
            stack.extend((owner, value) for value in cast("Mapping[Any, Any]", item).values())
        elif isinstance(item, list | tuple | set):
            stack.extend((owner, value) for value in cast("list[Any]", item))
        elif isinstance(item, np.ndarray):
            if item.dtype == object:
                stack.extend((owner, value) for value in cast("Array", item).flat)
        elif hasattr(item, "__dict__") and not isinstance(item, type):
            content = vars(item)
            if checks_of(item):
                yield owner, item
            stack.extend((item if "n_features_in_" in content else owner, value) for value in content.values())
