"""The table that a model was fitted on, made again of checked rows: for the server, for training, and when a model is
registered. Imports pandas, but only when it is called: a model that takes numbers alone is served without it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .signature import Column, Missing, Signature

if TYPE_CHECKING:
    from .validation import Batch


def table(signature: Signature, batch: Batch) -> Any:
    """The rows as the model takes them, with the types, categories and missing values of the table it was fitted on.

    Returns:
        A DataFrame, Series or list of as many rows; for a matrix without a type of its own, [rows, columns].
    """
    columns = [made(column, batch.columns[column.name]) for column in signature.columns]
    if signature.container == "list":
        return [*columns[0]]
    if signature.container == "matrix":
        return np.column_stack(columns)
    import pandas as pd

    if signature.container == "series":
        return pd.Series(columns[0], name=_label(signature.columns[0]))
    # By position first: labels may be of any type.
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = [_label(column) for column in signature.columns]
    return frame


def made(column: Column, values: NDArray[Any]) -> Any:
    """The values of a column, n, as the table had them: an array of numpy's, or one of pandas'."""
    dtype = column.dtype
    if dtype is None:
        return values
    if column.categories is None and values.dtype == dtype and dtype != "object":
        return values
    import pandas as pd

    if column.categories is not None:
        categories = pd.Index([*column.categories], dtype=_known(dtype))
        return pd.Categorical(_objects(values, "nan"), dtype=pd.CategoricalDtype(categories, ordered=column.ordered))
    if dtype == "object":  # a frame would make texts of an array of objects that are all texts
        return pd.Series(_objects(values, column.missing), dtype="object")
    if "," in dtype:  # of times in a zone, which are kept in UTC
        return pd.DatetimeIndex(values).tz_localize("UTC").astype(dtype)
    if values.dtype.kind == "O":
        return pd.array(_objects(values, "None"), dtype=_known(dtype))
    return pd.array(values, dtype=_known(dtype)) if _is_extension(dtype) else values.astype(dtype)


def _label(column: Column) -> Any:
    return column.name if column.label is None else column.label


def _objects(values: NDArray[Any], missing: Missing) -> NDArray[Any]:
    """The same, with what was missing in the table where one is missing."""
    import pandas as pd

    marks: dict[Missing, Any] = {"None": None, "nan": np.nan, "NA": pd.NA}
    found = np.empty(len(values), dtype=object)
    found[:] = [marks[missing] if value is None or value != value else value for value in values.tolist()]
    return found


def _is_extension(dtype: str) -> bool:
    import pandas as pd

    return not isinstance(pd.api.types.pandas_dtype(_known(dtype)), np.dtype)


def _known(dtype: str) -> str:
    """The same type where pandas is older, or has less beside it, than where the model was registered."""
    import pandas as pd

    if dtype == "str" and int(pd.__version__.partition(".")[0]) < 3:
        return "object"
    if dtype == "string[pyarrow]" and find_spec("pyarrow") is None:
        return "string[python]"
    return dtype
