"""Writes predictions into the log in the background: a bounded queue that one thread writes out in batches.

The core hands over the requests of each call of the model with `put`; the thread writes them, thousands of rows at a
time. Promises:
- `accepted` counts every row handed over, and each ends as exactly one of `written` and `dropped`.
- Never more than `max_rows` or `max_bytes` wait, whatever the database does; a request whose rows find no room is
  dropped at once.
- While the database is away, writing is retried. What can never be stored costs only itself, and what has no
  JSON form only its request.
- After `close` in time, everything accepted is in the database.
"""

from __future__ import annotations

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Future, wait
from dataclasses import dataclass
from itertools import chain
from threading import Condition, Lock, Thread
from typing import Generic, NamedTuple, TypeVar

from .errors import LogUnreachable
from .rows import StoredPrediction, stored_bytes
from .store import InferenceLog

E = TypeVar("E", bound=Sized)

logger = logging.getLogger(__name__)

# To make a few rows takes the caller less than to take turns with a thread that makes them; many would keep it long.
_MADE_AT_ONCE = 500
_FIRST_RETRY, _LAST_RETRY = 0.1, 5.0  # seconds between two tries to reach the database
# Of the rows in one statement, unless a single row has more. PostgreSQL takes at most 1 GB, with all quotes escaped.
_BATCH_BYTES = 8 * 2**20
_MOST_ROW_BYTES = 256 * 2**20
_SAY_EVERY = 60.0  # seconds between two lines about rows that were dropped


@dataclass(frozen=True, slots=True)
class LogCounts:
    """Rows so far; each only grows, and accepted = written + dropped once nothing waits."""

    accepted: int
    written: int
    dropped: int


class _Handed(NamedTuple, Generic[E]):
    """What came with one `put`; `made` is None where the thread makes its rows."""

    rows: int
    nbytes: int
    entries: Sequence[E]
    made: Sequence[StoredPrediction] | None


class LogWriter(Generic[E]):
    """The queue and its thread. Constructing starts nothing; `put` may be called from any thread."""

    def __init__(
        self,
        log: InferenceLog,
        make: Callable[[Sequence[E]], Sequence[StoredPrediction]],
        nbytes: Callable[[E], int],
        *,
        max_rows: int = 100_000,
        max_bytes: int = 64 * 2**20,
        batch_rows: int = 500,
        linger_seconds: float = 0.1,
    ) -> None:
        """
        Args:
            log: Where the rows go.
            make: Makes the rows of entries, as many as their lengths say; called in `put`, or in the thread.
            nbytes: Bytes that an entry holds until its rows are made.
            max_rows: Rows that may wait, those being written included.
            max_bytes: Bytes that they may hold.
            batch_rows: Rows in one transaction, give or take one call of the model. With more, a server answers no more
                requests, but some of them later: they wait for the thread to let go of the interpreter.
            linger_seconds: How long the first row waits for others, so that 10,000 requests a second make ten
                transactions and wake the thread ten times. `flush` and `close` do not wait for it.
        """
        self._log, self._make, self._nbytes = log, make, nbytes
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self._batch_rows = batch_rows
        self._linger = linger_seconds
        self._lock = Lock()  # guards all that follows
        self._changed = Condition(self._lock)
        self._queue: deque[_Handed[E]] = deque()
        self._accepted = self._written = self._dropped = 0
        self._waiting = 0  # accepted, neither written nor dropped
        self._waiting_bytes = 0  # of the queue, and of what was taken from it and is being written
        self._settled = 0  # no longer waiting; refused rows never waited
        self._flushed: deque[tuple[int, Future[None]]] = deque()  # each done when so many are settled, in rising order
        self._say_at = 0.0  # when it may be said again that rows find no room
        self._deadline: float | None = None  # closing: no new rows, and no tries after it
        self._thread: Thread | None = None
        self._away = False  # the database did not answer the last try; of the thread alone

    def start(self) -> None:
        """Start the thread; once."""
        self._thread = Thread(target=self._run, name="inference-log", daemon=True)
        self._thread.start()

    def put(self, entries: Sequence[E]) -> bool:
        """Hand over entries. False: no room for some of them, whose rows are dropped."""
        rows = sum(map(len, entries))
        made = self._made_at_once(entries, rows) if rows <= _MADE_AT_ONCE else None
        size = sum(map(self._nbytes, entries)) if made is None else stored_bytes(made)
        handed = _Handed(rows, size, entries if made is None else (), made)
        with self._lock:
            if self._accept(handed):
                return True
            if len(entries) == 1 or self._deadline is not None:
                self._refuse(handed)
                return False
        # Each on its own: a request that is too large shall not cost those in the same batch.
        taken = [self.put([entry]) for entry in entries]
        return all(taken)

    def _accept(self, handed: _Handed[E]) -> bool:
        """Take it into the queue, if there is room; with the lock held."""
        waiting, size = self._waiting + handed.rows, self._waiting_bytes + handed.nbytes
        if waiting > self._max_rows or size > self._max_bytes or self._deadline is not None:
            return False
        self._accepted += handed.rows
        self._queue.append(handed)
        if self._waiting == 0 or self._waiting < self._batch_rows <= waiting:  # the thread sleeps until then
            self._changed.notify_all()
        self._waiting, self._waiting_bytes = waiting, size
        return True

    def _refuse(self, handed: _Handed[E]) -> None:
        """Drop it, and say so once a while; with the lock held."""
        self._accepted += handed.rows
        self._dropped += handed.rows
        now = time.monotonic()
        if now >= self._say_at and self._deadline is None:
            logger.warning(
                "Rows find no room in the queue for %r: %d lost so far, the last ones with %d bytes. %d of at most %d "
                "rows and %d of at most %d bytes wait. See whether the database keeps up, or raise "
                "TENFOLD_LOG_QUEUE_ROWS or TENFOLD_LOG_QUEUE_BYTES",
                *(self._log, self._dropped, handed.nbytes),
                *(self._waiting, self._max_rows, self._waiting_bytes, self._max_bytes),
            )
            self._say_at = now + _SAY_EVERY

    def counts(self) -> LogCounts:
        """The three counters at one moment."""
        with self._lock:
            return LogCounts(self._accepted, self._written, self._dropped)

    def flushed(self) -> Future[None]:
        """Done when all that was handed over before this call is written or dropped, which it hastens."""
        done: Future[None] = Future()
        with self._changed:
            while self._flushed and self._flushed[0][1].cancelled():
                self._flushed.popleft()
            self._flushed.append((self._settled + self._waiting, done))
            self._tell_flushed()
            self._changed.notify_all()
        return done

    def flush(self, timeout: float) -> bool:
        """Wait until then; False: not in time."""
        return not wait([self.flushed()], timeout).not_done

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
            taken: list[_Handed[E]] = []
            try:
                taken = self._take()
                if not taken:
                    return
                for rows in self._batches(taken):
                    self._store(rows)
            except Exception:  # whatever it is, the next rows must find a thread
                logger.exception("The inference log's thread goes on after an error of its own")
            finally:
                with self._lock:
                    self._waiting_bytes -= sum(handed.nbytes for handed in taken)

    def _take(self) -> list[_Handed[E]]:
        """The next batch, when it is full, old enough or wanted; empty when closed and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._deadline is not None)
            self._changed.wait_for(self._due, self._linger)
            taken: list[_Handed[E]] = []
            rows, size = self._batch_rows, _BATCH_BYTES
            while self._queue and rows > 0 and size > 0:
                taken.append(self._queue.popleft())
                rows -= taken[-1].rows
                size -= taken[-1].nbytes
            return taken

    def _due(self) -> bool:
        return self._waiting >= self._batch_rows or bool(self._flushed) or self._deadline is not None

    def _batches(self, taken: Sequence[_Handed[E]]) -> Iterator[Sequence[StoredPrediction]]:
        """The rows of each statement; few of them exist at once, however many were handed over."""
        batch: list[StoredPrediction] = []
        size = 0
        for row in chain.from_iterable(map(self._rows, taken)):
            nbytes = stored_bytes((row,))
            if nbytes > _MOST_ROW_BYTES:
                logger.error("A row of %d bytes is not logged: no database takes it", nbytes)
                with self._changed:
                    self._settle(dropped=1)
                continue
            if batch and size + nbytes > _BATCH_BYTES:
                yield batch
                batch, size = [], 0
            batch.append(row)
            size += nbytes
        yield batch

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

    def _rows(self, handed: _Handed[E]) -> Iterable[StoredPrediction]:
        return chain.from_iterable(map(self._rows_of, handed.entries)) if handed.made is None else handed.made

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
                    logger.warning("%s. Predictions wait for it", e)
                self._away = True
                if not self._pause(delay * random.uniform(0.5, 1)):  # noqa: S311 - ten replicas should not retry at once
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
        self._tell_flushed()

    def _tell_flushed(self) -> None:
        """With the lock held."""
        while self._flushed and self._flushed[0][0] <= self._settled:
            _, done = self._flushed.popleft()
            if done.set_running_or_notify_cancel():
                done.set_result(None)
