"""Free ports, waiting for a condition with a deadline, and asking a server on this machine."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable

import httpx

GUARD = 300.0
"""Seconds after which something hangs: five times what the slowest takes on a free machine, which no test measures."""

# By default httpx reads all certificate authorities for each question, which a waiting test asks twenty times a second.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def wait_until(condition: Callable[[], object], *, within: float = GUARD, what: str = "the condition") -> None:
    """Ask again and again until `condition()` is true.

    Raises:
        TimeoutError: it was not within so many seconds.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {within:g} s")
        time.sleep(0.05)


def asked(url: str) -> httpx.Response | None:
    """The answer to a GET, redirects followed; None where nobody answers."""
    try:
        return httpx.get(url, timeout=GUARD, trust_env=False, verify=_NO_TLS, follow_redirects=True)
    except httpx.TransportError:
        return None


def answers(url: str, status: int = 200) -> bool:
    """Whether a GET is answered with that status."""
    answer = asked(url)
    return answer is not None and answer.status_code == status
