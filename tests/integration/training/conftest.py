"""A registry with real models of real data, made once and copied for every test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from integration.training.stage import CANCER, DIABETES, IRIS, Place, cancer, diabetes, iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from tenfold.training.registry import Registry


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry of three champions that saw too little: two classifiers and a regressor."""
    folder = tmp_path_factory.mktemp("stocked")
    registry = Registry(f"sqlite:///{folder / 'registry.db'}")
    X, y = cancer()
    weak = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis()).fit(X.head(30), y.head(30))
    registry.register(weak, CANCER, example=X.head(3), tags={})
    X, y = diabetes()
    registry.register(Ridge().fit(X.head(15), y.head(15)), DIABETES, example=X.head(3), tags={})
    X, y = iris()
    two_kinds = LinearSVC(random_state=0).fit(X.head(100), y.head(100))
    registry.register(two_kinds, IRIS, example=X.head(3), tags={})
    return folder


@pytest.fixture
def place(tmp_path: Path, stocked: Path) -> Place:
    """A copy of the stocked registry, to change at will. The files of its versions stay where they are."""
    shutil.copy(stocked / "registry.db", tmp_path / "registry.db")
    return Place(tmp_path, Registry(f"sqlite:///{tmp_path / 'registry.db'}"), f"sqlite:///{tmp_path / 'log.db'}")
