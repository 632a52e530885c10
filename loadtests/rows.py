"""The rows that a load test sends: drawn from the model's own schema, or read from a file of real ones.

`service.py` finds the columns, `bodies.py` turns rows into requests. Drawing is pure and repeats with the same seed;
reading touches the file alone. A row is a dict of JSON values with exactly the model's columns.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import orjson

from .errors import RowsUnusable

Kind = Literal["boolean", "integer", "number", "string", "datetime"]
Row = dict[str, Any]

MOST_ROWS = 20_000
_TRUE, _FALSE = {"true", "t", "yes", "1"}, {"false", "f", "no", "0"}
_MISSING = {"", "na", "nan", "null", "none"}


@dataclass(frozen=True)
class Column:
    """One input column of the model.

    Attributes:
        name, kind: of it.
        required: false: null is a value.
        example: a value that the model takes.
        choices: all values that it takes; empty: not only some.
        least, most: of a number.
    """

    name: str
    kind: Kind
    required: bool = True
    example: Any = None
    choices: tuple[Any, ...] = ()
    least: float = -math.inf
    most: float = math.inf


@dataclass(frozen=True)
class Sample:
    """One row, and its true label where the file has one."""

    row: Row
    label: Any = None


def draw(columns: Sequence[Column], count: int, seed: int) -> list[Sample]:
    """`count` rows near the model's example.

    Numbers lie within half and one and a half times the example's (around 0 without one), keep its sign, and are within
    what the column takes; of a categorical column all categories come. Other strings are the example's, since one that
    the model has never seen would measure its errors only.
    """
    rng = random.Random(seed)  # noqa: S311  not for secrets; the same rows in every run
    return [Sample({c.name: _drawn(c, rng) for c in columns}) for _ in range(count)]


def read_rows(path: Path, columns: Sequence[Column], label: str | None) -> list[Sample]:
    """The first `MOST_ROWS` rows of a CSV, JSON lines or Parquet file, cut down to the model's columns.

    Raises:
        RowsUnusable: a column is missing, a value cannot be read as its column's type, or there is no row.
    """
    readers = {".csv": _csv, ".jsonl": _json_lines, ".ndjson": _json_lines, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise RowsUnusable(f"'{path}' is none of {', '.join(readers)}; convert the rows to one of these")
    try:
        with closing(reader(path)) as records:
            samples = [
                _sample(record, columns, label, f"{path.name}, row {number}")
                for number, record in enumerate(islice(records, MOST_ROWS), start=1)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise RowsUnusable(f"'{path}' cannot be read: {e}; check the path and that it is a {path.suffix} file") from e
    if not samples:
        raise RowsUnusable(f"'{path}' holds no rows; give a file with at least one")
    return samples


def _drawn(column: Column, rng: random.Random) -> Any:
    example, spread = column.example, rng.uniform(0.5, 1.5)
    if column.choices:
        return rng.choice(column.choices)
    match column.kind:
        case "boolean":
            return rng.random() < 0.5
        case "integer":
            near = round(example * spread) if example else rng.randint(0, 10)
            return int(min(max(near, column.least), column.most))
        case "number":
            return example * spread if example else rng.gauss(0, 1)
        case "datetime":
            start = datetime.fromisoformat(example or "2025-01-01T00:00:00")
            return (start + timedelta(seconds=rng.randrange(-86_400, 86_400))).isoformat()
        case "string":
            return example if example is not None else "a"


def _sample(record: Mapping[str, Any], columns: Sequence[Column], label: str | None, where: str) -> Sample:
    wanted = [c.name for c in columns if c.required] + ([label] if label else [])
    missing = [name for name in wanted if name not in record]
    if missing:
        there = ", ".join(map(str, record)) or "none"
        raise RowsUnusable(f"{where} has no column {', '.join(missing)}; its columns are: {there}")
    row = {c.name: _typed(record[c.name], c, where) for c in columns if c.name in record}
    return Sample(row, _guessed(record[label]) if label else None)


def _typed(value: Any, column: Column, where: str) -> Any:
    """The value as JSON of the column's type. Text is parsed, since CSV knows nothing else."""
    if value is None or value != value or (isinstance(value, str) and _is_missing(value, column)):
        if column.required:
            raise RowsUnusable(f"{where}: column '{column.name}' is empty, and the model needs a value; fill it in")
        return None
    try:
        match column.kind:
            case "boolean":
                return _boolean(value)
            case "integer":
                return _whole(value)
            case "number":
                return _finite(value)
            case "string" | "datetime":
                return value.isoformat() if isinstance(value, date) else str(value)
    except (ValueError, TypeError, OverflowError) as e:
        raise RowsUnusable(f"{where}: column '{column.name}' takes {column.kind} values, got '{value}'") from e


def _is_missing(text: str, column: Column) -> bool:
    """In a column of strings "none" may be a category: there only empty text is missing, where that is allowed."""
    word = text.strip().lower()
    return word in _MISSING if column.kind != "string" else not word and not column.required


def _boolean(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(word)
    return word in _TRUE


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _whole(value: Any) -> int:
    number = float(value)
    if number != int(number):
        raise ValueError(value)
    return int(value) if isinstance(value, str) and value.strip().lstrip("+-").isdigit() else int(number)


def _guessed(value: Any) -> Any:
    """A label from a file: text that reads as a number or as Python's True and False is one, other text stays.

    Nothing, not a number and empty text are no label.
    """
    if value is None or value != value or value == "":
        return None
    if not isinstance(value, str):
        return value
    if value in ("True", "False"):
        return value == "True"
    for read in (int, float):
        try:
            return read(value)
        except ValueError:
            continue
    return value


def _csv(path: Path) -> Generator[Mapping[str, Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)


def _json_lines(path: Path) -> Generator[Mapping[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError as e:
                raise RowsUnusable(
                    f"{path.name}, line {number} is not valid JSON: {e}; write one object per line"
                ) from e
            if not isinstance(record, dict):
                raise RowsUnusable(f"{path.name}, line {number} is not a JSON object; write one object per line")
            yield record


def _parquet(path: Path) -> Generator[Mapping[str, Any]]:
    try:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import ParquetFile
    except ImportError as e:
        raise RowsUnusable(f"Reading '{path}' needs pyarrow; pip install pyarrow, or give a CSV file") from e
    try:
        for batch in ParquetFile(path).iter_batches(batch_size=1000):
            yield from batch.to_pylist()
    except ArrowInvalid as e:
        raise RowsUnusable(f"'{path}' is not a Parquet file: {e}") from e
