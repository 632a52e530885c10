"""Fitted models, each spoilt in one attribute so that scikit-learn's compiled code would read or write outside of it.

As a program, `python tests/support/crafted.py NAME` loads one and lets it predict, to see what would happen.
"""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
import skops.io
from sklearn.cluster import BisectingKMeans, KMeans
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

rng = np.random.default_rng(0)
X = np.abs(np.round(rng.normal(size=(300, 4)) * 3, 1))
y = (X[:, 0] > 2).astype(int) + (X[:, 2] > 3)
S = sp.csr_matrix(X * (X > 2))
WORDS = ["red green", "blue tea", "milk red"] * 100
FAR = 10**9


def _set(part: Any, name: str, value: Any) -> None:
    setattr(part, name, value)


def _item(array: Any, at: Any, value: Any) -> None:
    array[at] = value


def _spline(model: Any) -> None:
    spline = model[0].bsplines_[0]
    spline._t = spline._t[:2].copy()


def _words(model: Any) -> None:
    model[0].vocabulary_["red"] = FAR


def _one_hot(model: Any) -> None:
    model[0]._n_features_outs = [1] * 4


def _rare(model: Any) -> None:
    model[0]._default_to_infrequent_mappings[0][:] = FAR


def _wide_trees(model: Any) -> None:
    wide = RandomForestClassifier(2, random_state=0).fit(np.tile(X, 100_000 // 4)[:50], y[:50])
    model.estimators_[1] = wide.estimators_[0]


def _more_classes(model: Any) -> None:
    many = np.concatenate([model.estimators_] * 20, axis=1)
    model.estimators_ = many


def _no_count(model: Any) -> None:
    wide = DecisionTreeClassifier(random_state=0).fit(np.tile(X, 100_000 // 4)[:50], y[:50])
    vars(model).update(vars(wide))
    del model.n_features_in_


def _narrowed(model: Any) -> None:
    model._preprocessor.transformers_.pop(1)


def _metric(model: Any) -> None:
    state = list(model._tree.__getstate__())
    state[11] = None
    made = type(model._tree).__new__(type(model._tree))
    made.__setstate__(tuple(state))
    model._tree = made


def _random(model: Any) -> None:
    state = np.random.RandomState(0)
    inner = state.get_state(legacy=False)
    inner["state"]["pos"] = FAR
    state.set_state(inner)
    model.random_state = state


CRAFTED: dict[str, tuple[Any, Any, Callable[[Any], object]]] = {
    "neighbors: indices": (KNeighborsClassifier(3), S, lambda m: _item(m._fit_X.indices, slice(None), FAR)),
    "neighbors: indptr": (KNeighborsClassifier(3), S, lambda m: _item(m._fit_X.indptr, slice(1, None), FAR)),
    "neighbors: labels": (
        KNeighborsClassifier(3, algorithm="brute"),
        X,
        lambda m: _item(m._y, slice(None), FAR),
    ),
    "neighbors: fewer labels": (
        RadiusNeighborsClassifier(50, algorithm="brute"),
        X,
        lambda m: _item(m._y, slice(None), -FAR),
    ),
    "neighbors: none": (KNeighborsClassifier(3, algorithm="brute"), X, lambda m: _set(m, "n_neighbors", 0)),
    "neighbors: metric": (KNeighborsClassifier(3, algorithm="kd_tree"), X, _metric),
    "svc: counts": (SVC(), X, lambda m: _set(m, "_n_support", np.full(3, 10**8, np.int32))),
    "svc: coefficients": (SVC(), X, lambda m: _set(m, "_dual_coef_", m._dual_coef_[:, :1].copy())),
    "svc: more classes": (SVC(), X, lambda m: _set(m, "_n_support", np.ones(20_000, np.int32))),
    "svc: support": (SVC(kernel="precomputed"), X @ X.T, lambda m: _item(m.support_, slice(None), FAR)),
    "svc: sparse vectors": (SVC(), S, lambda m: _item(m.support_vectors_.indptr, slice(1, None), FAR)),
    "svr: vectors": (SVR(), X, lambda m: _set(m, "support_vectors_", m.support_vectors_[:1].copy())),
    "k means: width": (KMeans(3, n_init=1), X, lambda m: _set(m, "cluster_centers_", np.ones((50_000, 1)))),
    "k means: none": (KMeans(3, n_init=1), X, lambda m: _set(m, "cluster_centers_", np.ones((0, 4)))),
    "bisecting: center": (BisectingKMeans(3), X, lambda m: _set(m._bisecting_tree.left, "center", np.ones(1))),
    "words: column": (make_pipeline(CountVectorizer(), LogisticRegression()), WORDS, _words),
    "hashed words: none": (
        make_pipeline(HashingVectorizer(n_features=8), LogisticRegression()),
        WORDS,
        lambda m: _set(m[0], "n_features", 0),
    ),
    "one hot: columns": (
        make_pipeline(OneHotEncoder(handle_unknown="ignore", sparse_output=False), LogisticRegression()),
        X,
        _one_hot,
    ),
    "one hot: rare": (
        make_pipeline(OneHotEncoder(min_frequency=20, handle_unknown="infrequent_if_exist"), LogisticRegression()),
        X,
        _rare,
    ),
    "spline: knots": (make_pipeline(SplineTransformer(), LogisticRegression()), X, _spline),
    "coefficients: indices": (LogisticRegression(), X, lambda m: _item(m.sparsify().coef_.indices, slice(None), FAR)),
    "tree: no width": (DecisionTreeClassifier(), X, _no_count),
    "forest: a wider tree": (RandomForestClassifier(2), X, _wide_trees),
    "isolation: a wider tree": (IsolationForest(n_estimators=2), X, _wide_trees),
    "boosting: more trees": (GradientBoostingClassifier(n_estimators=2), X, _more_classes),
    "hist boosting: fewer columns": (
        HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]),
        np.round(X),
        _narrowed,
    ),
    "random state: position": (GaussianMixture(2), X, _random),
}


def crafted(name: str) -> bytes:
    """The skops file of one of them."""
    model, rows, spoil = CRAFTED[name]
    model.fit(rows, y)
    spoil(model)
    return skops.io.dumps(model)


if __name__ == "__main__":
    from tenfold.serving import trust
    from tenfold.serving.errors import ModelUnloadable

    faulthandler.enable()
    found, rows, _ = CRAFTED[sys.argv[1]]
    file = crafted(sys.argv[1])
    try:
        model = trust.load_skops(file, source="m")
    except ModelUnloadable as refused:
        sys.exit(f"refused: {refused}")
    if hasattr(model, "sample"):
        model.sample(3)
    model.predict(rows)
    print("answered")
