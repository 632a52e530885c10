"""Limits on connections: how many, in all and per client address, and for how long."""

from __future__ import annotations

import random
from collections import Counter
from ipaddress import IPv6Address

# Of an IPv6 address, so many bits are a network that one host may have to itself.
_NETWORK_BITS = 64
# Connections that were made at the same moment shall not all come back at the same moment.
_SPREAD = 0.1


class Admission:
    """One per process, for the connections of all protocols. For one thread.

    Args:
        most: connections at a time.
        most_of_an_address: connections at a time from one address; None: as many as there may be in all.
    """

    def __init__(self, most: int, most_of_an_address: int | None) -> None:
        self._most, self._most_of_an_address = most, most_of_an_address
        self._open = 0
        self._by_address: Counter[str] = Counter()

    def admit(self, address: str) -> bool:
        """Count a new connection. False: there are too many, and it is not counted."""
        if self._open >= self._most:
            return False
        if self._most_of_an_address is not None and self._by_address[address] >= self._most_of_an_address:
            return False
        self._open += 1
        self._by_address[address] += 1
        return True

    def release(self, address: str) -> None:
        """A connection that was counted is over."""
        self._open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def client_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, since one host may have all of it."""
    if ":" not in address:
        return address
    parsed = IPv6Address(address)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    rest = 128 - _NETWORK_BITS
    return f"{IPv6Address(int(parsed) >> rest << rest)}/{_NETWORK_BITS}"


def lifetime(seconds: float) -> float:
    """Seconds after which a new connection is to end, of those that connections last at most."""
    return seconds * random.uniform(1 - _SPREAD, 1)  # noqa: S311
