"""A local platform on free ports over a registry that holds a few real versions of one model."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.places import free_port
from tenfold import Platform
from tenfold.platform.service import Service
from tenfold.training.registry import Registry

NAME, OTHER = "iris", "other"
COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def iris() -> tuple[pd.DataFrame, pd.Series]:
    X, y = load_iris(return_X_y=True)
    return pd.DataFrame(X, columns=COLUMNS), pd.Series(y)


@dataclass(frozen=True)
class Stocked:
    """A registry with versions 1 and 2 of iris that can be served, 3 that needs pickle and cannot, and one of OTHER."""

    uri: str


def stock(registry: Registry, folder: Path) -> None:
    """Register what `Stocked` says; `folder` is for files in between."""
    import mlflow.sklearn

    X, y = iris()
    for c in (1.0, 0.1):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c)).fit(X, y)
        registry.register(model, NAME, example=X.head(3), tags={})
    registry.register(model, OTHER, example=X.head(3), tags={})
    pickled = folder / "pickled"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about this very format
        mlflow.sklearn.save_model(model, pickled, serialization_format="cloudpickle", pip_requirements=["scikit-learn"])
    registry.register_folder(pickled, NAME, tags={})


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Stocked:
    folder = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{folder / 'registry.db'}"
    stock(Registry(uri, artifacts=folder / "artifacts"), folder)
    return Stocked(uri)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, stocked: Stocked) -> Iterator[Platform]:
    """One platform for all tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENFOLD_REGISTRY_URI", stocked.uri)
        platform = Platform.local(tmp_path_factory.mktemp("shared") / "state")
        yield platform
        platform.down()


@pytest.fixture
def platform(shared: Platform) -> Iterator[Platform]:
    """The shared platform, without a service."""
    yield shared
    for service in shared.services():
        service.delete()


@pytest.fixture
def fresh(tmp_path: Path, stocked: Stocked, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """A platform that has never run, for tests that start and stop it."""
    monkeypatch.setenv("TENFOLD_REGISTRY_URI", stocked.uri)
    platform = Platform.local(tmp_path / "state")
    yield platform
    platform.down()


@pytest.fixture
def deploy(platform: Platform) -> Callable[..., Service]:
    """Deploy the model on free ports, quietly, with few seconds to drain."""

    def deployed(name: str = NAME, **fields: Any) -> Service:
        ports = {"port": free_port(), "page_port": free_port(), "registry_port": None}
        fields = {"version": "1", "replicas": 2, "server": {"drain_seconds": 1}, **ports, **fields}
        return platform.deploy(name, progress=lambda _: None, **fields)

    return deployed
