"""Writes a fitted estimator as a model folder that serving loads: skops, a signature, an example, pinned requirements.

`registry` and `retrain` call it. What it has written, it has loaded once the way a replica will, so that no version
enters the registry that could not be served.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from ..serving import trust
from ..serving.artifact import NEWEST_ROW
from ..serving.errors import ModelUnloadable, PredictionFailed, first_line
from ..serving.model import Model, load
from ..serving.settings import Settings
from ..serving.validation import from_rows
from .errors import ModelNotStorable

_REQUIREMENTS = ("scikit-learn", "skops", "pandas", "numpy", "scipy")


def save(estimator: Any, folder: Path, *, name: str, example: Any) -> Model:
    """Write `estimator` into the new `folder`, and load it again.

    Args:
        estimator: fitted.
        folder: must not exist.
        name: of the model, for messages.
        example: a few rows as the estimator takes them: DataFrame, matrix, or list of dicts. Their names and types
            become the signature; a column with a gap becomes optional.

    Raises:
        ModelNotStorable: it holds what serving would refuse, or cannot predict the example.
    """
    from mlflow.models import infer_signature

    rows = _as_table(example)
    if not len(rows):
        raise ModelNotStorable(f"The example of '{name}' has no rows. Give a few, such as X.head()")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's hint that integer columns cannot be missing: serving says so itself
        try:
            signature = infer_signature(rows, estimator.predict(rows))
        except Exception as e:
            raise ModelNotStorable(
                f"The model '{name}' cannot predict its example ({type(e).__name__}: {first_line(e)}). "
                f"Give a fitted model and rows as it takes them, such as X.head()"
            ) from e
    return _write(estimator, folder, name, signature, rows)


def save_like(estimator: Any, folder: Path, *, name: str, champion: Path, newest_row: datetime) -> Model:
    """Write `estimator` into the new `folder` with the signature and example of the model in `champion`.

    `newest_row` is the time of the newest row that it was trained on.

    Raises:
        ModelNotStorable: it holds what serving would refuse, or does not take the champion's rows.
    """
    from mlflow.models import Model as Saved

    saved = Saved.load(str(champion))
    metadata = {NEWEST_ROW: newest_row.isoformat()}
    return _write(estimator, folder, name, saved.signature, saved.load_input_example(str(champion)), metadata)


def _write(
    estimator: Any, folder: Path, name: str, signature: Any, example: Any, metadata: dict[str, str] | None = None
) -> Model:
    from mlflow import sklearn

    settings = settings_of(folder)
    try:
        types = trust.types_to_trust(estimator, source=name, extra=settings.trusted_types)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sklearn.save_model(
                estimator,
                str(folder),
                serialization_format="skops",
                skops_trusted_types=types,
                signature=signature,
                input_example=example,
                pip_requirements=_requirements(types),
                metadata=metadata,
            )
            model = load(folder, name=name, version="", settings=settings)
            model.answer(from_rows(model.signature, model.example, len(model.example)))
    except (ModelUnloadable, PredictionFailed) as e:
        raise ModelNotStorable(str(e)) from e
    return model


def settings_of(folder: Path) -> Settings:
    """What the environment says about loading models, so that training loads what serving would."""
    given: dict[str, Any] = {"model": str(folder), "accelerate": None}  # what is trained and scored is the original
    return Settings(**given)


def _as_table(example: Any) -> Any:
    if isinstance(example, Sequence) and all(isinstance(row, Mapping) for row in example):
        import pandas as pd

        return pd.DataFrame(list(example))
    return example


def _requirements(types: Sequence[str]) -> list[str]:
    """What the model needs, as it is installed here. Named outright: MLflow would find out by loading it elsewhere."""
    modules = {name.partition(".")[0] for name in types} - {"sklearn", "numpy", "scipy", "builtins"}
    found = packages_distributions() if modules else {}
    wanted = {*_REQUIREMENTS, *(d for m in modules for d in found.get(m, ()))}
    return [f"{name}=={v}" for name in sorted(wanted) if (v := _version(name))]


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
