"""The direct forms of scikit-learn's estimators: bit for bit what the estimators answer, on any rows, in one pass."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from tenfold.serving.direct import Direct
from tenfold.serving.errors import PredictionFailed
from tenfold.serving.model import METHODS, Answers, Model
from tenfold.serving.signature import Column, Signature
from tenfold.serving.validation import Batch

NAMES = ("a", "b", "c", "d")
RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(400, 4)) * [1, 3, 0.5, 2]
CLASSES = np.digitize(X[:, 0] + RANDOM.normal(size=400), [-0.5, 0.5])
TARGETS: dict[str, Any] = {
    "two classes": CLASSES > 0,
    "three classes": CLASSES,
    "texts": np.array(["no", "maybe", "yes"])[CLASSES],
    "numbers": X[:, 1] / 3,
    "two numbers": X[:, :2],
}
CLASSIFIERS = [
    LogisticRegression(max_iter=1000),
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(StandardScaler(with_mean=False), make_pipeline(StandardScaler(with_std=False), LogisticRegression())),
    make_pipeline(StandardScaler(), RandomForestClassifier(12, random_state=1)),
    ExtraTreesClassifier(12, random_state=1),
]
REGRESSORS = [
    LinearRegression(),
    make_pipeline(StandardScaler(), Ridge()),
    Lasso(),
    ElasticNet(),
    RandomForestRegressor(12, random_state=1),
    ExtraTreesRegressor(12, random_state=1),
]
LINEAR = LinearRegression(), Ridge()


def cases() -> list[Any]:
    kinds = [(CLASSIFIERS, "two classes"), (CLASSIFIERS, "three classes"), (CLASSIFIERS, "texts")]
    kinds += [(REGRESSORS, "numbers"), (list(LINEAR), "two numbers")]
    return [
        pytest.param(estimator, TARGETS[target], id=f"{target}-{number}")
        for estimators, target in kinds
        for number, estimator in enumerate(estimators)
    ]


def served(estimator: Any) -> Model:
    """The model as a server has it when it has warmed up."""
    signature = Signature(tuple(Column(name, "double", required=name != "d") for name in NAMES))
    model = Model(estimator, signature, "m", "1", [dict(zip(NAMES, row, strict=True)) for row in X[:3].tolist()])
    model.warm_up()
    return model


def batch(rows: Any) -> Batch:
    return Batch.of_matrix(NAMES, np.array(rows))


def expected(estimator: Any, rows: Any, outputs: Sequence[str]) -> Answers:
    return {name: getattr(estimator, name)(rows) for name in outputs}


@pytest.mark.parametrize(("estimator", "target"), cases())
def test_answers_are_the_estimators_own_to_the_last_bit(estimator: Any, target: Any) -> None:
    estimator.fit(X, target)
    outputs = [name for name in METHODS if hasattr(estimator, name)]
    direct = Direct.of(estimator)
    assert direct is not None
    for rows in (X[:1], X[5:8], X, X * 1e3, X * 1e-3, -X):
        answers = direct.answer(batch(rows), outputs)
        for name, array in expected(estimator, rows, outputs).items():
            assert answers[name].dtype == array.dtype
            assert answers[name].tobytes() == array.tobytes(), name


def test_a_server_asks_the_direct_form_and_a_forests_trees_once_for_all_outputs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forest = RandomForestClassifier(5, random_state=1).fit(pd.DataFrame(X, columns=NAMES), CLASSES)
    model = served(forest)
    assert model.direct is not None
    asked = Counter[str]()
    for name in METHODS[:2]:
        monkeypatch.setattr(forest, name, lambda *_, name=name: asked.update([name]))
    answers = model.answer(batch(X[:7]), model.outputs)
    assert [*answers] == ["predict", "predict_proba"]
    assert not asked


@pytest.mark.parametrize("last", [LogisticRegression(), RandomForestClassifier(3, random_state=1)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_plain_numbers_the_estimator_judges(last: Any, value: float) -> None:
    estimator = make_pipeline(StandardScaler(), last).fit(pd.DataFrame(X, columns=NAMES), CLASSES)
    model = served(estimator)
    assert model.direct is not None
    rows = X[:2].copy()
    rows[1, 3] = value
    assert model.direct.answer(batch(rows), model.outputs) == {}
    said = ""
    try:
        estimator.predict(rows)
    except ValueError as e:
        said = str(e).splitlines()[0]
    if said:
        with pytest.raises(PredictionFailed, match=re.escape(said)):
            model.answer(batch(rows), model.outputs)
    else:
        answers, whole = model.answer(batch(rows), model.outputs), expected(estimator, rows, model.outputs)
        assert all(np.array_equal(answers[name], whole[name]) for name in whole)


def test_other_estimators_and_those_made_of_them_have_none() -> None:
    class Own(LogisticRegression):
        """Whatever it does."""

    for estimator in (SVC(), Own(), make_pipeline(PCA(), LogisticRegression())):
        assert Direct.of(estimator.fit(X, CLASSES)) is None


def test_one_that_differs_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    estimator = LogisticRegression().fit(pd.DataFrame(X, columns=NAMES), CLASSES > 0)
    real = estimator.predict_proba
    monkeypatch.setattr(estimator, "predict_proba", lambda rows: np.nextafter(real(rows), 1))  # another scikit-learn's
    model = served(estimator)
    assert model.direct is None
    assert model.answer(batch(X[:2]), ("predict_proba",))["predict_proba"].tobytes() == (
        np.nextafter(real(X[:2]), 1).tobytes()
    )


def test_a_pipeline_without_a_direct_form_transforms_the_rows_once_for_all_outputs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pca = PCA(2)
    estimator = make_pipeline("passthrough", make_pipeline(StandardScaler(), pca), SVC())
    estimator.fit(pd.DataFrame(X, columns=NAMES), CLASSES)
    model = served(estimator)
    assert model.direct is None
    whole = expected(estimator, X[:9], model.outputs)
    calls, real = Counter[str](), pca.transform
    monkeypatch.setattr(pca, "transform", lambda rows: calls.update(["transform"]) or real(rows))
    answers = model.answer(batch(X[:9]), model.outputs)
    assert calls == {"transform": 1}
    assert [*answers] == ["predict", "decision_function"]
    assert all(np.array_equal(answers[name], whole[name]) for name in whole)
