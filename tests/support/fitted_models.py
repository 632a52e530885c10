"""Models with the tables that people have, each with some of its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor
from support.calendar_steps import day_numbers, hours

STEPS = (f"{hours.__module__}.hours", f"{hours.__module__}.day_numbers")
"""Functions that such models call, to be trusted."""
NUMBER = np.arange(300.0)
LABELS = np.arange(300) % 2


class Case(NamedTuple):
    """A fitted model, what it was fitted on, 300 rows each, and some of these rows."""

    model: Any
    X: Any
    y: Any
    asked: Any


def nanoseconds() -> Case:
    X = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=300, freq="h").astype("datetime64[ns]")})
    return fitted(DecisionTreeRegressor(), X, NUMBER, X.tail(2))


def seconds() -> Case:
    X = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=300, freq="h").astype("datetime64[s]")})
    return fitted(DecisionTreeRegressor(), X, NUMBER, X.tail(2))


def zone() -> Case:
    X = pd.DataFrame({"t": pd.date_range("2024-03-09 20:00", periods=300, freq="h", tz="America/New_York")})
    return fitted(make_pipeline(FunctionTransformer(hours), DecisionTreeRegressor()), X, NUMBER, X.head(12))


def a_missing_time() -> Case:
    X = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=300)})
    X.loc[::5, "t"] = pd.NaT
    return fitted(make_pipeline(FunctionTransformer(day_numbers), DecisionTreeRegressor()), X, NUMBER, X.head(7))


def none_in_objects() -> Case:
    X = pd.DataFrame({"c": pd.Series([None, "a", "b", "a"] * 75, dtype="object")})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    return fitted(model, X, [1, 0, 0, 1] * 75, X.head(4))


def missing_integers() -> Case:
    X = pd.DataFrame({"n": pd.array([1, None, 3, 5] * 75, dtype="Int64"), "m": NUMBER})
    return fitted(make_pipeline(SimpleImputer(), LinearRegression()), X, NUMBER, X.head(4))


def large_integers() -> Case:
    """Of which no double has all digits, one beside a missing one."""
    ids = pd.array([2**60 + n for n in range(299)] + [None], dtype="Int64")
    X = pd.DataFrame({"id": ids})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    return fitted(model, X, LABELS, X.tail(3))


def labels_that_are_numbers() -> Case:
    X = pd.DataFrame({2: NUMBER, 0: NUMBER[::-1], 7: NUMBER % 9})
    model = make_pipeline(make_column_transformer((StandardScaler(), [0, 2])), LinearRegression())
    return fitted(model, X, NUMBER, X.head(3))


def texts() -> Case:
    X = pd.Series(["good work", "bad thing", "good"] * 100, name="comment")
    return fitted(make_pipeline(CountVectorizer(), LogisticRegression()), X, [1, 0, 1] * 100, X.head(3))


def a_list_of_texts() -> Case:
    X = ["good work", "bad thing", "good"] * 100
    return fitted(make_pipeline(CountVectorizer(), LogisticRegression()), X, [1, 0, 1] * 100, X[:3])


def categories() -> Case:
    X = pd.DataFrame({"c": pd.Categorical(["b", "a", "c", None] * 75, ["c", "b", "a"]), "n": NUMBER})
    model = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    return fitted(model, X, [0, 1, 1, 0] * 75, X.head(4))


def columns_by_type() -> Case:
    X = pd.DataFrame({"c": pd.Categorical(["b", "a", "c"] * 100), "n": NUMBER})
    chosen = make_column_transformer(
        (OneHotEncoder(), make_column_selector(dtype_include="category")),
        (StandardScaler(), make_column_selector(dtype_include="number")),
    )
    return fitted(make_pipeline(chosen, LogisticRegression()), X, [0, 1, 1] * 100, X.head(3))


def narrow_numbers() -> Case:
    X = pd.DataFrame(
        {
            "a": (NUMBER % 100).astype("int8"),
            "b": pd.array([2**63 + n for n in range(300)], dtype="uint64"),
            "c": NUMBER.astype("float16"),
            "d": pd.array([True, False, None] * 100, dtype="boolean"),
        }
    )
    model = make_pipeline(make_column_transformer(("passthrough", ["a", "c"])), RandomForestClassifier(3))
    return fitted(model, X, LABELS, X.head(4))


def fitted(model: Any, X: Any, y: Any, asked: Any) -> Case:
    return Case(model.fit(X, y), X, y, asked)


CASES: list[Callable[[], Case]] = [
    *(nanoseconds, seconds, zone, a_missing_time, none_in_objects, missing_integers, large_integers),
    *(labels_that_are_numbers, texts, a_list_of_texts, categories, columns_by_type, narrow_numbers),
]
