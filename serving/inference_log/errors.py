"""What can go wrong with the inference log.

LogError
├── InvalidLogUrl        the URL names no database that the log can live in
├── LogUnreachable       the database does not answer now; the same call may succeed later
│   └── OutcomeUnknown   it did not say whether it committed; the same call may be repeated
├── UnstorableRecord     this record can never be stored; others can
└── InvalidLabel         a label is not a JSON scalar, not a finite number, or too long
"""

from __future__ import annotations

from ..echo import echo


class LogError(Exception):
    """Root of the package; every message says what happened, with which value, and what to do next."""


class InvalidLogUrl(LogError):
    """The URL names no database that the log can live in. The message never shows it: it may hold a password."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The inference log cannot live there: {what}. "
            "Write sqlite:////absolute/path/log.db or postgresql://user:password@host:5432/database"
        )


class LogUnreachable(LogError):
    """The database does not answer, is locked, or refuses us."""

    def __init__(self, place: str, why: str, remedy: str) -> None:
        super().__init__(f"The inference log at {place} cannot be reached: {why}. {remedy}")


class OutcomeUnknown(LogUnreachable):
    """The connection broke while the database committed. The call may be repeated: nothing is written twice."""

    def __init__(self, place: str, why: str, remedy: str) -> None:
        super().__init__(place, f"{why}, and it did not say whether it had kept what was sent", remedy)


class UnstorableRecord(LogError):
    """One record cannot be stored, whenever it is tried."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} cannot be stored in the inference log: {why}")


class InvalidLabel(LogError):
    """A label is neither text, number nor truth value."""

    def __init__(self, label: object, why: str) -> None:
        shown = f"'{echo(label, limit=60)}'" if isinstance(label, str) else echo(label, limit=60)
        super().__init__(f"{shown} is not a label: {why}. Send a text, a finite number, true or false")
