"""A night with each kind of column: the challenger learns from the very table that the champion was fitted on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from integration.training.stage import Place
from mlflow.models import infer_signature
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from support.fitted_models import CASES, STEPS, Case
from tenfold.serving import artifact
from tenfold.serving.model import Model, load
from tenfold.training import fit
from tenfold.training.mlmodel import settings_of
from tenfold.training.registry import Registry
from tenfold.training.table import described


@pytest.fixture
def empty(tmp_path: Path) -> Place:
    return Place(tmp_path, Registry(f"sqlite:///{tmp_path / 'registry.db'}"), f"sqlite:///{tmp_path / 'log.db'}")


def version(place: Place, number: str) -> Model:
    place.registry.fetch("m", number, into := place.folder / number)
    return load(into, name="m", version=number, settings=settings_of(into))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_night_learns_from_the_table_that_the_champion_was_fitted_on(
    case: Callable[[], Case], empty: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENFOLD_TRUSTED_TYPES", ",".join(STEPS))
    seen = list[Any]()
    monkeypatch.setattr(fit, "clone_of_champion", lambda X, y, champion: (seen.append(X), clone(champion).fit(X, y))[1])
    model, X, y, asked = case()
    empty.registry.register(model, "m", example=asked, tags={})
    _, rows = described(X)
    empty.put("m", rows, np.asarray(y).tolist())
    night = empty.night("m")
    assert night.outcome in ("promoted", "kept"), night.reason
    (table,) = seen
    if isinstance(X, list):
        assert set(table) <= set(X)
    else:
        pd.testing.assert_index_equal(table.columns if table.ndim == 2 else pd.Index([table.name]), _columns(X))
        whole = pd.concat([X, table]) if table.ndim == 2 else pd.concat([X, table]).to_frame()
        assert [*map(str, whole.dtypes)] == [*map(str, (X if table.ndim == 2 else X.to_frame()).dtypes)]
    champion, challenger = version(empty, "1"), version(empty, "2")
    assert challenger.signature == champion.signature
    assert challenger.example == champion.example
    assert _last(challenger).n_features_in_ == _last(model).n_features_in_


def _columns(X: Any) -> Any:
    return X.columns if X.ndim == 2 else pd.Index([X.name])


def _last(model: Any) -> Any:
    estimator = getattr(model, "estimator", model)
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def test_a_champion_of_the_version_before_is_retrained_as_it_was(empty: Place) -> None:
    """It has MLflow's signature alone, which was told from the same example."""
    X = pd.DataFrame({"n": pd.array([1, None, 3, 5] * 75, dtype="Int64"), "c": ["a", "b", "c"] * 100})
    X["t"] = pd.date_range("2024-01-01", periods=300)
    y = np.arange(300) % 2
    columns = make_column_transformer((OneHotEncoder(), ["c"]), (SimpleImputer(), ["n"]))
    model, example = make_pipeline(columns, LogisticRegression()).fit(X, y), X.head()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's hint that integers have no gaps
        mlflow.sklearn.save_model(
            model,
            str(folder := empty.folder / "old"),
            serialization_format="skops",
            skops_trusted_types=["numpy.dtype"],
            signature=infer_signature(example, model.predict(example)),
            input_example=example,
            pip_requirements=["scikit-learn"],
        )
    assert artifact.read(folder).table is None
    empty.registry.register_folder(folder, "m", tags={})
    empty.put("m", described(X)[1], y.tolist())
    night = empty.night("m")
    assert night.outcome in ("promoted", "kept"), night.reason
    champion, challenger = version(empty, "1"), version(empty, "2")
    assert challenger.signature == champion.signature
    assert challenger.example == champion.example
