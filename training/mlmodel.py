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
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..serving import artifact, trust
from ..serving.artifact import NEWEST_ROW, SIGNATURE
from ..serving.errors import InvalidInput, ModelUnloadable, PredictionFailed, first_line
from ..serving.model import Model, load
from ..serving.settings import Settings
from ..serving.signature import write
from ..serving.validation import from_rows
from .errors import ModelNotStorable, ServedOtherwise
from .table import as_example, described, is_matrix, of_mlflow

_TOLERANCE = 1e-9
"""Of numbers, relative."""
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
    given = as_example(example)
    if not len(given):
        raise ModelNotStorable(f"The example of '{name}' has no rows. Give a few, such as X.head()")
    try:
        answers = estimator.predict(given)
    except Exception as e:
        raise ModelNotStorable(
            f"The model '{name}' cannot predict its example ({type(e).__name__}: {first_line(e)}). "
            f"Give a fitted model and rows as it takes them, such as X.head()"
        ) from e
    if is_matrix(given):
        from mlflow.models import infer_signature

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its hint that integers have no gaps
            signature, rows, own = infer_signature(given, answers), given, None
    else:
        own, rows = described(given)
        try:
            from_rows(own, rows, max_rows=len(rows))
        except InvalidInput as e:
            raise ModelNotStorable(f"The example of '{name}' cannot be sent as a request: {e}") from e
        _check_count(estimator, name, given)
        signature, rows = of_mlflow(own, answers), pd.DataFrame(rows, dtype=object)
    model = _write(estimator, folder, name, signature, rows, {} if own is None else {SIGNATURE: write(own)})
    _compare(model, estimator, given)
    return model


def _check_count(estimator: Any, name: str, given: Any) -> None:
    """What answers once for a whole table, as a vectorizer does that iterates over its columns, is no model of rows."""
    twice = [*given, *given] if isinstance(given, list) else pd.concat([given, given])
    answered, rows = len(estimator.predict(twice)), len(cast("list[Any]", twice))
    if answered != rows:
        column = given.columns[0] if isinstance(given, pd.DataFrame) else "column"
        raise ModelNotStorable(
            f"The model '{name}' answers {answered} for {rows} rows. Give an answer for each row; "
            f"if it takes one column of texts, give that as its example: example=X['{column}']"
        )


def _compare(model: Model, estimator: Any, given: Any) -> None:
    """Whether the saved model answers its example as the original does."""
    served = model.answer(model.example_batch, model.outputs)
    for output in model.outputs:
        here, there = np.asarray(getattr(estimator, output)(given)), served[output]
        if (row := _first_difference(here, there)) is not None:
            raise ServedOtherwise(model.name, output, row, here[row], there[row])


def _first_difference(here: NDArray[Any], there: NDArray[Any]) -> int | None:
    if here.shape != there.shape:
        return 0
    if here.dtype.kind == "f" and there.dtype.kind == "f":
        same = np.isclose(here, there, rtol=_TOLERANCE, atol=0, equal_nan=True)
    else:
        same = (here == there) | ((here != here) & (there != there))
    wrong = np.flatnonzero(~same.reshape(len(here), -1).all(axis=1))
    return int(wrong[0]) if len(wrong) else None


def save_like(estimator: Any, folder: Path, *, name: str, champion: Path, newest_row: datetime) -> Model:
    """Write `estimator` into the new `folder` with the signature and example of the model in `champion`.

    `newest_row` is the time of the newest row that it was trained on.

    Raises:
        ModelNotStorable: it holds what serving would refuse, or does not take the champion's rows.
    """
    from mlflow.models import Model as Saved

    saved, was = Saved.load(str(champion)), artifact.read(champion)
    metadata = {**(saved.metadata or {}), NEWEST_ROW: newest_row.isoformat()}
    # As it was kept: MLflow's own way back fails where an integer is missing.
    by_name = was.example and isinstance(was.example[0], Mapping)
    rows = pd.DataFrame([*was.example], dtype=object) if by_name else saved.load_input_example(str(champion))
    model = _write(estimator, folder, name, saved.signature, rows, metadata)
    _compare(model, estimator, model.table(model.example_batch))
    return model


def _write(estimator: Any, folder: Path, name: str, signature: Any, example: Any, metadata: dict[str, str]) -> Model:
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
            model.warm_up()
    except (ModelUnloadable, PredictionFailed) as e:
        raise ModelNotStorable(str(e)) from e
    return model


def settings_of(folder: Path) -> Settings:
    """What the environment says about loading models, so that training loads what serving would."""
    given: dict[str, Any] = {"model": str(folder), "accelerate": None}  # what is trained and scored is the original
    return Settings(**given)


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
