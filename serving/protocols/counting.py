"""How many values a body holds, before it is parsed: an array of nothing takes thirty times its bytes in memory. Pure.

A model's columns and `max_rows` say how many values a request can need (`Core.max_values`); one with more is refused
at the cost of a look at its bytes. What stands within quotes is text, and does not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import TooManyValues

_JSON, _CSV = b",[{", b",\r\n"
_QUOTE = b'"'
_CHUNK = 2**16


def check_json(body: bytes, most: int) -> None:
    """Whether a JSON document has no more than `most` values.

    Raises:
        TooManyValues: it has.
    """
    if _may_exceed(body, _JSON, most):
        # An escaped quote ends no text. Without escaped backslashes, every backslash before a quote escapes it.
        _check(body.replace(b"\\\\", b"").replace(b'\\"', b""), _JSON, most)


def check_csv(body: bytes, most: int) -> None:
    """Whether a CSV file has no more than `most` cells. Raises as `check_json` does."""
    if _may_exceed(body, _CSV, most):
        _check(body, _CSV, most)


def _may_exceed(body: bytes, marks: bytes, most: int) -> bool:
    return len(body) > most and sum(body.count(mark) for mark in marks) > most


def _check(body: bytes, marks: bytes, most: int) -> None:
    is_mark, opens = _table(marks), _table(marks + _QUOTE)
    found, inside, before = 0, np.uint8(0), True
    for start in range(0, len(body), _CHUNK):
        part = np.frombuffer(body, np.uint8, min(_CHUNK, len(body) - start), start)
        quotes = part == ord(_QUOTE)
        within = (np.cumsum(quotes, dtype=np.uint8) + inside) & 1 == 1
        found += int(np.count_nonzero(is_mark[part] & ~within))
        may_open = opens[part]
        # In CSV a quote in the middle of a cell is a character like any other, and all after it may be cells.
        odd = marks == _CSV and bool((quotes & within & ~np.r_[before, may_open[:-1]]).any())
        if found > most or odd:
            raise TooManyValues(most)
        inside, before = np.uint8(within[-1]), bool(may_open[-1])


def _table(marks: bytes) -> NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[[*marks]] = True
    return table
