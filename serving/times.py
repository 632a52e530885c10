"""Times as people and programs write them: read here, the same wherever one comes in."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from .echo import echo
from .errors import InvalidInput

# Python itself takes any character between day and time, and no small z, which RFC 3339 allows.
_TIME = re.compile(r"[0-9TtWZz:.,+\- ]{1,60}", re.ASCII)
_FINER = re.compile(r"[.,][0-9]{6}([0-9]+)", re.ASCII)


def parse_time(text: str) -> datetime | None:
    """The time that a text in ISO 8601 says, in its zone if it names one; None for any other text."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except (ValueError, OverflowError):
        return None


def nanoseconds(text: str) -> int:
    """Those that a time, which `parse_time` takes, has besides its microseconds."""
    found = _FINER.search(text)
    return int(found[1].ljust(3, "0")[:3]) if found else 0


def parse_event_time(text: str) -> datetime:
    """The instant that an ISO 8601 text with a zone names, in UTC.

    Raises:
        InvalidInput: it is not one, has no zone, or lies outside of the years 1 to 9999 in UTC.
    """
    example = "Send ISO 8601 with a zone: 2013-06-21T08:00:00-04:00"
    given = f"The event time is '{echo(text)}'"
    when = parse_time(text)
    if when is None:
        raise InvalidInput(f"{given}, which is not a time. {example}")
    if when.utcoffset() is None:
        raise InvalidInput(f"{given}, which has no zone. {example}")
    try:
        return when.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{given}, which in UTC is not within the years 1 to 9999. {example}") from None
