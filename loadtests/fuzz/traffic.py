"""Cases, and the connections that carry them out: over HTTP, or over gRPC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .exchange import Outcome
from .requests import Case


class Carrier(Protocol):
    """What sends cases: a connection."""

    async def carry_out(self, case: Case) -> Outcome:
        """Send it, and look at what comes back."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class Maker(Protocol):
    """What makes cases."""

    def make(self, number: int) -> Case:
        """Case `number`, the same every time."""
        ...


@dataclass(frozen=True)
class Traffic:
    """Cases, the connections that share them, and how many of them there are a second at most."""

    cases: Maker
    carriers: Sequence[Carrier]
    rate: float
