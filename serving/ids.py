"""Ids of predictions: UUIDv7, so that they sort by the time they were made and carry it with them.

The core makes one per row; feedback reads the time back to know whether an unknown id may only be very young.
"""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime, timedelta

import numpy as np

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 1024
_WIDTH = 37  # characters of an id, and of what comes between two
# An id without its time, which `|` stands for: version and variant, and an x for each random digit.
_TAIL = b"|7xxx-8xxx-xxxxxxxxxxxx,"
_RANDOM = np.flatnonzero(np.frombuffer(_TAIL, "u1") == ord("x"))
_SORTED = 8  # random bytes by which the tails are sorted; the digits of one more follow
_tails, _used = b"", 0  # bytes of them


class NewIds:
    """`count` new ids of this moment, in ascending order: the rows of a request keep their order when sorted by id.

    In one text, since most clients get them in one; an object for each costs several times as much. For one thread of a
    process.
    """

    __slots__ = ("_text",)

    def __init__(self, count: int) -> None:
        global _tails, _used
        size = len(_TAIL) * count
        if len(_tails) - _used < size:
            _tails, _used = _random_tails(max(count, _AT_ONCE)), 0
        taken = _tails[_used : _used + size]
        _used += size
        millis = f"{time.time_ns() // 1_000_000:012x}"
        self._text = taken.replace(b"|", f"{millis[:8]}-{millis[8:]}-".encode())

    def joined(self, start: int, stop: int) -> bytes:
        """Those from `start` to `stop`, separated by commas."""
        return self._text[_WIDTH * start : _WIDTH * stop - 1]

    def listed(self, start: int, stop: int) -> list[str]:
        """The same as a list."""
        text = self._text.decode()
        return [text[at : at + _WIDTH - 1] for at in range(_WIDTH * start, _WIDTH * stop, _WIDTH)]


def made_at(prediction_id: str) -> datetime | None:
    """When the id was made, to the millisecond; None for a text that is no such id."""
    if not _ID.fullmatch(prediction_id):
        return None
    try:
        return _EPOCH + timedelta(milliseconds=int(prediction_id[:8] + prediction_id[9:13], 16))
    except OverflowError:  # after the year 9999
        return None


def _random_tails(count: int) -> bytes:
    """As many `_TAIL`, in ascending order: the random bytes by which they sort are sorted before they become digits."""
    noise = os.urandom((_SORTED + 1) * count)
    order = np.sort(np.frombuffer(noise, "u8", count)).astype(">u8").view("u1").reshape(count, _SORTED)
    more = np.frombuffer(noise, "u1", count, _SORTED * count).reshape(count, 1)
    digits = np.frombuffer(np.hstack([order, more]).tobytes().hex().encode(), "u1")
    tails = np.tile(np.frombuffer(_TAIL, "u1"), (count, 1))
    tails[:, _RANDOM] = digits.reshape(count, len(_RANDOM))
    return tails.tobytes()


def _forget() -> None:
    global _tails
    _tails = b""


# Whoever is forked would make the same ids.
os.register_at_fork(after_in_child=_forget)
