"""What the server knows about scikit-learn's estimators, nested ones included."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tenfold.serving import estimators
from unit.serving.stage import flower_model, flowers, trip_model


def test_every_nested_estimator_predicts_in_one_thread() -> None:
    X, y = flowers()
    forest = RandomForestClassifier(3, n_jobs=2)
    stack = StackingClassifier([("forest", forest)], LogisticRegression(), n_jobs=2, cv=2)
    model = GridSearchCV(make_pipeline(StandardScaler(), stack), {"standardscaler__with_mean": [True]}, n_jobs=1, cv=2)
    model.fit(X.iloc[::5], y.iloc[::5])
    estimators.use_one_thread(model)
    jobs = [vars(e)["n_jobs"] for e in estimators.nested(model) if "n_jobs" in vars(e)]
    assert len(jobs) > 5
    assert set(jobs) <= {None, 1}


def test_names_come_off_and_back_on() -> None:
    model = flower_model()
    X, _ = flowers()
    expected = model.predict(X)
    off = estimators.WithoutNames(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(model.predict(X.to_numpy()), expected)
    off.undo()
    assert list(model.feature_names_in_) == list(X.columns)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X.to_numpy())
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X.rename(columns={"petal_width": "other"}))


def test_what_looks_at_names_does_not_take_arrays() -> None:
    X, y = flowers()
    assert estimators.takes_arrays(flower_model())
    assert not estimators.takes_arrays(trip_model())
    assert not estimators.takes_arrays(make_column_transformer((StandardScaler(), ["petal_width"])))
    assert not estimators.takes_arrays(make_pipeline(FunctionTransformer(), LinearRegression()))
    with_frames = make_pipeline(StandardScaler().set_output(transform="pandas"), LogisticRegression()).fit(X, y)
    assert not estimators.takes_arrays(with_frames)


def test_an_estimator_of_ones_own_does_not_take_arrays() -> None:
    class Own(LinearRegression):
        pass

    assert not estimators.takes_arrays(Own())


def test_classes() -> None:
    X, y = flowers()
    found = estimators.classes(flower_model())
    assert found is not None
    assert found.tolist() == [0, 1, 2]
    assert estimators.classes(LinearRegression().fit(X, y)) is None
    several = RandomForestClassifier(2).fit(X, pd.DataFrame({"a": y, "b": y}))
    assert estimators.classes(several) is None
