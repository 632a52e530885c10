"""The values that go into the inference log and come out of it. Frozen, without behaviour, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Literal, cast

from ..jsonable import encode
from .errors import InvalidLabel

Label = bool | int | float | str
LabelStatus = Literal["accepted", "repeated", "replaced", "unknown"]
Source = Literal["served", "imported"]

MOST_CHARACTERS = 10_000
"""Of a label that is a text; longer ones that were stored before are read like any other."""


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """What turned out to be true of one prediction, and when.

    Raises:
        InvalidLabel: the label is not a JSON scalar, not a finite number of 64 bits, or a text that is too long.
    """

    prediction_id: str
    label: Label
    time: datetime

    def __post_init__(self) -> None:
        given = cast("object", self.label)
        if not isinstance(given, bool | int | float | str):
            raise InvalidLabel(given, f"it is of type {type(given).__name__}")
        if isinstance(given, float) and not isfinite(given):
            raise InvalidLabel(given, "it is not a finite number")
        if isinstance(given, str) and len(given) > MOST_CHARACTERS:
            raise InvalidLabel(given, f"it has {len(given)} characters, and a label may have {MOST_CHARACTERS}")
        try:
            encode(given)
        except TypeError as e:  # integers of more than 64 bits, text that is not valid Unicode
            raise InvalidLabel(given, str(e)) from e


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """A row with its label, as training reads it. Times inside `row` are ISO 8601 text, missing values None."""

    id: str
    time: datetime
    row: dict[str, Any]
    label: Label


@dataclass(frozen=True, slots=True)
class LoggedPrediction:
    """A row of the log as the page shows it. An imported row has no version and no result; `label` None: none yet."""

    id: str
    time: datetime
    model: str
    version: str
    source: Source
    row: dict[str, Any]
    result: dict[str, Any] | None
    label: Label | None


@dataclass(frozen=True, slots=True)
class Count:
    """How much the log holds."""

    predictions: int
    labels: int
