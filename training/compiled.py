"""Makes a model's compiled form, `model.onnx` beside the model, and compares it before anybody trusts it.

`registry` and `retrain` call `compile_beside`; `serving/compiled.py` runs what it writes, and compares once more.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..serving import compiled_rows, estimators
from ..serving.compiled import EXACT, FILE, OUTPUTS, Compiled
from ..serving.errors import InvalidInput, NotCompiled, PredictionFailed, first_line
from ..serving.model import Model
from ..serving.validation import Batch, from_rows
from .errors import NotCompilable

ACCELERATE_TAG = "tenfold.accelerate"
"""Of a version: "onnx" where it has a compiled form."""

log = logging.getLogger(__name__)


def compile_beside(model: Model, folder: Path, rows: Sequence[Batch] = ()) -> None:
    """Write the compiled form of the model that was loaded from `folder` into it.

    Args:
        model: as `mlmodel` gives it back.
        folder: of the model.
        rows: to compare on, besides the example.

    Raises:
        NotCompilable: there is none, or it differs from the model on the example, the rows or rows made of the
            columns' types; nothing is written.
    """
    try:
        (folder / FILE).write_bytes(_convert(model))
        compiled = Compiled(folder, threads=1)
        outputs = tuple(name for name in OUTPUTS if name in model.outputs)
        for batch in (model.example_batch, *rows):
            compiled.check(batch, model.original(batch, outputs), model.classes)
        compiled.compare(compiled_rows.batches(model.signature, model.example), model.original, model.classes)
    except (NotCompiled, PredictionFailed) as e:
        (folder / FILE).unlink(missing_ok=True)
        raise NotCompilable(model.name, first_line(e.__cause__ or e if isinstance(e, PredictionFailed) else e)) from e


def rows_of(model: Model, logged: Sequence[Mapping[str, Any]]) -> list[Batch]:
    """The logged rows that agree with the model's signature, in one batch; those of an earlier version need not."""
    sound: list[Mapping[str, Any]] = []
    for row in logged:
        try:
            from_rows(model.signature, [row], max_rows=1)
        except InvalidInput:
            log.debug("a logged row does not agree with the model; nothing is compared on it")
        else:
            sound.append(row)
    # A row with a number that the original would answer says nothing of the compiled form.
    sound = [row for row in sound if not any(isinstance(v, int | float) and abs(v) >= EXACT for v in row.values())]
    return [from_rows(model.signature, sound, max_rows=len(sound))] if sound else []


def _convert(model: Model) -> bytes:
    try:
        from skl2onnx import convert_sklearn
    except ImportError as e:
        raise NotCompiled("skl2onnx is not installed. Install tenfold[onnx]") from e
    _refuse_strict_encoders(model.estimator)
    inputs = _inputs(model)
    options = {id(model.estimator): {"zipmap": False}} if hasattr(model.estimator, OUTPUTS[1]) else None
    try:
        with _integers_for_booleans():
            made: Any = convert_sklearn(model.estimator, initial_types=inputs, options=options)
    except Exception as e:  # its own errors, and whatever a part of the model raises that it does not know
        raise NotCompiled(f"skl2onnx cannot convert it ({type(e).__name__}: {first_line(e)})") from e
    return cast("bytes", made.SerializeToString())


def _refuse_strict_encoders(estimator: Any) -> None:
    """An unknown category is an error in the model, and would be a prediction in its compiled form."""
    for part in estimators.nested(estimator):
        if vars(part).get("handle_unknown") == "error":
            raise NotCompiled(
                f"its {type(part).__name__} refuses unknown categories, which a compiled form cannot. "
                f"Fit it with handle_unknown='ignore'"
            )


def _inputs(model: Model) -> list[tuple[str, Any]]:
    """One matrix where the model takes one, else a column each."""
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    columns = model.example_batch.columns
    if not model.signature.named or estimators.takes_arrays(model.estimator):
        return [("input", FloatTensorType([None, len(columns)]))]
    inputs: list[tuple[str, Any]] = []
    for column, values in zip(model.signature.columns, columns.values(), strict=True):
        texts = values.dtype.kind in "OU" and any(isinstance(value, str) for value in values.tolist())
        if not texts and values.dtype.kind not in "biufO":
            raise NotCompiled(f"its column '{column.name}' holds times, which a compiled form cannot take")
        inputs.append((column.name, (StringTensorType if texts else FloatTensorType)([None, 1])))
    return inputs


@contextmanager
def _integers_for_booleans() -> Generator[None]:
    """skl2onnx 1.20 writes HistGradientBoosting's missing values as booleans, which protobuf 7 refuses."""
    from skl2onnx.common import _container

    container: Any = _container
    make_node = container.make_node

    def with_integers(*arguments: Any, **attributes: Any) -> Any:
        return make_node(*arguments, **{name: _integers(value) for name, value in attributes.items()})

    container.make_node = with_integers
    try:
        yield
    finally:
        container.make_node = make_node


def _integers(value: Any) -> Any:
    if isinstance(value, list):
        return [_integers(part) for part in cast("list[Any]", value)]
    return int(value) if isinstance(value, bool | np.bool_ | np.integer) else value
