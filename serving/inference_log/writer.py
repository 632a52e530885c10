"""Writes predictions into the log off the request's way: a bounded queue that one thread writes out in batches.

The core hands over the requests of each call of the model with `put`; the thread writes them, thousands of rows at a
time. Promises:
- `accepted` counts every row handed over, and each ends as exactly one of `written` and `dropped`.
- Never more than `max_rows` wait, whatever the database does; a row that finds the queue full is dropped at once.
- A database that is away is asked again until it is back. What can never be stored costs only itself, and what has no
  JSON form only its request.
- After `close` in time, everything accepted is in the database.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from threading import Condition, Lock, Thread
from typing import Generic, NamedTuple, TypeVar

from .errors import LogUnreachable
from .rows import StoredPrediction
from .store import InferenceLog

E = TypeVar("E", bound=Sized)

logger = logging.getLogger(__name__)

# To make a few rows takes the caller less than to take turns with a thread that makes them; many would keep it long.
_MADE_AT_ONCE = 500
_FIRST_RETRY, _LAST_RETRY = 0.1, 5.0  # seconds between two tries to reach the database


@dataclass(frozen=True, slots=True)
class LogCounts:
    """Rows so far; each only grows, and accepted = written + dropped once nothing waits."""

    accepted: int
    written: int
    dropped: int


class _Handed(NamedTuple, Generic[E]):
    """What came with one `put`; `made` is None where the thread makes its rows."""

    rows: int
    entries: Sequence[E]
    made: Sequence[StoredPrediction] | None


class LogWriter(Generic[E]):
    """The queue and its thread. Constructing starts nothing; `put` may be called from any thread."""

    def __init__(
        self,
        log: InferenceLog,
        make: Callable[[Sequence[E]], Sequence[StoredPrediction]],
        *,
        max_rows: int = 100_000,
        batch_rows: int = 500,
        linger_seconds: float = 0.1,
    ) -> None:
        """
        Args:
            log: Where the rows go.
            make: Makes the rows of entries, as many as their lengths say; called in `put`, or in the thread.
            max_rows: Rows that may wait, those being written included.
            batch_rows: Rows in one transaction, give or take one call of the model. With more, a server answers no more
                requests, but some of them later: they wait for the thread to let go of the interpreter.
            linger_seconds: How long the first row waits for company, so that 10,000 requests a second make ten
                transactions and wake the thread ten times. `flush` and `close` do not wait for it.
        """
        self._log, self._make = log, make
        self._max_rows = max_rows
        self._batch_rows = batch_rows
        self._linger = linger_seconds
        self._lock = Lock()  # guards all that follows
        self._changed = Condition(self._lock)
        self._queue: deque[_Handed[E]] = deque()
        self._accepted = self._written = self._dropped = 0
        self._waiting = 0  # accepted, neither written nor dropped
        self._settled = 0  # no longer waiting; refused rows never waited
        self._wanted = 0  # somebody waits until so many are settled
        self._deadline: float | None = None  # closing: no new rows, and no tries after it
        self._thread: Thread | None = None
        self._away = False  # the database did not answer the last try; of the thread alone

    def start(self) -> None:
        """Start the thread; once."""
        self._thread = Thread(target=self._run, name="inference-log", daemon=True)
        self._thread.start()

    def put(self, entries: Sequence[E]) -> bool:
        """Hand over entries. False: no room, all of their rows are dropped."""
        rows = sum(map(len, entries))
        made = self._made_at_once(entries, rows) if rows <= _MADE_AT_ONCE else None
        with self._lock:
            self._accepted += rows
            waiting = self._waiting + rows
            if waiting > self._max_rows or self._deadline is not None:
                self._dropped += rows
                return False
            self._queue.append(_Handed(rows, entries if made is None else (), made))
            if self._waiting == 0 or self._waiting < self._batch_rows <= waiting:  # the thread sleeps until then
                self._changed.notify_all()
            self._waiting = waiting
            return True

    def counts(self) -> LogCounts:
        """The three counters at one moment."""
        with self._lock:
            return LogCounts(self._accepted, self._written, self._dropped)

    def flush(self, timeout: float) -> bool:
        """Wait until all that was handed over before this call is written or dropped; False: not in time."""
        with self._changed:
            wanted = self._settled + self._waiting
            self._wanted = max(self._wanted, wanted)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= wanted, timeout)

    def close(self, timeout: float) -> None:
        """Take no more rows, write what waits, end the thread. What is not written in time is dropped, and logged.

        A write that the database neither answers nor refuses when the time is up counts as dropped too.
        """
        with self._changed:
            if self._deadline is None:
                self._deadline = time.monotonic() + timeout
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)
        with self._changed:
            if self._waiting:
                logger.error("%d rows could not be written to %r in time and are lost", self._waiting, self._log)
            self._queue.clear()
            self._settle(dropped=self._waiting)

    def _run(self) -> None:
        while True:
            try:
                taken = self._take()
                if not taken:
                    return
                self._store([row for handed in taken for row in self._rows(handed)])
            except Exception:  # whatever it is, the next rows must find a thread
                logger.exception("The inference log's thread goes on after an error of its own")

    def _take(self) -> list[_Handed[E]]:
        """The next batch, when it is full, old enough or wanted; empty when closed and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._deadline is not None)
            self._changed.wait_for(self._due, self._linger)
            taken: list[_Handed[E]] = []
            room = self._batch_rows
            while self._queue and room > 0:
                taken.append(self._queue.popleft())
                room -= taken[-1].rows
            return taken

    def _due(self) -> bool:
        return self._waiting >= self._batch_rows or self._wanted > self._settled or self._deadline is not None

    def _made_at_once(self, entries: Sequence[E], rows: int) -> Sequence[StoredPrediction] | None:
        try:
            return self._made(entries, rows)
        except Exception:  # the thread finds out whose fault it is
            return None

    def _made(self, entries: Sequence[E], rows: int) -> Sequence[StoredPrediction]:
        made = self._make(entries)
        if len(made) != rows:
            raise ValueError(f"{len(made)} were made of them")
        return made

    def _rows(self, handed: _Handed[E]) -> Sequence[StoredPrediction]:
        if handed.made is not None:
            return handed.made
        return [row for entry in handed.entries for row in self._rows_of(entry)]

    def _rows_of(self, entry: E) -> Sequence[StoredPrediction]:
        try:
            return self._made([entry], len(entry))
        except Exception as e:
            logger.error("%d rows of one request are not logged: %s: %s", len(entry), type(e).__name__, e)
            with self._changed:
                self._settle(dropped=len(entry))
            return ()

    def _store(self, rows: Sequence[StoredPrediction]) -> None:
        """Write all but those that cannot be stored, and settle each of them."""
        if not rows:
            return
        written = dropped = 0
        try:
            if self._write(rows):
                written = len(rows)
            else:
                return  # `close` counts what waits
        except Exception as e:
            if len(rows) > 1:
                middle = len(rows) // 2
                self._store(rows[:middle])
                self._store(rows[middle:])
                return
            logger.error("%s. It is dropped", e)
            dropped = 1
        with self._changed:
            self._settle(written=written, dropped=dropped)

    def _write(self, rows: Sequence[StoredPrediction]) -> bool:
        """Write until it is done; False: the time to close is over.

        Raises:
            Exception: one of them cannot be stored; none is.
        """
        delay = _FIRST_RETRY
        while True:
            try:
                self._log.write(rows)
            except LogUnreachable as e:
                if not self._away:
                    logger.warning("%s. Predictions wait for it, at most %d rows", e, self._max_rows)
                self._away = True
                if not self._pause(delay * random.uniform(0.5, 1)):  # noqa: S311 - ten replicas should not ask at once
                    return False
                delay = min(2 * delay, _LAST_RETRY)
            else:
                if self._away:
                    logger.warning("%r answers again", self._log)
                self._away = False
                return True

    def _pause(self, seconds: float) -> bool:
        """Wait before the next try, no longer than a closing writer may; False: no further try."""
        with self._changed:
            if self._deadline is None:
                self._changed.wait_for(lambda: self._deadline is not None, seconds)
                return True
            left = self._deadline - time.monotonic()
        time.sleep(max(0, min(seconds, _FIRST_RETRY, left)))
        return left > 0

    def _settle(self, *, written: int = 0, dropped: int = 0) -> None:
        """Count rows that wait no longer; with the lock held. After `close` nothing waits, so nothing counts twice."""
        if self._waiting == 0:
            return
        self._written += written
        self._dropped += dropped
        self._waiting -= written + dropped
        self._settled += written + dropped
        if self._wanted:
            self._changed.notify_all()
