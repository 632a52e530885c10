"""Prediction ids: UUIDv7, so that they sort by the time they were made and carry it with them.

The core makes one per row; feedback reads the time back to know whether an unknown id may only be very young.
"""

from __future__ import annotations

import os
import time
import uuid
from datetime import UTC, datetime

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62


def new_ids(count: int) -> list[str]:
    """`count` fresh ids of this moment, in ascending order."""
    millis = time.time_ns() // 1_000_000
    noise = os.urandom(10 * count)
    # The 74 random bits are sorted, so that the rows of one request keep their order when sorted by id.
    tails = sorted(int.from_bytes(noise[i : i + 10]) >> 6 for i in range(0, len(noise), 10))
    return [_format(millis, tail) for tail in tails]


def made_at(prediction_id: str) -> datetime | None:
    """When the id was made, to the millisecond; None if it is no UUIDv7."""
    try:
        value = uuid.UUID(prediction_id)
    except ValueError:
        return None
    if value.version != 7:
        return None
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def _format(millis: int, tail: int) -> str:
    upper, lower = tail >> 62, tail & ((1 << 62) - 1)
    digits = f"{(millis & ((1 << 48) - 1)) << 80 | _VERSION_7 | upper << 64 | _VARIANT | lower:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
