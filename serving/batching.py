"""Rows of concurrent requests in one call of the model, without waiting for company.

`Core` hands over one checked batch per request. What arrives while the model runs, or in the same turn of the event
loop, is asked in the next call; an idle server asks at once. Promises:
- No request sees rows, outputs or errors of another: only batches of the same outputs and the same column types are
  joined, answers are cut apart by counted rows, and when a joined call fails each request is asked alone.
- The event loop is never blocked for longer than `inline_seconds`: a model that takes more runs in a thread.
- A request that was cancelled while it waited, or whose time is over, is not asked and takes no place any more.
- Never more than `max_waiting_rows` wait, but for a single larger request: what finds no room is refused at once,
  unless the model is so quick that what waits is better asked at once.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TypeVar

from .errors import DeadlineExceeded, Overloaded
from .model import Answers
from .validation import Batch

T = TypeVar("T")
Ask = Callable[[Batch, tuple[str, ...]], Answers]
Then = Callable[[Answers | Exception], None]

# The thread of a slow model lets go of the interpreter for every tree of a forest, and then waits so long for it while
# the event loop is busy. Python's own 5 ms are better where there is no such thread.
_SWITCH_SECONDS = 0.0005
_MEMORY = 0.2  # weight of the newest call in the running means


@dataclass(eq=False, slots=True)
class Job:
    """Rows of one request on their way; whoever asked is told the answers, or the error, by `then`.

    Attributes:
        queued, taken: when it began to wait, and when the model was asked, of `time.monotonic()`.
        answered: when the model had answered.
    """

    batch: Batch
    outputs: tuple[str, ...]
    deadline: float
    then: Then
    queued: float
    taken: float = 0
    answered: float = 0
    waits: bool = True  # it counts among the rows that wait
    done: bool = False
    kind: tuple[object, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.kind = (*self.outputs, *self.batch.kind)

    def settle(self, answer: Answers | Exception) -> None:
        """Tell whoever asked, once."""
        if not self.done:
            self.done = True
            self.then(answer)


class Batcher:
    """Asks the model for one event loop. Starts nothing before the first request.

    Args:
        ask: the model; raises for rows that it cannot answer.
        max_batch_rows: rows in one call, unless a single request has more; 1: each request is asked by itself.
        max_waiting_rows: rows that may wait for a call.
        inline_seconds: what is expected to take no longer is asked on the event loop itself: a hop to a thread and back
            costs some 0.1 ms of a core, more than many models take for a row.
        asked: told the rows and the seconds of every call of the model.
        told: called when all requests of such a call were told their answers.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        max_batch_rows: int,
        max_waiting_rows: int,
        inline_seconds: float,
        asked: Callable[[int, float], None],
        told: Callable[[], None],
    ) -> None:
        self._ask, self._max_batch_rows, self._max_waiting_rows = ask, max_batch_rows, max_waiting_rows
        self._asked, self._told = asked, told
        self.inline_seconds = inline_seconds
        self._waiting: deque[Job] = deque()
        self._waiting_rows = 0
        self._unanswered: set[Job] = set()
        self._alarm: asyncio.TimerHandle | None = None  # for the first deadline among them
        self._alarm_at = float("inf")
        self._thread: ThreadPoolExecutor | None = None
        self._busy = False
        self._scheduled = False
        # Running means over the calls. Nothing is known of the model yet: the first call runs in the thread.
        self._seconds, self._rows = float("inf"), 1.0

    def ask(self, batch: Batch, outputs: tuple[str, ...], deadline: float, then: Then) -> Job:
        """Ask for the model's answers to the rows of `batch`; `then` is told them, or what asking raised.

        Args:
            batch: checked rows.
            outputs: names of the outputs, each once.
            deadline: of `time.monotonic()`; when it is over, `then` is told `DeadlineExceeded`.
            then: called once, on the event loop and never within this call; must not raise.

        Raises:
            Overloaded: too many rows wait already.
        """
        loop = asyncio.get_running_loop()
        if not self._has_room(batch.rows) and self._quick:
            self._flush(loop)
        if not self._has_room(batch.rows):
            raise Overloaded(self._waiting_rows, self._max_waiting_rows)
        job = Job(batch, outputs, deadline, then, time.monotonic())
        self._waiting.append(job)
        self._waiting_rows += batch.rows
        self._unanswered.add(job)
        if deadline < self._alarm_at:
            self._set_alarm(loop)
        self._schedule(loop)
        return job

    @property
    def full(self) -> bool:
        """Whether there is room for no request at all."""
        return self._waiting_rows >= self._max_waiting_rows and not self._quick

    @property
    def _quick(self) -> bool:
        """Whether what waits can be asked at once, which then takes hardly longer than to refuse what comes."""
        return not self._busy and self._expected(self._waiting_rows) <= self.inline_seconds

    def _has_room(self, rows: int) -> bool:
        return not self._waiting_rows or self._waiting_rows + rows <= self._max_waiting_rows

    async def answer(self, batch: Batch, outputs: tuple[str, ...], deadline: float) -> Answers:
        """Ask, and wait for the answers. Raises as `ask` does, and what the model or the deadline raised."""
        answered: asyncio.Future[Answers] = asyncio.get_running_loop().create_future()
        job = self.ask(batch, outputs, deadline, partial(settle, answered))
        try:
            return await answered
        finally:
            self.drop(job)

    def drop(self, job: Job) -> None:
        """Nobody waits for this answer any more."""
        job.done = True
        self._unanswered.discard(job)
        self._leave(job)

    def close(self) -> None:
        """Let go of the thread."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waiting and not self._busy and not self._scheduled:
            self._scheduled = True
            # On the loop's next turn: requests that were read in this one come along.
            loop.call_soon(self._flush, loop)

    def _set_alarm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = min((job.deadline for job in self._unanswered), default=float("inf"))
        if self._unanswered:
            self._alarm = loop.call_later(self._alarm_at - time.monotonic(), self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        for job in [job for job in self._unanswered if job.deadline <= now]:
            self._unanswered.discard(job)
            self._leave(job)
            job.settle(DeadlineExceeded())
        self._set_alarm(loop)

    def _leave(self, job: Job) -> None:
        """It is asked now, or waits no longer."""
        if job.waits:
            job.waits = False
            self._waiting_rows -= job.batch.rows

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        jobs = self._take()
        if not jobs:
            return
        if self._expected(sum(job.batch.rows for job in jobs)) <= self.inline_seconds:
            self._settle(jobs, self._answers(jobs))
            self._schedule(loop)
            return
        self._busy = True
        if self.inline_seconds < self._seconds < float("inf"):
            sys.setswitchinterval(_SWITCH_SECONDS)
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="model")
        loop.run_in_executor(self._thread, self._answers, jobs).add_done_callback(
            lambda done: self._landed(loop, jobs, done)
        )

    def _expected(self, rows: int) -> float:
        """Seconds that a call may take: as long as the mean one, and longer for more rows than that has."""
        return self._seconds * max(1.0, rows / self._rows)

    def _landed(
        self, loop: asyncio.AbstractEventLoop, jobs: list[Job], done: asyncio.Future[list[Answers | Exception]]
    ) -> None:
        self._busy = False
        if not done.cancelled():
            self._settle(jobs, done.result())
        self._schedule(loop)

    def _take(self) -> list[Job]:
        """The oldest request that still waits, and those that can be asked with it."""
        jobs: list[Job] = []
        others: list[Job] = []
        rows, now = 0, time.monotonic()
        while self._waiting and rows < self._max_batch_rows:
            job = self._waiting.popleft()
            if job.done or job.deadline <= now:  # of the latter the alarm tells, which is due
                continue
            if jobs and (job.kind != jobs[0].kind or rows + job.batch.rows > self._max_batch_rows):
                others.append(job)
                continue
            jobs.append(job)
            rows += job.batch.rows
            job.taken = now
            self._leave(job)
        self._waiting.extendleft(reversed(others))
        return jobs

    def _answers(self, jobs: list[Job]) -> list[Answers | Exception]:
        """One answer or error per job; runs on the loop or in the thread, never on both at once."""
        if len(jobs) > 1:
            try:
                return _cut(self._timed(Batch.joined([job.batch for job in jobs]), jobs[0].outputs), jobs)
            except Exception:  # one of them may be at fault: it shall not cost the others
                return [answer for job in jobs for answer in self._answers([job])]
        try:
            return [self._timed(jobs[0].batch, jobs[0].outputs)]
        except Exception as e:
            return [e]

    def _timed(self, batch: Batch, outputs: tuple[str, ...]) -> Answers:
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

    def _settle(self, jobs: list[Job], answers: list[Answers | Exception]) -> None:
        now = time.monotonic()
        for job, answer in zip(jobs, answers, strict=True):
            self._unanswered.discard(job)
            job.answered = now
            job.settle(answer)
        self._told()


def settle(future: asyncio.Future[T], answer: T | Exception) -> None:
    """Let `future` have the answer, unless nobody waits for it any more."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


def _cut(answers: Answers, jobs: list[Job]) -> list[Answers | Exception]:
    ends = [0]
    for job in jobs:
        ends.append(ends[-1] + job.batch.rows)
    return [{name: array[start:end] for name, array in answers.items()} for start, end in pairwise(ends)]
