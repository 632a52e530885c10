"""How often a client may send frames without a purpose."""

from __future__ import annotations

import time

from .errors import Code, ConnectionBroken

# A client that works also sends frames that begin no call: pings to measure the round trip, resets, window updates. It
# may begin a hundred calls before the first is answered.
_MOST, _A_SECOND, _FOR_AN_ANSWER = 2000, 1000, 10
# To decode so many bytes of headers takes about as long as to answer a ping.
_HEADERS = 128


class FloodGuard:
    """One per connection. Counts what brings no answer: settings, pings, streams that are given up at once.

    The unit is a ping: what costs more to answer counts as several.
    """

    def __init__(self) -> None:
        self._left, self._at = float(_MOST), time.monotonic()

    def spend(self, cost: int = 1) -> None:
        """One more.

        Raises:
            ConnectionBroken: too many.
        """
        self._left -= cost
        if self._left < 0:
            now = time.monotonic()
            self._left, self._at = min(_MOST, self._left + (now - self._at) * _A_SECOND), now
            if self._left < 0:
                raise ConnectionBroken(Code.ENHANCE_YOUR_CALM, "too many frames that ask for nothing")

    def spend_headers(self, block: bytes) -> None:
        """Headers that were read for nothing. Raises as `spend` does."""
        self.spend(1 + len(block) // _HEADERS)

    def earn(self, answers: int = 1) -> None:
        """So many calls or messages were answered: this client works."""
        self._left = min(_MOST, self._left + answers * _FOR_AN_ANSWER)
