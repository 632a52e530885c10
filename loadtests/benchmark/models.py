"""The models as files: as tenfold registers them, for it and MLflow; as joblib writes them, for everyone else.

    FOLDER/saved/MODEL/                 fitted on a DataFrame with named columns; with its compiled form, if it has one
    FOLDER/ENVIRONMENT/MODEL.joblib     by the environment's own Python, fitted on an array; "own" is the benchmark's

The same data and seeds give the same model; that they did, the look at the answers shows.
"""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...serving.compiled import FILE
from ...training import compiled, mlmodel
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
        """Fit each, remember what it answers, and write it as it is registered."""
        import pandas as pd

        X, y = fit.data(fit.FITTED_ROWS)
        table = pd.DataFrame(X, columns=NAMES)
        (self._folder / SAVED).mkdir(parents=True)
        models = {name: fit.make(name).fit(table, y) for name in self._names}
        self.expected = {name: model.predict(table).tolist() for name, model in models.items()}
        for name, model in models.items():
            saved = mlmodel.save(model, self.saved(name), name=name, example=table.head())
            if not not_compilable():
                compiled.compile_beside(saved, self.saved(name))

    def dump(self, python: Path, environment: str) -> None:
        """Write each with joblib, by the Python of an environment.

        Raises:
            EnvironmentUnusable: it cannot.
        """
        folder = self._folder / (environment or OWN)
        folder.mkdir()
        command = [python, fit.__file__, folder, *self._names]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EnvironmentUnusable(
                f"The environment '{environment}' cannot fit the models: {done.stderr.strip()[-300:]}. "
                f"Remove it, so that it is made anew"
            )

    def file(self, environment: str, name: str) -> Path:
        """A model that `dump` wrote."""
        return self._folder / (environment or OWN) / f"{name}.joblib"

    def saved(self, name: str) -> Path:
        """The folder of a model that `save` wrote."""
        return self._folder / SAVED / name

    def compiled(self, name: str) -> Path:
        """The compiled form of a model that `save` wrote."""
        return self.saved(name) / FILE


def not_compilable() -> str:
    """Why models have no compiled form here; "" when they have."""
    missing = [module for module in ("onnxruntime", "skl2onnx") if importlib.util.find_spec(module) is None]
    return f"{missing[0]} is not installed: pip install 'tenfold[onnx]'" if missing else ""
