"""Rows of concurrent requests in one call of the model, without a delay to gather more.

`Core` hands over one checked batch per request. What arrives while the model runs, or in the same turn of the event
loop, shares the next call; an idle server calls the model at once. Promises:
- No request sees rows, outputs or errors of another: only batches of the same outputs and the same column types are
  joined, answers are cut apart by counted rows, and when a joined call fails each request gets its own.
- The model is never called twice at once: `_flush` alone calls it, and does nothing while `_running` is not empty.
- The event loop is never blocked for longer than `inline_seconds`: a model that takes more runs in a thread.
- A request that was cancelled while it waited, or whose time is over, is dropped and takes no place any more.
- Never more than `max_waiting_rows` wait, but for a single larger request: what finds no room is refused at once,
  unless the model is so quick that what waits is better predicted at once.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from .errors import DeadlineExceeded, Overloaded
from .prediction import BatchResult, Prediction
from .validation import Batch

T = TypeVar("T")
Callback = Callable[[Prediction | Exception], None]

# The thread of a slow model lets go of the interpreter for every tree of a forest, and then waits so long for it while
# the event loop is busy. Python's own 5 ms are better where there is no such thread.
_SWITCH_SECONDS = 0.0005
_MEMORY = 0.2  # weight of the newest call in the running means


class Job:
    """Rows of one request; its callback gets the prediction, or the error, once.

    Attributes:
        taken, answered: when the model was called, and when it had answered, of `time.monotonic()`; 0: not yet.
        done: the callback was called, or nobody waits for it any more.
    """

    __slots__ = ("answered", "batch", "callback", "deadline", "done", "outputs", "taken", "when")

    def __init__(
        self, batch: Batch, outputs: tuple[str, ...], deadline: float, callback: Callback, when: datetime | None
    ) -> None:
        self.batch, self.outputs, self.deadline, self.callback, self.when = batch, outputs, deadline, callback, when
        self.taken = self.answered = 0.0
        self.done = False

    def finish(self, result: Prediction | Exception) -> None:
        """Call back, once."""
        if not self.done:
            self.done = True
            self.callback(result)


class Batcher:
    """Calls the model for one event loop. Starts nothing before the first request.

    Args:
        ask: the model; raises for rows that it cannot answer.
        max_batch_rows: rows in one call, unless a single request has more; 1: each request has its own call.
        max_waiting_rows: rows that may wait for a call.
        inline_seconds: a call that is expected to take no longer runs on the event loop itself: a hop to a thread and
            back costs some 0.1 ms of a core, more than many models take for a row.
        asked: called with the rows and the seconds of every call of the model.
        answered: called with the predictions of each call when all of its requests were called back.
    """

    def __init__(
        self,
        ask: Callable[[Batch, tuple[str, ...]], BatchResult],
        *,
        max_batch_rows: int,
        max_waiting_rows: int,
        inline_seconds: float,
        asked: Callable[[int, float], None],
        answered: Callable[[list[Prediction]], None],
    ) -> None:
        self._ask, self._max_batch_rows, self._max_waiting_rows = ask, max_batch_rows, max_waiting_rows
        self._asked, self._answered = asked, answered
        self.inline_seconds = inline_seconds
        self._waiting: dict[Job, None] = {}  # the oldest first; any of them can leave at once
        self._waiting_rows = 0
        self._running: list[Job] = []  # the requests of the current call; empty: the model is idle
        self._scheduled: asyncio.Handle | None = None
        self._alarm: asyncio.TimerHandle | None = (
            None  # for the first deadline, or an earlier one of a job that is done
        )
        self._alarm_at = float("inf")
        self._thread: ThreadPoolExecutor | None = None
        # Running means over the calls. Nothing is known of the model yet: the first call runs in the thread.
        self._seconds, self._rows = float("inf"), 1.0

    def ask(
        self,
        batch: Batch,
        outputs: tuple[str, ...],
        deadline: float,
        callback: Callback,
        when: datetime | None = None,
    ) -> Job:
        """Have the model predict the rows of `batch`.

        Args:
            batch: checked rows.
            outputs: names of the outputs, each once.
            deadline: of `time.monotonic()`; when it is over, the callback gets `DeadlineExceeded`.
            callback: called once with the prediction, or with what the call raised; on the event loop and never within
                this call; must not raise.
            when: the time that the log keeps; None: that of the call.

        Raises:
            Overloaded: too many rows wait already.
        """
        rows = batch.rows
        if not self._has_room(rows):
            if self._quick:
                self._flush()
            if not self._has_room(rows):
                raise Overloaded(self._waiting_rows, self._max_waiting_rows)
        job = Job(batch, outputs, deadline, callback, when)
        self._waiting[job] = None
        self._waiting_rows += rows
        if deadline < self._alarm_at:
            self._set_alarm(deadline)
        if self._scheduled is None and not self._running:
            self._schedule()
        return job

    @property
    def full(self) -> bool:
        """Whether there is room for no request at all."""
        return self._waiting_rows >= self._max_waiting_rows and not self._quick

    @property
    def _quick(self) -> bool:
        """Whether what waits can be predicted at once, which then takes hardly longer than to refuse what comes."""
        return not self._running and self._expected(self._waiting_rows) <= self.inline_seconds

    def _has_room(self, rows: int) -> bool:
        return not self._waiting_rows or self._waiting_rows + rows <= self._max_waiting_rows

    def drop(self, job: Job) -> None:
        """Nobody waits for this answer any more."""
        job.done = True
        self._leave(job)

    def close(self) -> None:
        """Let go of the thread."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    def _schedule(self) -> None:
        # On the loop's next turn: requests that were read in this one come along.
        self._scheduled = asyncio.get_running_loop().call_soon(self._flush)

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, at
        if at < float("inf"):
            self._alarm = asyncio.get_running_loop().call_later(at - time.monotonic(), self._expire)

    def _expire(self) -> None:
        now = time.monotonic()
        late = [job for job in (*self._waiting, *self._running) if job.deadline <= now]
        for job in late:
            self._leave(job)
            job.finish(DeadlineExceeded())
        jobs = (*self._waiting, *self._running)
        self._set_alarm(min((job.deadline for job in jobs if not job.done), default=float("inf")))

    def _leave(self, job: Job) -> None:
        """It waits no longer."""
        if job in self._waiting:
            del self._waiting[job]
            self._waiting_rows -= job.batch.rows

    def _flush(self) -> None:
        """Call the model with what waits, unless a call is running: the only place that does."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None
        if self._running:
            return
        jobs = self._take()
        if not jobs:
            return
        self._running = jobs
        if self._expected(sum([job.batch.rows for job in jobs])) <= self.inline_seconds:
            self._finish(self._calls(jobs))
            return
        if self.inline_seconds < self._seconds < float("inf"):
            sys.setswitchinterval(_SWITCH_SECONDS)
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="model")
        asyncio.get_running_loop().run_in_executor(self._thread, self._calls, jobs).add_done_callback(self._landed)

    def _expected(self, rows: int) -> float:
        """Seconds that a call may take: as long as the mean one, and longer for more rows than that has."""
        return self._seconds * max(1.0, rows / self._rows)

    def _landed(self, done: asyncio.Future[list[tuple[list[Job], BatchResult | Exception]]]) -> None:
        self._finish([] if done.cancelled() else done.result())

    def _take(self) -> list[Job]:
        """The oldest request that still waits, and those that can share its call."""
        jobs: list[Job] = []
        rows, now, most = 0, time.monotonic(), self._max_batch_rows
        outputs, kind = (), ()
        for job in self._waiting:
            batch = job.batch
            if job.deadline <= now:  # the alarm, which is due, ends it
                continue
            if not jobs:
                outputs, kind = job.outputs, batch.kind
            elif batch.kind != kind or job.outputs != outputs or rows + batch.rows > most:
                continue
            job.taken = now
            jobs.append(job)
            rows += batch.rows
            if rows >= most:
                break
        if len(jobs) == len(self._waiting):
            self._waiting.clear()
        else:
            for job in jobs:
                del self._waiting[job]
        self._waiting_rows -= rows
        return jobs

    def _calls(self, jobs: list[Job]) -> list[tuple[list[Job], BatchResult | Exception]]:
        """The requests of each call, and its result or error; runs on the loop or in the thread, never on both."""
        try:
            return [(jobs, self._timed(Batch.joined([job.batch for job in jobs]), jobs[0].outputs))]
        except Exception as e:
            if len(jobs) == 1:
                return [(jobs, e)]
            # One of them may be at fault: it shall not cost the others.
            return [alone for job in jobs for alone in self._calls([job])]

    def _timed(self, batch: Batch, outputs: tuple[str, ...]) -> BatchResult:
        started = time.perf_counter()
        try:
            return self._ask(batch, outputs)
        finally:
            seconds = time.perf_counter() - started
            if self._seconds == float("inf"):
                self._seconds, self._rows = seconds, float(batch.rows)
            self._seconds += _MEMORY * (seconds - self._seconds)
            self._rows += _MEMORY * (batch.rows - self._rows)
            self._asked(batch.rows, seconds)

    def _finish(self, calls: list[tuple[list[Job], BatchResult | Exception]]) -> None:
        self._running = []
        now = time.monotonic()
        for jobs, call in calls:
            if isinstance(call, Exception):
                for job in jobs:
                    job.answered = now
                    job.finish(call)
                continue
            start, predictions = 0, list[Prediction]()
            for job in jobs:
                job.answered, stop = now, start + job.batch.rows
                if not job.done:
                    prediction = Prediction(call, start, stop, job.when)
                    predictions.append(prediction)
                    job.finish(prediction)
                start = stop
            self._answered(predictions)
        if self._waiting and self._scheduled is None and not self._running:
            self._schedule()


def settle(future: asyncio.Future[T], answer: T | Exception) -> None:
    """Let `future` have the answer, unless nobody waits for it any more."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
