"""The part of the event loop's time that all unauthenticated connections get together, where the server has keys.

A connection is authenticated from a request that has a key until one that has none, even where none is needed: several
clients may share the connection of a proxy. What comes on the others is parsed in turns: a slice of time each, one
address after the other, and all together no more than a fifth of the time, by a token bucket of seconds. So whoever is
authenticated waits for a slice at most, however much the others send, and over how many connections; and who asks
little finds time saved up and does not wait either. What a client still sends of a request that is refused already is
read in the same turns, and once its connection ends, in those that nobody else wants.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SLICE_SECONDS = 0.0005
"""After which a turn ends: somewhat later, with the piece that is being parsed."""
APP_SECONDS = 0.0003
"""What a request to the app is taken to cost: it runs in a task, in which others have their turns."""
_READ_SECONDS = 0.0005  # of a turn that has nothing to parse yet: up to 256 kB are read, and often thrown away
# Each turn costs so much at least: the turns end even if nobody in them spends anything.
_LEAST_SECONDS = 0.00001
_SHARE = 0.2
# The bucket's size: how long an authenticated request may wait for turns in a row.
_SAVED_SECONDS = 0.001
# What a turn took beyond that is forgotten: one slow answer shall not keep a probe waiting for a second.
_OWED_SECONDS = 0.02
_SHORTEST_WAIT = 0.001  # that the event loop's clock knows


class Turns:
    """One per process, for the connections of all protocols. For the event loop's thread."""

    def __init__(self) -> None:
        self._left, self._since = _SAVED_SECONDS, time.monotonic()
        self._waiting: dict[str, dict[Turn, None]] = {}  # by address, in order of arrival
        self._lingering: dict[str, dict[Turn, None]] = {}  # the same; they come after all others
        self._timer: asyncio.TimerHandle | None = None
        self._share = _SHARE

    @property
    def free(self) -> bool:
        """Whether a turn may begin now: nobody waits, and there is time left."""
        return not self._waiting and self._refilled() > 0

    def spend(self, seconds: float) -> None:
        """Unauthenticated connections took so much of the event loop's time."""
        self._left = max(self._refilled() - seconds, -_OWED_SECONDS)

    def end(self) -> None:
        """The server stops: from now on turns may take all of the time, for those who wait are to be answered yet."""
        self._share = 1.0

    def add(self, turn: Turn) -> None:
        """Have it called when it is due."""
        self._queue_of(turn).setdefault(turn.address, {})[turn] = None
        self._start_timer()

    def remove(self, turn: Turn) -> None:
        """It is not to be called any more, if it was."""
        queue = self._queue_of(turn)
        if (same := queue.get(turn.address)) is not None:
            same.pop(turn, None)
            if not same:
                del queue[turn.address]

    def _queue_of(self, turn: Turn) -> dict[str, dict[Turn, None]]:
        return self._lingering if turn.lingers else self._waiting

    def _refilled(self) -> float:
        now = time.monotonic()
        self._left = min(self._left + (now - self._since) * self._share, _SAVED_SECONDS)
        self._since = now
        return self._left

    def _start_timer(self) -> None:
        if self._timer is None and (self._waiting or self._lingering):
            wait = max(-self._left / self._share, _SHORTEST_WAIT)
            self._timer = asyncio.get_running_loop().call_later(wait, self._run)

    def _run(self) -> None:
        self._timer = None
        try:
            while (queue := self._waiting or self._lingering) and self._refilled() > 0:
                address, same = next(iter(queue.items()))
                turn = next(iter(same))
                self.remove(turn)
                if address in queue:
                    queue[address] = queue.pop(address)  # behind all others
                turn.begin()
                self.spend(_LEAST_SECONDS)
        finally:  # an error in one turn is no other's
            self._start_timer()


class Turn:
    """Of one connection: whether it may parse, and whether it reads.

    Args:
        turns: of the process.
        transport: of the connection.
        address: of its client.
        parse: parses what was read; called when the turn has come and something was.
        has_unread: whether something was read that is not parsed yet.
        exempt: it waits for no turn, whatever it sends.

    Attributes:
        address: as given.
        authenticated: it waits for no turn now.
        waits: for its turn.
        lingers: nothing that it reads is kept.
    """

    def __init__(
        self,
        turns: Turns,
        transport: asyncio.Transport,
        address: str,
        parse: Callable[[], None],
        has_unread: Callable[[], bool],
        *,
        exempt: bool,
    ) -> None:
        self._turns, self._transport, self.address, self._parse = turns, transport, address, parse
        self._has_unread, self._exempt, self.authenticated = has_unread, exempt, exempt
        self.waits = self.lingers = self._granted = self._paused = self._stopped = False
        self._waited = self._waits_since = self._slice_begun = self._slice_ends = 0.0

    @property
    def is_now(self) -> bool:
        """Whether it may parse."""
        return self.authenticated or self._granted or (self._turns.free and not self.waits)

    @property
    def is_over(self) -> bool:
        """Whether the slice is, which `begin_slice` has begun."""
        return not self.authenticated and time.monotonic() > self._slice_ends

    @property
    def reads(self) -> bool:
        """Whether bytes are read from the client."""
        return not (self.waits or self._paused)

    @property
    def waited(self) -> float:
        """Seconds in all."""
        return self._waited + (time.monotonic() - self._waits_since if self.waits else 0.0)

    def waits_for(self, seconds: float) -> bool:
        """Whether it waits for so long already, this time."""
        return self.waits and time.monotonic() - self._waits_since >= seconds

    def authenticate(self, authenticated: bool) -> None:
        """What the newest request says of its connection."""
        self.authenticated = authenticated or self._exempt
        if authenticated and self.waits:
            self._turns.remove(self)
            self.begin()

    def pause(self, paused: bool) -> None:
        """Whether the protocol wants no bytes for now, whoever's turn it is."""
        self._paused = paused
        self._settle()

    def wait(self) -> None:
        """Read nothing more until the turn has come."""
        if not (self.waits or self._transport.is_closing()):
            self.waits, self._waits_since = True, time.monotonic()
            self._settle()
            self._turns.add(self)

    def linger(self) -> None:
        """What comes from now on is thrown away, so that all others come first."""
        if self.waits:
            self._turns.remove(self)
        self.lingers = True
        if self.waits:
            self._turns.add(self)

    def begin(self) -> None:
        """It has come: parse what was read, or read."""
        if self._transport.is_closing():
            return
        self._waited, self.waits = self.waited, False
        if self._has_unread() and not self._paused:
            self._granted = True
            self._parse()
        elif not self.authenticated:
            self._granted = True
            self._turns.spend(_READ_SECONDS)
        self._settle()

    def begin_slice(self) -> None:
        """The connection parses from now on, until this `is_over`."""
        self._granted, self._slice_begun = False, time.monotonic()
        self._slice_ends = self._slice_begun + SLICE_SECONDS

    def end_slice(self) -> None:
        """It has parsed."""
        if not self.authenticated:
            self._turns.spend(time.monotonic() - self._slice_begun)

    def insist(self) -> None:
        """Bytes have come. uvloop begins to read from a new connection whatever it was told before."""
        if self._stopped:
            self._transport.pause_reading()

    def leave(self) -> None:
        """The connection is over."""
        self._turns.remove(self)

    def _settle(self) -> None:
        if self._stopped is self.reads:
            self._stopped = not self._stopped
            if self._stopped:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()
