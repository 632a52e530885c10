"""A night with each kind of column: the challenger learns from the very table that the champion was fitted on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from integration.training.stage import Place
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from support.fitted_models import CASES, STEPS, Case
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
