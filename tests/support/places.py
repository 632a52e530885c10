"""Free ports, and waiting for a condition with a deadline."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def wait_until(condition: Callable[[], object], *, within: float = 30.0, what: str = "the condition") -> None:
    """Ask again and again until `condition()` is true.

    Raises:
        TimeoutError: it was not within so many seconds.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {within:g} s")
        time.sleep(0.05)
