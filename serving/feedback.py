"""What turned out to be true, on its way into the inference log; without knowing about HTTP.

    labels -> checked -> their predictions are in the log -> their turn -> one transaction -> FeedbackResult for each

Promises:
- A list of labels is one transaction. Where the database fails none of it is kept, or the error says that this is not
  known, and then the same list may be sent again.
- Lists that share an id are written in the order in which they came to this process, however long one of them waits for
  a prediction: of two labels of an id the later one stays.
- Nothing waits in a thread: labels wait on the event loop, and one thread of its own asks the database for all of them.
- Never more than `max_waiting` labels wait, but for a single longer list: what finds no room is refused at once. Those
  that wait for their predictions to be written take half of the room at most: a client can make up any number of them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal, TypeVar

from .batching import settle
from .echo import echo
from .errors import InvalidInput, LabelsTooLate, NotReady, TooManyLabels
from .ids import made_at
from .inference_log.errors import InvalidLabel, LogUnreachable, OutcomeUnknown
from .inference_log.records import LabelRecord, LabelStatus
from .inference_log.store import InferenceLog
from .inference_log.writer import LogWriter
from .labels import LabelType

T = TypeVar("T")
Statuses = list[LabelStatus]

# A label may overtake its prediction, which waits to be written here or in another replica: an id that is not in the
# log is looked up again for so long, if it is as young as that by the clock of whichever replica made it.
_OVERTAKEN_WITHIN = timedelta(seconds=10)
_LOOK_AGAIN_SECONDS, _LOOK_AGAIN_EVERY = 3.0, 0.1
_LABELS_PER_TRANSACTION = 1_000


@dataclass(frozen=True, slots=True)
class FeedbackResult:
    """What became of one label; `message` says why it was not taken."""

    id: str
    status: LabelStatus | Literal["invalid"]
    message: str = ""


@dataclass(eq=False, slots=True)
class _List:
    """The labels of one request, and what is told of them."""

    records: list[LabelRecord]
    statuses: asyncio.Future[Statuses]
    written: bool = False  # or being written
    passed: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    # it is in the queue or given up, and so are those before it


@dataclass(eq=False, slots=True)
class _Early:
    """Labels of one request whose predictions were not in the log when it was asked for them."""

    missing: set[str]
    arrived: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Feedback:
    """Takes the labels of one model. Belongs to one event loop; constructing it starts nothing."""

    def __init__(
        self, log: InferenceLog, writer: LogWriter[Any], model: str, labels: LabelType, *, max_waiting: int
    ) -> None:
        """
        Args:
            log: where labels are kept.
            writer: of this process's predictions, which come before their labels.
            model: whose predictions they are about.
            labels: what they look like.
            max_waiting: labels that may wait.
        """
        self._log, self._writer, self._model, self._labels = log, writer, model, labels
        self._max_waiting = max_waiting
        self._waiting = 0
        self._queue: deque[_List] = deque()
        self._early: set[_Early] = set()
        self._last: dict[str, _List] = {}  # of an id, the last list that came, until it has passed
        self._tasks: dict[Callable[[], Any], asyncio.Task[None]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feedback")

    async def take(self, items: Sequence[tuple[str, Any]], when: datetime, deadline: float) -> list[FeedbackResult]:
        """Keep what turned out to be true.

        Args:
            items: pairs of id and label.
            when: it became true.
            deadline: of `time.monotonic()`.

        Returns:
            A result for each, in order.

        Raises:
            TooManyLabels: too many labels wait already; none was kept.
            LabelsTooLate: the deadline is over; the sentence says whether any was kept.
            NotReady: the log cannot be reached; the sentence says whether any was kept.
        """
        results: list[FeedbackResult | None] = []
        records: list[LabelRecord] = []
        for identity, given in items:
            try:
                records.append(LabelRecord(identity, self._labels.check(given), when))
                results.append(None)
            except (InvalidInput, InvalidLabel) as e:
                results.append(FeedbackResult(identity, "invalid", str(e)))
        statuses = iter(await self._kept(records, deadline) if records else ())
        return [
            result or self._result(identity, next(statuses))
            for (identity, _), result in zip(items, results, strict=True)
        ]

    def close(self) -> None:
        """Let go of the thread."""
        for task in self._tasks.values():
            task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _kept(self, records: list[LabelRecord], deadline: float) -> Statuses:
        if self._waiting and self._waiting + len(records) > self._max_waiting:
            raise TooManyLabels(self._waiting, self._max_waiting)
        labels = _List(records, asyncio.get_running_loop().create_future())
        self._waiting += len(records)
        before = self._line_up(labels)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await self._predictions_of(records)
                if before:
                    await asyncio.wait(before)
                self._queue.append(labels)
                self._pass(labels, set())
                self._run(self._write_all)
                return await labels.statuses
        except TimeoutError:
            raise LabelsTooLate(maybe_kept=labels.written) from None
        except OutcomeUnknown as e:
            raise NotReady(
                f"It is not known whether the labels were kept: {e}. Send the same again; a label that was kept is "
                f"then 'repeated', and counts once"
            ) from e
        except LogUnreachable as e:
            raise NotReady(f"No label was kept: {e}") from e
        finally:
            self._waiting -= len(records)
            self._pass(labels, before)

    def _line_up(self, labels: _List) -> set[asyncio.Future[None]]:
        """Give a list that has come its place in the order; what has to be done before it is written."""
        before: set[asyncio.Future[None]] = set()
        for record in labels.records:
            last = self._last.get(record.prediction_id)
            if last is not None and last is not labels:
                before.add(last.passed)
            self._last[record.prediction_id] = labels
        return before

    def _pass(self, labels: _List, before: set[asyncio.Future[None]]) -> None:
        """Let those that come after a list go on, once all `before` it are done."""
        if labels.passed.done():
            return
        while before:
            if not (earlier := before.pop()).done():  # given up before its turn, and those after it still wait
                earlier.add_done_callback(lambda _: self._pass(labels, before))
                return
        labels.passed.set_result(None)
        for record in labels.records:
            if self._last.get(record.prediction_id) is labels:
                del self._last[record.prediction_id]

    async def _predictions_of(self, records: list[LabelRecord]) -> None:
        """Wait until the predictions of young ids are in the log, or for as long as they may be late."""
        now = datetime.now(UTC)
        made = ((record.prediction_id, made_at(record.prediction_id)) for record in records)
        young = {identity for identity, at in made if at and abs(now - at) < _OVERTAKEN_WITHIN}
        if not young:
            return
        written = asyncio.wrap_future(self._writer.flushed())
        await asyncio.wait([written], timeout=_LOOK_AGAIN_SECONDS)
        written.cancel()
        early = _Early(young - await self._in_thread(self._known, young))
        if not early.missing:
            return
        room, missing = self._max_waiting // 2, sum(len(other.missing) for other in self._early)
        if self._early and missing + len(early.missing) > room:
            raise TooManyLabels(missing, room, "labels of predictions that are not in it")
        self._early.add(early)
        self._run(self._look_again)
        try:
            await asyncio.wait_for(early.arrived, _LOOK_AGAIN_SECONDS)
        except TimeoutError:
            pass  # nobody made such a prediction
        finally:
            self._early.discard(early)

    async def _look_again(self) -> None:
        """Look for all that is missing, at intervals, while anything is."""
        while self._early:
            await asyncio.sleep(_LOOK_AGAIN_EVERY)
            asked = list(self._early)
            try:
                known = await self._in_thread(self._known, set[str]().union(*(early.missing for early in asked)))
            except Exception as e:
                for early in asked:
                    settle(early.arrived, e)
                continue
            for early in asked:
                early.missing -= known
                if not early.missing:
                    settle(early.arrived, None)

    async def _write_all(self) -> None:
        """Write what waits, the lists of several requests in one transaction where they came meanwhile."""
        while lists := self._next():
            for labels, told in zip(lists, await self._in_thread(self._write, lists), strict=True):
                settle(labels.statuses, told)

    def _next(self) -> list[_List]:
        lists: list[_List] = []
        room = _LABELS_PER_TRANSACTION
        while self._queue and (not lists or len(self._queue[0].records) <= room):
            labels = self._queue.popleft()
            if labels.statuses.done():  # nobody waits for it any more
                continue
            labels.written = True
            lists.append(labels)
            room -= len(labels.records)
        return lists

    def _write(self, lists: list[_List]) -> Sequence[Statuses | Exception]:
        """Statuses, or an error, for each; in the thread."""
        try:
            statuses = iter(self._log.write_labels(self._model, [r for labels in lists for r in labels.records]))
            return [[*islice(statuses, len(labels.records))] for labels in lists]
        except Exception as e:
            if len(lists) == 1 or isinstance(e, LogUnreachable):
                return [e] * len(lists)
            return [told for labels in lists for told in self._write([labels])]  # one of them is at fault

    def _known(self, ids: set[str]) -> set[str]:
        return self._log.known(self._model, ids)

    async def _in_thread(self, call: Callable[[Any], T], argument: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, argument)

    def _run(self, work: Callable[[], Any]) -> None:
        """Have `work` going, once."""
        task = self._tasks.get(work)
        if task is None or task.done():
            self._tasks[work] = asyncio.create_task(work())

    def _result(self, identity: str, status: LabelStatus) -> FeedbackResult:
        if status != "unknown":
            return FeedbackResult(identity, status)
        return FeedbackResult(
            identity,
            status,
            f"No prediction of {self._model} has the id '{echo(identity)}'. Send an id that one was answered with",
        )
