"""Prediction ids: UUIDv7, so that they sort by the time they were made and carry it with them.

The core makes one per row; feedback reads the time back to know whether an unknown id may only be very young.
"""

from __future__ import annotations

import os
import time
import uuid
from datetime import UTC, datetime

_NOISE = 9  # bytes
_AT_ONCE = 256
_tails: list[str] = []
# Whoever is forked would make the same ids.
os.register_at_fork(after_in_child=_tails.clear)


def new_ids(count: int) -> list[str]:
    """`count` fresh ids of this moment, in ascending order. For one thread of a process."""
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


def _random_tails(count: int) -> list[str]:
    """What follows the time in an id: its version, its variant, and random digits."""
    noise, digits = os.urandom(_NOISE * count).hex(), 2 * _NOISE
    cut = [noise[i : i + digits] for i in range(0, len(noise), digits)]
    return [f"7{tail[:3]}-8{tail[3:6]}-{tail[6:]}" for tail in cut]


def made_at(prediction_id: str) -> datetime | None:
    """When the id was made, to the millisecond; None if it is no UUIDv7."""
    try:
        value = uuid.UUID(prediction_id)
    except ValueError:
        return None
    if value.version != 7:
        return None
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)
