"""A kind of attack, as data: what each of its connections sends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One of them.

    Attributes:
        name: as in results and for --only.
        about: what a connection sends, for the table.
        chunks: of a connection, by its number; when they are all sent it waits until the server closes it.
        rpc: whether they go to the port of gRPC.
        reads: whether it takes what is answered.
        pause: seconds between two chunks.
    """

    name: str
    about: str
    chunks: Callable[[int], Iterable[bytes]]
    rpc: bool = False
    reads: bool = True
    pause: float = 0.0
