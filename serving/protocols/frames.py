"""The bodies of MLflow's scoring protocol: a data frame in one of four JSON forms, or as CSV. Pure but for `Core`.

What the values may be is decided by the one validator; text of a CSV file is only turned into what JSON would say.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any, cast

from ..core import Core
from ..echo import echo
from ..errors import InvalidInput
from ..signature import Column, ColumnType, Signature
from ..validation import Batch
from ..values import shown
from .counting import check_csv

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
# pandas reads these as missing, and so does whoever writes CSV for MLflow.
_MISSING = {"#N/A", "#NA", "<NA>", "N/A", "n/a", "NA", "NULL", "null", "NaN", "nan", "-NaN", "-nan", "None"}

_NUMBER = re.compile(r"[ \t]*[+-]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?[ \t]*")
_MOST_DIGITS = 19  # of an integer; as in JSON's reader, a longer one is a float


def from_json(core: Core, document: dict[str, Any]) -> Batch:
    """The rows of a JSON request. As in MLflow, other keys are tolerated; `params` are the caller's to check.

    Raises:
        InvalidInput: not exactly one of the forms, or rows that the model cannot take.
        TooManyRows: more rows than `max_rows`.
    """
    given = [key for key in document if key in _FORMS]
    if len(given) != 1:
        words = f"both {' and '.join(given)}" if given else "no rows"
        raise InvalidInput(f"The request has {words}. Send exactly one of {', '.join(_FORMS)}")
    form, content = given[0], document[given[0]]
    match form:
        case "dataframe_split":
            return _split(core, content)
        case "dataframe_records":
            return core.rows(content)
        case _:
            return instances(core, content)


def from_csv(core: Core, body: bytes) -> Batch:
    """The rows of a CSV file whose first line names the columns. An empty cell is a missing value, and so is what
    pandas takes for one, except in a column of texts. A first column without a name is pandas' index, and left out.

    Raises:
        InvalidInput: no UTF-8, no CSV, or rows that the model cannot take.
        TooManyRows: more rows than `max_rows`.
    """
    check_csv(body, core.max_values)
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True) if line]
    except UnicodeDecodeError as e:
        raise InvalidInput(f"The CSV is not in UTF-8: byte {e.start} is {body[e.start]:#04x}. Send UTF-8") from e
    except csv.Error as e:
        raise InvalidInput(f"The CSV is broken: {e}. Send a line of column names, then a line per row") from e
    if not lines:
        raise InvalidInput("The CSV is empty. Send a line of column names, then a line per row")
    signature = core.model.signature
    if signature.named and not lines[0][0]:
        lines = [line[1:] for line in lines]
    header, *rows = lines
    types = _types(signature, header)
    cells = [[_cell(text, types[at]) if at < len(types) else text for at, text in enumerate(row)] for row in rows]
    return core.matrix(cells, columns=header) if signature.named else core.matrix(cells)


def instances(core: Core, content: Any) -> Batch:
    """Rows as TensorFlow Serving has them: objects by column name or lists, or an object of a list per column.

    An object of bare values is one row, and the rows of a model of one column may be bare values.

    Raises:
        InvalidInput: rows that the model cannot take.
        TooManyRows: more rows than `max_rows`.
    """
    if isinstance(content, dict):
        columns = cast("dict[str, Any]", content)
        bare = columns and not any(isinstance(value, list) for value in columns.values())
        return core.rows([columns]) if bare else core.columns(columns)
    if isinstance(content, list) and content:
        rows = cast("list[Any]", content)
        if isinstance(rows[0], dict):
            return core.rows(rows)
        if len(core.model.signature.columns) == 1:
            return core.matrix([row if isinstance(row, list) else [row] for row in rows])
    return core.matrix(content)


def _split(core: Core, content: Any) -> Batch:
    if not isinstance(content, dict) or not isinstance(content.get("data"), list):
        raise InvalidInput(
            '"dataframe_split" is not an object with a list "data". '
            'Send {"columns": ["...", ...], "data": [[...], ...]}'
        )
    if unknown := [key for key in cast("dict[str, Any]", content) if key not in ("columns", "index", "data")]:
        raise InvalidInput(
            f'"dataframe_split" has an unknown key \'{echo(unknown[0])}\'. Send "columns", "index" and "data"'
        )
    names, index, data = content.get("columns"), content.get("index"), cast("list[Any]", content["data"])
    if isinstance(index, list) and len(cast("list[Any]", index)) != len(data):
        raise InvalidInput(
            f'"dataframe_split" has {len(cast("list[Any]", index))} values in "index", but {len(data)} in "data". '
            f"Send equally many, or no index"
        )
    if names is None or not core.model.signature.named:  # pandas numbers the columns of an unnamed table
        return core.matrix(data)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in cast("list[Any]", names)):
        raise InvalidInput(
            f'The "columns" of "dataframe_split" are {shown(names, typed=False)}, not a list of names. '
            'Send ["...", ...]'
        )
    return core.matrix(data, columns=cast("list[str]", names))


def _types(signature: Signature, header: list[str]) -> list[Column | None]:
    return [signature.by_name.get(name) for name in header] if signature.named else list(signature.columns)


def _cell(text: str, column: Column | None) -> Any:
    if column is None:
        return text
    if not text:
        return "" if column.type == "string" and column.required else None
    if column.type != "string" and text in _MISSING:
        return None
    try:
        return _READERS.get(column.type, str)(text)
    except ValueError:
        return text  # the validator names the column, the row and what it expects


def _boolean(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)


def _number(text: str) -> int | float:
    """What JSON or pandas would read as a number; Python itself takes 1_000 and digits of all scripts as well."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError
    whole = found.lastindex is None and len(text) <= _MOST_DIGITS
    return int(text) if whole else float(text)


_READERS: dict[ColumnType, Callable[[str], Any]] = {
    "boolean": _boolean,
    "integer": _number,
    "long": _number,
    "unsigned": _number,
    "float": _number,
    "double": _number,
    "any": _number,
}
