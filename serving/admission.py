"""Limits on connections, in all and per client address, and on requests without a key per address."""

from __future__ import annotations

import random
from collections import Counter

# Requests without a key from one address: so many a second, and at once. A probe comes once a second.
_A_SECOND, _AT_ONCE = 20.0, 100.0
_LONGEST_DELAY = 5.0
LONGEST_DELAY_OF_OPEN = 0.5
"""Seconds. Whoever probes waits for 1 s or more, and may come by the same proxy as those who have no key."""
# Connections that were made at the same moment shall not all come back at the same moment.
_SPREAD = 0.1
_MOST_ADDRESSES = 10_000


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
        # By address that sent requests without a key: their number less those that time has paid for, and since when.
        self._debts: dict[str, tuple[float, float]] = {}

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

    def delay(self, address: str, now: float, *, most: float = _LONGEST_DELAY) -> float:
        """Seconds, at most `most`, that the answer to one more request without a key is to wait.

        Args:
            address: of the client.
            now: of `time.monotonic()`.
            most: less for what needs no key, such as a probe that shares its address with others.
        """
        debt, since = self._debts.get(address, (0.0, now))
        debt = max(0.0, debt - (now - since) * _A_SECOND) + 1
        if address not in self._debts and len(self._debts) >= _MOST_ADDRESSES:
            del self._debts[next(iter(self._debts))]
        # What waits longest bounds the debt, so that an address is forgiven soon after it has stopped.
        self._debts[address] = min(debt, _AT_ONCE + _LONGEST_DELAY * _A_SECOND), now
        return min(max(0.0, debt - _AT_ONCE) / _A_SECOND, most)


def lifetime(seconds: float) -> float:
    """Seconds after which a new connection is to end, of those that connections last at most."""
    return seconds * random.uniform(1 - _SPREAD, 1)  # noqa: S311
