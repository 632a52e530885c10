"""The models as files: for tenfold and MLflow a folder of MLflow's, for everyone else joblib, written by who reads it.

FOLDER/saved/MODEL/            mlflow.sklearn, as skops, of a DataFrame with named columns
FOLDER/ENVIRONMENT/MODEL.joblib    by the environment's own Python, fitted on an array ("own" is the benchmark's)
"""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...serving import trust
from . import fit
from .errors import EnvironmentUnusable
from .protocols import NAMES, Rows

SAVED, OWN = "saved", "own"


class Models:
    """The models that a run needs.

    Attributes:
        rows: that servers are asked, [rows, columns].
        expected: what scikit-learn answers to them, by model.
    """

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self._folder, self._names = folder, list(names)
        self.rows: Rows = fit.data(fit.FITTED_ROWS)[0]
        self.expected: Mapping[str, list[int]] = {}

    def save(self) -> None:
        """Fit each, remember what it answers, and write it as MLflow does."""
        import pandas as pd

        X, y = fit.data(fit.FITTED_ROWS)
        table = pd.DataFrame(X, columns=NAMES)
        models = {name: fit.make(name).fit(table, y) for name in self._names}
        self.expected = {name: model.predict(table).tolist() for name, model in models.items()}
        for name, model in models.items():
            _save(model, self._folder / SAVED / name, table.head(), model.predict(table.head()))

    def dump(self, python: Path, environment: str) -> None:
        """Write each with joblib, by the Python of an environment.

        Raises:
            EnvironmentUnusable: it cannot.
        """
        folder = self._folder / (environment or OWN)
        folder.mkdir()
        done = subprocess.run([python, fit.__file__, folder, *self._names], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EnvironmentUnusable(
                f"The environment '{environment}' cannot fit the models: {done.stderr.strip()[-300:]}. "
                f"Remove it, so that it is made anew"
            )

    def file(self, environment: str, name: str) -> Path:
        """A model that `dump` wrote."""
        return self._folder / (environment or OWN) / f"{name}.joblib"

    def saved(self, name: str) -> Path:
        """A model that `save` wrote."""
        return self._folder / SAVED / name


def _save(model: Any, folder: Path, example: Any, predictions: Any) -> None:
    from mlflow import sklearn
    from mlflow.models import infer_signature

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sklearn.save_model(
            model,
            str(folder),
            serialization_format="skops",
            skops_trusted_types=trust.types_to_trust(model, source=folder.name, extra=()),
            signature=infer_signature(example, predictions),
            input_example=example,
            pip_requirements=["scikit-learn"],
        )
