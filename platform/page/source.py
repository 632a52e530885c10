"""Where the page's data comes from: four blocking calls, so that the page itself keeps no state.

`platform_source.py` implements it over a platform; tests put their own in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ...training.night import Night
from ..target import Status


@dataclass(frozen=True)
class Reply:
    """What a model server answered, as it came."""

    status: int
    body: bytes


class Source(Protocol):
    """Each method blocks, may be called from several threads, and raises `PlatformError` with a sentence."""

    def names(self) -> Sequence[str]:
        """The services that exist, sorted."""
        ...

    def status(self, name: str) -> Status:
        """Desired and actual state of one service."""
        ...

    def nights(self, name: str) -> Sequence[Night]:
        """What retraining did, in any order."""
        ...

    def call(self, name: str, method: Literal["GET", "POST"], path: str, body: bytes | None = None) -> Reply:
        """Ask the service's model server; `path` starts with a slash, `body` is JSON."""
        ...
