"""Prediction ids: UUIDv7, so that they sort by the time they were made and carry it with them.

The core makes one per row; feedback reads the time back to know whether an unknown id may only be very young.
"""

from __future__ import annotations

import os
import time
import uuid
from datetime import UTC, datetime

_NOISE = 9  # bytes


def new_ids(count: int) -> list[str]:
    """`count` fresh ids of this moment, in ascending order."""
    millis = f"{time.time_ns() // 1_000_000:012x}"
    noise, digits = os.urandom(_NOISE * count).hex(), 2 * _NOISE
    # The random digits are sorted, so that the rows of one request keep their order when sorted by id.
    tails = [noise[i : i + digits] for i in range(0, len(noise), digits)]
    if count > 1:
        tails.sort()
    start = f"{millis[:8]}-{millis[8:]}-7"
    return [f"{start}{tail[:3]}-8{tail[3:6]}-{tail[6:]}" for tail in tails]


def made_at(prediction_id: str) -> datetime | None:
    """When the id was made, to the millisecond; None if it is no UUIDv7."""
    try:
        value = uuid.UUID(prediction_id)
    except ValueError:
        return None
    if value.version != 7:
        return None
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)
