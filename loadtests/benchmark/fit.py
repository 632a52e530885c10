"""The models: `python fit.py FOLDER MODEL...` writes each as FOLDER/MODEL.joblib.

Run by the Python of each environment, so it imports nothing of tenfold, and each scikit-learn reads a file of its own.
The same data and the same seeds give the same model everywhere; that it is so, the check of the answers shows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

COLUMNS = 10
FITTED_ROWS = 5000


def data(rows: int) -> tuple[Any, Any]:
    """`rows` rows of ten numbers, [rows, 10], and which of two classes each belongs to, [rows]."""
    X, y = make_classification(rows, COLUMNS, n_informative=6, flip_y=0.1, random_state=7)
    return np.round(X, 3), y


def make(name: str) -> Any:
    """The unfitted estimator of that name: "logistic", "boosting", "vectors", or "forest-N" for one of N trees.

    Raises:
        ValueError: there is no such model.
    """
    if name == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression())
    if name == "boosting":
        return HistGradientBoostingClassifier(random_state=7)
    if name == "vectors":
        return make_pipeline(StandardScaler(), SVC())
    kind, _, trees = name.partition("-")
    if kind != "forest":
        raise ValueError(f"There is no model '{name}'; there are logistic, boosting, vectors and forest-100")
    return RandomForestClassifier(int(trees), random_state=7, n_jobs=1)


def main(folder: Path, names: list[str]) -> None:
    """Fit the models and write them."""
    for name in names:
        joblib.dump(make(name).fit(*data(FITTED_ROWS)), folder / f"{name}.joblib")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
