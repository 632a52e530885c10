"""Ids of predictions: UUIDv7, so that they sort by the time they were made and carry it with them; and of requests.

The core makes one per row; feedback reads the time back to know whether an unknown id may only be very young.
"""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime, timedelta

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOISE = 9  # bytes
_AT_ONCE = 256
_tails: list[str] = []
_request_ids: list[str] = []
# Whoever is forked would make the same ids.
os.register_at_fork(after_in_child=_tails.clear)
os.register_at_fork(after_in_child=_request_ids.clear)


def new_ids(count: int) -> list[str]:
    """`count` new ids of this moment, in ascending order. For one thread of a process."""
    millis = f"{time.time_ns() // 1_000_000:012x}"
    start = f"{millis[:8]}-{millis[8:]}-"
    if len(_tails) < count:
        _tails.extend(_random_tails(max(count, _AT_ONCE)))
    if count == 1:
        return [start + _tails.pop()]
    # Sorted, so that the rows of one request keep their order when sorted by id.
    left = len(_tails) - count
    taken = sorted(_tails[left:])
    del _tails[left:]
    return [start + tail for tail in taken]


def new_request_id() -> str:
    """32 random hexadecimal digits. For one thread of a process."""
    if not _request_ids:
        noise = os.urandom(16 * _AT_ONCE).hex()
        _request_ids.extend([noise[i : i + 32] for i in range(0, len(noise), 32)])
    return _request_ids.pop()


def _random_tails(count: int) -> list[str]:
    """What follows the time in an id: its version, its variant, and random digits."""
    noise, digits = os.urandom(_NOISE * count).hex(), 2 * _NOISE
    cut = [noise[i : i + digits] for i in range(0, len(noise), digits)]
    return [f"7{tail[:3]}-8{tail[3:6]}-{tail[6:]}" for tail in cut]


def made_at(prediction_id: str) -> datetime | None:
    """When the id was made, to the millisecond; None for a text that `new_ids` did not make."""
    if not _ID.fullmatch(prediction_id):
        return None
    try:
        return _EPOCH + timedelta(milliseconds=int(prediction_id[:8] + prediction_id[9:13], 16))
    except OverflowError:  # after the year 9999
        return None
