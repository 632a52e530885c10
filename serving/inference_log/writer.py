"""Writes predictions into the log off the request's way: a bounded queue that one thread writes out in batches.

The core hands over each request with `put`, which only counts and appends; the records are made, converted and written
in the thread, many requests at a time. Promises:
- `accepted` counts every row handed over, and each ends as exactly one of `written` and `dropped`.
- Never more than `max_rows` wait, whatever the database does; a row that finds the queue full is dropped at once.
- A database that is away is asked again until it is back. What can never be stored costs only itself.
- After `close` in time, everything accepted is in the database.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Lock, Thread
from typing import Generic, TypeVar

from .errors import LogUnreachable
from .records import PredictionRecord
from .store import InferenceLog

E = TypeVar("E")

logger = logging.getLogger(__name__)

_FIRST_RETRY, _LAST_RETRY = 0.1, 5.0  # seconds between two tries to reach the database


@dataclass(frozen=True, slots=True)
class LogCounts:
    """Rows so far; each only grows, and accepted = written + dropped once nothing waits."""

    accepted: int
    written: int
    dropped: int


class LogWriter(Generic[E]):
    """The queue and its thread. Constructing starts nothing; `put` may be called from any thread."""

    def __init__(
        self,
        log: InferenceLog,
        make: Callable[[Sequence[E]], Sequence[PredictionRecord]],
        *,
        max_rows: int = 100_000,
        batch_rows: int = 2_000,
        linger_seconds: float = 0.1,
    ) -> None:
        """
        Args:
            log: Where the rows go.
            make: Makes the records of entries, one per row and in order; called in the thread.
            max_rows: Rows that may wait, those being written included.
            batch_rows: Rows in one transaction, give or take one request.
            linger_seconds: How long the first row waits for company, so that 10,000 requests a second make ten
                transactions and wake the thread ten times. `flush` and `close` do not wait for it.
        """
        self._log, self._make = log, make
        self._max_rows = max_rows
        self._batch_rows = batch_rows
        self._linger = linger_seconds
        self._lock = Lock()  # guards all that follows
        self._changed = Condition(self._lock)
        self._queue: deque[tuple[int, E]] = deque()
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

    def put(self, rows: int, entry: E) -> bool:
        """Hand over an entry, of which `rows` records will be made. False: no room, all of them are dropped."""
        with self._lock:
            self._accepted += rows
            waiting = self._waiting + rows
            if waiting > self._max_rows or self._deadline is not None:
                self._dropped += rows
                return False
            self._queue.append((rows, entry))
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
                self._store(self._records(taken))
            except Exception:  # whatever it is, the next rows must find a thread
                logger.exception("The inference log's thread goes on after an error of its own")

    def _take(self) -> list[tuple[int, E]]:
        """The next batch, when it is full, old enough or wanted; empty when closed and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._deadline is not None)
            self._changed.wait_for(self._due, self._linger)
            taken: list[tuple[int, E]] = []
            room = self._batch_rows
            while self._queue and room > 0:
                taken.append(self._queue.popleft())
                room -= taken[-1][0]
            return taken

    def _due(self) -> bool:
        return self._waiting >= self._batch_rows or self._wanted > self._settled or self._deadline is not None

    def _records(self, taken: Sequence[tuple[int, E]]) -> Sequence[PredictionRecord]:
        """The records of the entries; when they cannot be made of all together, of each that they can be made of."""
        rows = sum(count for count, _ in taken)
        try:
            records = self._make([entry for _, entry in taken])
            if len(records) == rows:
                return records
            reason = f"{len(records)} records were made of them"
        except Exception as e:
            reason = f"their records could not be made ({type(e).__name__}: {e})"
        if len(taken) > 1:
            return [record for one in taken for record in self._records([one])]
        logger.error("%d rows of one request are not logged: %s", rows, reason)
        with self._changed:
            self._settle(dropped=rows)
        return ()

    def _store(self, records: Sequence[PredictionRecord]) -> None:
        """Write all but those that cannot be stored, and settle each of them."""
        if not records:
            return
        written = dropped = 0
        try:
            if self._write(records):
                written = len(records)
            else:
                return  # `close` counts what waits
        except Exception as e:
            if len(records) > 1:
                middle = len(records) // 2
                self._store(records[:middle])
                self._store(records[middle:])
                return
            logger.error("%s. It is dropped", e)
            dropped = 1
        with self._changed:
            self._settle(written=written, dropped=dropped)

    def _write(self, records: Sequence[PredictionRecord]) -> bool:
        """Write until it is done; False: the time to close is over.

        Raises:
            Exception: one of them cannot be stored; none is.
        """
        delay = _FIRST_RETRY
        while True:
            try:
                self._log.write(records)
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
