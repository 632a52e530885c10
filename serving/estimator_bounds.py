"""The arrays of a fitted estimator fit each other, as `bounds` wants it: those that its compiled code takes on trust.

scikit-learn checks a request's columns against `n_features_in_` and hands its fitted arrays to code without checks.
Each function here looks at one family of estimators, given one of them; it answers whether it is sound, and may raise
what a broken attribute raises. How a family's code uses its arrays was read in scikit-learn 1.7 to 1.9.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

Array = NDArray[Any]

_INT32 = 2**31


def checks_of(item: object) -> list[Callable[[Any], bool]]:
    """What to check of this estimator; nothing of one that is not fitted, which cannot predict."""
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(item).__mro__)
    found = [_CHECKS[name] for name in names if name in _CHECKS]
    return [check for fitted, check in found if fitted in vars(item)]


def is_within(indices: Any, size: int) -> bool:
    """Whether all of them are indices into something of this size."""
    indices = np.asarray(indices)
    return indices.size == 0 or bool(
        indices.dtype.kind in "iu" and int(indices.min()) >= 0 and int(indices.max()) < size
    )


def _has_features(estimator: Any) -> bool:
    """scikit-learn does not compare the columns of a request with what is not there."""
    return isinstance(estimator.n_features_in_, int | np.integer) and bool(estimator.n_features_in_ >= 1)


def _is_sound_decision_tree(estimator: Any) -> bool:
    from sklearn.tree._tree import Tree  # pyright: ignore[reportMissingTypeStubs]

    tree = estimator.tree_
    return _has_features(estimator) and isinstance(tree, Tree) and tree.n_features == estimator.n_features_in_


def _is_sound_forest(estimator: Any) -> bool:
    """Only the first tree looks at the columns of a request."""
    features = estimator.n_features_in_
    return _has_features(estimator) and all(_is_tree(tree, features) for tree in estimator.estimators_)


def _is_sound_isolation_forest(estimator: Any) -> bool:
    trees, chosen = estimator.estimators_, estimator.estimators_features_
    return (
        _has_features(estimator)
        and len(trees) == len(chosen)
        and all(
            _is_tree(tree, len(features)) and is_within(features, estimator.n_features_in_)
            for tree, features in zip(trees, chosen, strict=True)
        )
        and all(len(features) <= estimator.n_features_in_ for features in chosen)
    )


def _is_sound_gradient_boosting(estimator: Any) -> bool:
    features, trees = estimator.n_features_in_, estimator.estimators_
    if not (_has_features(estimator) and isinstance(trees, np.ndarray) and trees.ndim == 2 and trees.size):
        return False
    single = all(
        _is_tree(tree, features) and tree.tree_.n_outputs == 1 and tree.tree_.max_n_classes == 1 for tree in trees.flat
    )
    # Compiled code adds what a tree says to the column of its number.
    start = single and estimator._raw_predict_init(np.zeros((1, features), dtype=np.float32))
    return isinstance(start, np.ndarray) and start.shape == (1, trees.shape[1])


def _is_tree(estimator: Any, features: int) -> bool:
    return (
        type(estimator).__module__ == "sklearn.tree._classes"
        and estimator.n_features_in_ == features
        and _is_sound_decision_tree(estimator)
    )


def _is_sound_hist_gradient_boosting(estimator: Any) -> bool:
    """Its trees are checked by `bounds`; here, that they get as many columns as they were grown on."""
    features, preprocessor = estimator.n_features_in_, estimator._preprocessor
    if not _has_features(estimator) or len(estimator._bin_mapper.is_categorical_) != features:
        return False
    if preprocessor is None:
        return True
    rows = np.full((2, features), np.nan, dtype=object)
    for _, step, columns in preprocessor.transformers_:
        for at, categories in zip(np.flatnonzero(columns), getattr(step, "categories_", ()), strict=False):
            rows[:, at] = categories[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it was fitted on a table with names
        made = preprocessor.transform(rows)
    steps = [type(step).__name__ for _, step, _ in preprocessor.transformers_ if not isinstance(step, str)]
    return made.shape == (2, features) and set(steps) <= {"OrdinalEncoder", "FunctionTransformer"}


def _is_sound_neighbors(estimator: Any) -> bool:
    fitted, rows = estimator._fit_X, estimator.n_samples_fit_
    if not (_has_features(estimator) and (issparse(fitted) or isinstance(fitted, np.ndarray))):
        return False
    neighbors = vars(estimator).get("n_neighbors_", vars(estimator).get("n_neighbors"))
    tree = vars(estimator).get("_tree")
    return (
        fitted.shape == (rows, estimator.n_features_in_)
        and rows >= 1
        and (tree is None or np.asarray(tree.data).shape == fitted.shape)
        and (neighbors is None or 1 <= neighbors <= rows)
        and _are_sound_labels(estimator, rows)
    )


def _are_sound_labels(estimator: Any, rows: int) -> bool:
    if "_y" not in vars(estimator):
        return True
    labels = np.asarray(estimator._y)
    if "classes_" not in vars(estimator):
        return len(labels) == rows
    classes = estimator.classes_ if isinstance(estimator.classes_, list) else [estimator.classes_]
    columns = labels.reshape(rows, -1)
    return columns.shape[1] == len(classes) and all(
        is_within(column, len(known)) for column, known in zip(columns.T, classes, strict=True)
    )


def _is_sound_libsvm(estimator: Any) -> bool:
    """Libsvm takes sizes from some of the arrays and reads the others by them."""
    kinds = estimator._n_support
    vectors, count = estimator.support_vectors_, len(estimator.support_)
    is_classifier = estimator._impl in ("c_svc", "nu_svc")
    classes = len(kinds)
    pairs = classes * (classes - 1) // 2 if is_classifier else 1
    is_precomputed = estimator.kernel == "precomputed" or callable(estimator.kernel)
    width = estimator.shape_fit_[0] if is_precomputed else estimator.n_features_in_
    shapes = [(count, width)] + ([(0, 0)] if is_precomputed else [])
    coefficients = estimator._dual_coef_
    return (
        _has_features(estimator)
        and estimator._sparse in (False, True)
        and issparse(vectors) == issparse(coefficients) == bool(estimator._sparse)
        and vectors.shape in shapes
        and kinds.ndim == 1
        and classes == (len(estimator.classes_) if is_classifier else 2)
        and classes >= 2
        and bool((kinds >= 0).all())
        and (not is_classifier or int(kinds.sum(dtype=np.int64)) == count)
        and coefficients.shape == ((classes - 1) if is_classifier else 1, count)
        and (not estimator._sparse or _is_full(coefficients))
        and estimator._intercept_.shape == (pairs,)
        and all(getattr(estimator, name).shape in ((0,), (max(pairs, 1),)) for name in ("_probA", "_probB"))
        and estimator._probA.shape == estimator._probB.shape
        and (not is_precomputed or is_within(estimator.support_, width))
        and (not is_precomputed or callable(estimator.kernel) or width == estimator.n_features_in_)
    )


def _is_full(matrix: Any) -> bool:
    return matrix.nnz == matrix.shape[0] * matrix.shape[1]


def _is_sound_clustering(estimator: Any) -> bool:
    centers = estimator.cluster_centers_
    tree = vars(estimator).get("_bisecting_tree")
    return (
        _has_features(estimator)
        and isinstance(centers, np.ndarray)
        and centers.shape == (len(centers), estimator.n_features_in_)
        and len(centers) >= 1
        and (tree is None or _is_sound_bisection(tree, centers))
    )


def _is_sound_bisection(tree: Any, centers: Array) -> bool:
    stack = [tree]
    while stack:
        node = stack.pop()
        if np.shape(node.center) != centers.shape[1:]:
            return False
        stack += [child for child in (node.left, node.right) if child is not None]
    return True


def _is_sound_vocabulary(estimator: Any) -> bool:
    """Each word's column; a sparse matrix is made with them."""
    words = estimator.vocabulary_
    if not isinstance(words, Mapping):
        return False
    columns = [*cast("Mapping[object, Any]", words).values()]
    whole = all(isinstance(column, int | np.integer) for column in columns)
    return whole and sorted(columns) == [*range(len(columns))]


def _is_sound_hasher(estimator: Any) -> bool:
    return isinstance(estimator.n_features, int | np.integer) and bool(1 <= estimator.n_features < _INT32)


def _is_sound_one_hot(estimator: Any) -> bool:
    """A column for each category; a sparse matrix is made with them."""
    nothing: list[Any] = [None] * len(estimator.categories_)
    mappings = vars(estimator).get("_default_to_infrequent_mappings") or nothing
    left = vars(estimator).get("_infrequent_indices") or nothing
    sizes: list[int] = []
    for categories, mapping, rare in zip(estimator.categories_, mappings, left, strict=True):
        size = len(categories)
        if mapping is not None:
            if len(mapping) != size or not is_within(mapping, size):
                return False
            size = size - len(rare) + 1
            if not is_within(mapping, size):
                return False
        sizes.append(size)
    drops = vars(estimator).get("_drop_idx_after_grouping")
    dropped = [0 if drops is None or drop is None else 1 for drop in (drops if drops is not None else sizes)]
    return (
        _has_features(estimator)
        and len(sizes) == estimator.n_features_in_ == len(dropped)
        and [*map(int, estimator._n_features_outs)] == [size - gone for size, gone in zip(sizes, dropped, strict=True)]
        and (drops is None or all(drop is None or 0 <= drop < size for drop, size in zip(drops, sizes, strict=True)))
    )


def _is_sound_layers(estimator: Any) -> bool:
    shapes = [np.shape(layer) for layer in estimator.coefs_]
    return all(first[1] == second[0] for first, second in pairwise(shapes))


_CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "sklearn.cluster._kmeans._BaseKMeans": ("cluster_centers_", _is_sound_clustering),
    "sklearn.ensemble._forest.BaseForest": ("estimators_", _is_sound_forest),
    "sklearn.ensemble._gb.BaseGradientBoosting": ("estimators_", _is_sound_gradient_boosting),
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.BaseHistGradientBoosting": (
        "_predictors",
        _is_sound_hist_gradient_boosting,
    ),
    "sklearn.ensemble._iforest.IsolationForest": ("estimators_", _is_sound_isolation_forest),
    "sklearn.feature_extraction._dict_vectorizer.DictVectorizer": ("vocabulary_", _is_sound_vocabulary),
    "sklearn.feature_extraction._hash.FeatureHasher": ("n_features", _is_sound_hasher),
    "sklearn.feature_extraction.text.CountVectorizer": ("vocabulary_", _is_sound_vocabulary),
    "sklearn.feature_extraction.text.HashingVectorizer": ("n_features", _is_sound_hasher),
    "sklearn.neighbors._base.NeighborsBase": ("_fit_X", _is_sound_neighbors),
    "sklearn.neural_network._multilayer_perceptron.BaseMultilayerPerceptron": ("coefs_", _is_sound_layers),
    "sklearn.preprocessing._encoders.OneHotEncoder": ("categories_", _is_sound_one_hot),
    "sklearn.svm._base.BaseLibSVM": ("support_vectors_", _is_sound_libsvm),
    "sklearn.tree._classes.BaseDecisionTree": ("tree_", _is_sound_decision_tree),
}
"""What an estimator has once it is fitted, and its check; by the full name of a base class, so that
no module is imported for an estimator that a model does not hold."""
