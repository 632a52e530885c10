"""A night's data: the labelled rows of a window, checked, with their labels in the model's own type, and split.

`retrain` reads here first. Everything but `read` is pure. Promises: nothing is learned from, or scored on, that does
not agree with the champion's signature; a held-out row is never among those to train on; what cannot be learned from
raises `Unfit`, whose message becomes the reason of a skipped night.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..serving.errors import InvalidInput
from ..serving.inference_log.records import LabelledRow
from ..serving.inference_log.store import InferenceLog
from ..serving.jsonable import encode
from ..serving.signature import Signature
from ..serving.validation import Batch, from_rows
from .due import ONE_DAY, start_of
from .labels import LabelType, WrongLabel
from .options import TrainingOptions
from .split import is_held_out

MOST_LEFT_OUT = 0.1
"""Share of the rows that may be wrong before the night says that something is wrong with all of them."""
LEAST_HELD_OUT = 10
"""Rows: a comparison on fewer is chance."""


class Unfit(Exception):
    """There is nothing to learn from. Not an error: the night is skipped, and the message says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """Checked rows with their labels, n each."""

    batch: Batch
    labels: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows of a night: to train on, and to score both models on."""

    train: Part
    held_out: Part
    left_out: int
    """Rows that do not agree with the signature, or whose label is of a wrong type."""


def read(log: InferenceLog, model: str, day: date, options: TrainingOptions) -> list[LabelledRow]:
    """The labelled rows of the window that ends with `day`, by time.

    Raises:
        tenfold.serving.inference_log.errors.LogUnreachable: the database does not answer.
    """
    start, end = window(day, options)
    return log.labelled_rows(model, start, end)


def window(day: date, options: TrainingOptions) -> tuple[datetime, datetime]:
    """The first moment of the window and the first one after it."""
    first = day - timedelta(days=options.window_days - 1)
    return start_of(first, options.timezone), start_of(day + ONE_DAY, options.timezone)


def fingerprint(rows: Sequence[LabelledRow], options: TrainingOptions) -> str:
    """A digest of everything that a night depends on, save the champion: the same again need not be run again."""
    digest = hashlib.sha256(options.model_dump_json().encode())
    for row in rows:
        digest.update(encode([row.id, row.label, row.row], sort_keys=True))
    return digest.hexdigest()[:32]


def prepare(
    rows: Sequence[LabelledRow], day: date, options: TrainingOptions, signature: Signature, label: LabelType
) -> Prepared:
    """Check the rows, bring the labels into the model's type, and split.

    Raises:
        Unfit: too few rows, too many wrong ones, or too few kinds of label.
    """
    _check_date(sum(_is_of(day, row, options) for row in rows), day, options)
    sound, labels = _sound(rows, signature, label)
    of_day = sum(_is_of(day, row, options) for row in sound)
    if of_day < options.min_rows:
        raise Unfit(
            f"Only {of_day} labelled rows of {day} agree with the model, fewer than min_rows {options.min_rows}. "
            f"Look at the others, or lower min_rows"
        )
    held = np.array([is_held_out(row.id, options.holdout) for row in sound])
    batch = from_rows(signature, [row.row for row in sound], max_rows=len(sound))
    values = label.array(labels)
    train, held_out = _part(batch, values, ~held), _part(batch, values, held)
    _check_parts(train, held_out, label, options)
    return Prepared(train, held_out, left_out=len(rows) - len(sound))


def _check_date(count: int, day: date, options: TrainingOptions) -> None:
    if count == 0:
        raise Unfit(
            f"There is no labelled row of {day} ({options.timezone}). Send the labels of its predictions to /feedback, "
            f"or import rows, and run the night again"
        )
    if count < options.min_rows:
        raise Unfit(
            f"There are only {count} labelled rows of {day} ({options.timezone}), fewer than min_rows "
            f"{options.min_rows}. Wait for more labels and run the night again, or lower min_rows"
        )


def _check_parts(train: Part, held_out: Part, label: LabelType, options: TrainingOptions) -> None:
    least = max(LEAST_HELD_OUT, math.ceil(options.min_rows * options.holdout))
    if held_out.batch.rows < least:
        raise Unfit(
            f"Only {held_out.batch.rows} rows of the window are held out, and a comparison needs {least}. "
            f"Raise holdout (now {options.holdout:g}) or window_days (now {options.window_days})"
        )
    if not train.batch.rows:
        raise Unfit(f"All rows of the window are held out. Lower holdout (now {options.holdout:g})")
    if label.is_class and len(classes := np.unique(train.labels)) == 1:
        raise Unfit(
            f"All {train.batch.rows} rows to train on have the label {classes.tolist()[0]!r}, and a classifier needs "
            f"two kinds. Raise window_days (now {options.window_days}), or look at what is sent as feedback"
        )


def _is_of(day: date, row: LabelledRow, options: TrainingOptions) -> bool:
    return start_of(day, options.timezone) <= row.time < start_of(day + ONE_DAY, options.timezone)


def _part(batch: Batch, labels: NDArray[Any], wanted: NDArray[np.bool_]) -> Part:
    columns = {name: values[wanted] for name, values in batch.columns.items()}
    return Part(Batch(columns, int(wanted.sum())), labels[wanted])


def _sound(rows: Sequence[LabelledRow], signature: Signature, label: LabelType) -> tuple[list[LabelledRow], list[Any]]:
    """The rows that can be used, with their converted labels."""
    wrong: dict[int, str] = {}
    most = int(MOST_LEFT_OUT * len(rows))
    labels: dict[int, Any] = {}
    for number, row in enumerate(rows):
        try:
            labels[number] = label.convert(row.label)
        except WrongLabel as e:
            wrong[number] = str(e)
    # Rows are checked many at a time; where a check fails, each half by itself, down to the row that is wrong.
    pieces = [list(labels)]
    while pieces and len(wrong) <= most:
        piece = pieces.pop()
        try:
            if piece:
                from_rows(signature, [rows[n].row for n in piece], max_rows=len(piece))
        except InvalidInput as e:
            if len(piece) == 1:
                wrong[piece[0]] = str(e)
            else:
                pieces += [piece[: len(piece) // 2], piece[len(piece) // 2 :]]
    if len(wrong) > most:
        number, why = next(reversed(wrong.items()))
        raise Unfit(
            f"More than {MOST_LEFT_OUT:.0%} of the {len(rows)} labelled rows of the window do not agree with the "
            f"model, such as row {rows[number].id}: {why}. Correct them, or shorten window_days "
            f"if the model has changed"
        )
    sound = [n for n in labels if n not in wrong]
    return [rows[n] for n in sound], [labels[n] for n in sound]
