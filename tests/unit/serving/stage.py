"""Real models for the tests of the model server, saved once a session, and the server's app over them, in process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
from fastapi import FastAPI
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tenfold.serving.app import create_app
from tenfold.serving.core import Core
from tenfold.serving.metrics import Metrics
from tenfold.serving.settings import Settings
from tenfold.training.compiled import compile_beside
from tenfold.training.mlmodel import save

FLOWER = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
CARRIERS = ["AA", "DL", "UA"]
SLOW_ROWS = 20_000


def settings(**given: Any) -> Settings:
    return Settings(**{"model": "", **given})


def flowers() -> tuple[pd.DataFrame, pd.Series]:
    X, y = load_iris(return_X_y=True)
    return pd.DataFrame(X, columns=FLOWER), pd.Series(y)


def flower_model() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(*flowers())


def trips() -> tuple[pd.DataFrame, pd.Series]:
    """A text, an integer and a number with gaps; the label is a text."""
    random = np.random.default_rng(7)
    delay = np.where(np.arange(300) % 5 == 3, np.nan, random.normal(10, 5, 300))
    X = pd.DataFrame({"carrier": [CARRIERS[n % 3] for n in range(300)], "distance": range(100, 400), "delay": delay})
    return X, pd.Series(["late" if d > 250 else "in time" for d in X["distance"]])


def trip_model() -> Any:
    columns = make_column_transformer(
        (OneHotEncoder(), ["carrier"]), (make_pipeline(SimpleImputer(), StandardScaler()), ["distance", "delay"])
    )
    return make_pipeline(columns, LogisticRegression()).fit(*trips())


def departures() -> tuple[pd.DataFrame, pd.Series]:
    """Every type of a column: a text with gaps, a day, a boolean, an integer of 32 bits and a float of 32 bits."""
    table, _ = trips()
    X = pd.DataFrame(
        {
            "carrier": table["carrier"].where(table.index % 7 > 0, None),
            "day": pd.Timestamp("2013-01-01") + pd.to_timedelta(table.index % 10, "D"),
            "holiday": table.index % 10 == 0,
            "seats": (table.index % 3 + 100).astype("int32"),
            "wind": table["delay"].astype("float32"),
        }
    )
    return X, table["distance"] / 7


def departure_model() -> Any:
    known = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer(
        (known, ["carrier", "day"]), (make_pipeline(SimpleImputer(), StandardScaler()), ["holiday", "seats", "wind"])
    )
    return make_pipeline(columns, LinearRegression()).fit(*departures())


def line_model() -> Any:
    """Answers 2x + 1, so that an answer tells which row it belongs to."""
    X = pd.DataFrame({"x": np.arange(100.0)})
    return LinearRegression().fit(X, 2 * X["x"] + 1)


@dataclass(frozen=True)
class Folders:
    """Model folders, each written when a test first asks for it."""

    root: Path

    @cached_property
    def iris(self) -> Path:
        return self._saved("iris", flower_model(), flowers()[0].head(3))

    @cached_property
    def quick(self) -> Path:
        """The flowers' model with its compiled form."""
        folder = self.root / "quick"
        compile_beside(save(flower_model(), folder, name="quick", example=flowers()[0].head(3)), folder)
        return folder

    @cached_property
    def trips(self) -> Path:
        return self._saved("trips", trip_model(), trips()[0].head(5))

    @cached_property
    def departures(self) -> Path:
        return self._saved("departures", departure_model(), departures()[0].head(8))

    @cached_property
    def matrix(self) -> Path:
        """Fitted on an array: its columns have no names."""
        X, y = flowers()
        return self._saved("matrix", LogisticRegression(max_iter=1000).fit(X.to_numpy(), y), X.to_numpy()[:3])

    @cached_property
    def line(self) -> Path:
        return self._saved("line", line_model(), pd.DataFrame({"x": [1.0, 2.0]}))

    @cached_property
    def slow(self) -> Path:
        """Takes some milliseconds of a core for each row: it compares it with every row that it has seen."""
        X = pd.DataFrame(np.random.default_rng(1).normal(size=(SLOW_ROWS, 8)), columns=[f"c{n}" for n in range(8)])
        model = KNeighborsRegressor(1, algorithm="brute", p=1.5).fit(X, np.arange(SLOW_ROWS))
        return self._saved("slow", model, X.head(2))

    @cached_property
    def pickled(self) -> Path:
        import warnings

        import mlflow.sklearn

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's own, about this very format
            mlflow.sklearn.save_model(
                line_model(),
                str(self.root / "pickled"),
                serialization_format="cloudpickle",
                pip_requirements=["scikit-learn"],
            )
        return self.root / "pickled"

    def _saved(self, name: str, model: Any, example: Any) -> Path:
        save(model, self.root / name, name=name, example=example)
        return self.root / name


@dataclass(frozen=True)
class InProcess:
    """The app over a core of its own; `http` speaks to it without a socket."""

    core: Core
    http: httpx.AsyncClient
    app: FastAPI

    async def post(self, path: str, document: Any, **more: Any) -> httpx.Response:
        return await self.http.post(path, json=document, **more)

    async def metric(self, name: str, **labels: str) -> float:
        """A value of /metrics, 0 where there is none."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        for line in (await self.http.get("/metrics")).text.splitlines():
            if line.partition("{")[0].partition(" ")[0] == name and all(w in line for w in wanted):
                return float(line.rpartition(" ")[2])
        return 0.0


@contextmanager
def app_over(folder: Path, *, load: bool = True, **given: Any) -> Generator[tuple[Any, Core]]:
    """The app, and its core."""
    chosen = settings(model=str(folder), version="7", **given)
    metrics = Metrics()
    core = Core(chosen, asked=metrics.predicted)
    app, _ = create_app(core, chosen, metrics)
    if load:
        core.load()
    try:
        yield app, core
    finally:
        core.close(10)


@asynccontextmanager
async def in_process(folder: Path, **given: Any) -> AsyncGenerator[InProcess]:
    with app_over(folder, **given) as (app, core):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tenfold.test") as http:
            yield InProcess(core, http, app)
