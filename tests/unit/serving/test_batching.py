"""Rows of concurrent requests in one call of the model: never mixed, never waiting for nothing."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from tenfold.serving.batching import Batcher, settle
from tenfold.serving.errors import DeadlineExceeded, Overloaded
from tenfold.serving.model import Answers
from tenfold.serving.prediction import BatchResult, Prediction
from tenfold.serving.validation import Batch

LATER = time.monotonic() + 3600


def rows(*values: Any, dtype: str = "float64") -> Batch:
    return Batch({"x": np.array(values, dtype)}, len(values))


@dataclass
class Recorder:
    """Answers twice the value, and a table of value and row count; keeps what it was asked."""

    calls: list[tuple[list[Any], tuple[str, ...], str]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    during: Callable[[list[Any]], None] = lambda _: None

    def __call__(self, batch: Batch, outputs: tuple[str, ...]) -> BatchResult:
        values = batch.columns["x"]
        self.calls.append((values.tolist(), outputs, str(values.dtype)))
        self.threads.add(threading.current_thread().name)
        self.during(values.tolist())
        table = np.column_stack([values, values])
        answers = {"predict": values * 2, "table": table}
        return BatchResult("m", "1", batch, {name: answers[name] for name in outputs})


@dataclass
class Place:
    model: Recorder
    batcher: Batcher
    asked: list[tuple[int, float]]
    finished: list[str]  # by tests, and "all" by the batcher


async def answer(
    batcher: Batcher, batch: Batch, outputs: tuple[str, ...] = ("predict",), deadline: float = LATER
) -> Answers:
    """Ask, and wait as a client does, who may go away."""
    answered: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
    job = batcher.ask(batch, outputs, deadline, partial(settle, answered))
    try:
        return (await answered).outputs
    finally:
        batcher.drop(job)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    model, asked, finished = Recorder(), list[tuple[int, float]](), list[str]()
    batcher = Batcher(
        model,
        max_batch_rows=100,
        max_waiting_rows=1000,
        inline_seconds=0.003,
        asked=lambda *call: asked.append(call),
        answered=lambda _: finished.append("all"),
    )
    yield Place(model, batcher, asked, finished)
    batcher.close()


@pytest.fixture(params=["loop", "thread"])
async def either(place: Place, request: pytest.FixtureRequest) -> Place:
    """A model that is asked on the event loop, and one that is asked in the thread."""
    place.batcher.inline_seconds = 1.0 if request.param == "loop" else -1.0
    await answer(place.batcher, rows(0.0), ("predict",), LATER)  # the first call is always in the thread
    place.model.calls.clear()
    place.model.threads.clear()
    place.asked.clear()
    return place


async def test_requests_of_one_moment_are_one_call_and_each_gets_its_own_rows(either: Place) -> None:
    batches = [rows(*range(10 * n, 10 * n + n % 4 + 1)) for n in range(9)]
    answers = await asyncio.gather(*(answer(either.batcher, b, ("predict", "table"), LATER) for b in batches))
    assert len(either.model.calls) == 1
    for batch, each in zip(batches, answers, strict=True):
        assert each["predict"].tolist() == (2 * batch.columns["x"]).tolist()
        assert each["table"].tolist() == [[v, v] for v in batch.columns["x"].tolist()]


async def test_one_row_in_a_batch_is_no_batch(place: Place) -> None:
    batcher = Batcher(
        place.model,
        max_batch_rows=1,
        max_waiting_rows=1000,
        inline_seconds=1,
        asked=lambda *_: None,
        answered=lambda _: None,
    )
    batches = [rows(1), rows(2, 3), rows(4), rows(5, dtype="int64"), rows(6)]
    answers = await asyncio.gather(*(answer(batcher, batch, ("predict",), LATER) for batch in batches))
    assert [call[0] for call in place.model.calls] == [[1], [2, 3], [4], [5], [6]]
    assert [each["predict"].tolist() for each in answers] == [[2], [4, 6], [8], [10], [12]]
    batcher.close()


async def test_an_idle_server_asks_at_once(either: Place) -> None:
    for n in range(5):
        await answer(either.batcher, rows(n), ("predict",), LATER)
    assert [call[0] for call in either.model.calls] == [[n] for n in range(5)]
    # No timer is involved: the answer takes turns of the loop, not a wait for more requests.
    started = time.perf_counter()
    for n in range(100):
        await answer(either.batcher, rows(n), ("predict",), LATER)
    assert time.perf_counter() - started < 1


async def test_other_outputs_and_other_types_are_not_joined(either: Place) -> None:
    requests = [
        (rows(1.0), ("predict",)),
        (rows(2.0), ("table",)),
        (rows(3, dtype="int64"), ("predict",)),
        (rows(4.0), ("predict",)),
        (rows(5, dtype="int64"), ("predict",)),
        (rows(6.0), ("predict", "table")),
    ]
    answers = await asyncio.gather(*(answer(either.batcher, *request, LATER) for request in requests))
    assert [set(a) for a in answers] == [set(outputs) for _, outputs in requests]
    assert sorted(call[0] for call in either.model.calls) == [[1.0, 4.0], [2.0], [3, 5], [6.0]]
    assert {call[2] for call in either.model.calls if call[0] == [3, 5]} == {"int64"}
    assert answers[3]["predict"].tolist() == [8.0]


async def test_rows_are_counted_and_not_requests(either: Place) -> None:
    sizes = [60, 60, 30, 10, 150, 1]
    batches = [rows(*range(100 * n, 100 * n + size)) for n, size in enumerate(sizes)]
    answers = await asyncio.gather(*(answer(either.batcher, b, ("predict",), LATER) for b in batches))
    assert [len(a["predict"]) for a in answers] == sizes
    # At most 100 in a call, unless one request alone has more.
    assert [len(call[0]) for call in either.model.calls] == [100, 61, 150]
    assert [count for count, _ in either.asked] == [100, 61, 150]
    for batch, each in zip(batches, answers, strict=True):
        assert each["predict"].tolist() == (2 * batch.columns["x"]).tolist()


async def test_one_failing_request_does_not_fail_its_neighbours(either: Place) -> None:
    def no_sevens(values: list[Any]) -> None:
        if 7 in values:
            raise ZeroDivisionError("seven")

    either.model.during = no_sevens
    answers = await asyncio.gather(
        *(answer(either.batcher, rows(n), ("predict",), LATER) for n in (5, 6, 7, 8)), return_exceptions=True
    )
    assert isinstance(answers[2], ZeroDivisionError)
    assert [a["predict"].tolist() for a in answers if isinstance(a, dict)] == [[10], [12], [16]]


async def test_a_request_whose_client_went_away_is_not_asked(place: Place) -> None:
    entered, go_on = threading.Event(), threading.Event()
    place.model.during = lambda _: entered.set() or go_on.wait(10) or None
    first = asyncio.create_task(answer(place.batcher, rows(1), ("predict",), LATER))
    await asyncio.to_thread(entered.wait, 10)
    gone = asyncio.create_task(answer(place.batcher, rows(2), ("predict",), LATER))
    stays = asyncio.create_task(answer(place.batcher, rows(3), ("predict",), LATER))
    await asyncio.sleep(0)
    gone.cancel()
    go_on.set()
    assert (await first)["predict"].tolist() == [2]
    assert (await stays)["predict"].tolist() == [6]
    assert [call[0] for call in place.model.calls] == [[1], [3]]
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_client_that_goes_away_while_the_model_runs_costs_nobody(place: Place) -> None:
    entered, go_on = threading.Event(), threading.Event()
    place.model.during = lambda _: entered.set() or go_on.wait(10) or None
    first = asyncio.create_task(answer(place.batcher, rows(1), ("predict",), LATER))
    await asyncio.to_thread(entered.wait, 10)
    first.cancel()
    go_on.set()
    assert (await answer(place.batcher, rows(2), ("predict",), LATER))["predict"].tolist() == [4]


async def test_it_is_said_when_all_of_a_call_were_called_back(place: Place) -> None:
    for name in ("first", "second"):
        place.batcher.ask(rows(1), ("predict",), LATER, lambda _, name=name: place.finished.append(name))
    await answer(place.batcher, rows(2), ("predict",), LATER)
    await answer(place.batcher, rows(3), ("predict",), LATER)
    assert place.finished == ["first", "second", "all", "all"]


async def test_what_arrives_while_the_model_runs_is_the_next_call(place: Place) -> None:
    entered, go_on = threading.Event(), threading.Event()
    place.model.during = lambda _: entered.set() or go_on.wait(10) or None
    first = asyncio.create_task(answer(place.batcher, rows(1), ("predict",), LATER))
    await asyncio.to_thread(entered.wait, 10)
    others = [asyncio.create_task(answer(place.batcher, rows(n), ("predict",), LATER)) for n in range(2, 8)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *others)
    assert [call[0] for call in place.model.calls] == [[1], [2, 3, 4, 5, 6, 7]]


async def test_a_slow_model_runs_in_the_thread_and_the_loop_goes_on(place: Place) -> None:
    go_on = threading.Event()
    place.model.during = lambda _: (go_on.wait(10) and time.sleep(0.05)) or None  # slow, however quick the turns are
    request = asyncio.create_task(answer(place.batcher, rows(1), ("predict",), LATER))
    turns = 0
    async with asyncio.timeout(5):
        while turns < 1000:  # all of them while the model runs
            await asyncio.sleep(0)
            turns += 1
    assert not request.done()
    go_on.set()
    await request
    place.model.during = lambda _: time.sleep(0.02)
    for n in range(3):
        await answer(place.batcher, rows(n), ("predict",), LATER)
    assert place.model.threads == {"model_0"}


async def test_a_quick_model_is_asked_on_the_loop_but_never_for_many_rows(place: Place) -> None:
    # However slow the machine is, a row takes less than a second, and 500 take more.
    place.batcher.inline_seconds = 1.0
    place.model.during = lambda _: time.sleep(0.01)
    for n in range(5):
        await answer(place.batcher, rows(n), ("predict",), LATER)
    assert threading.current_thread().name in place.model.threads
    place.model.threads.clear()
    await answer(place.batcher, rows(*range(500)), ("predict",), LATER)
    assert place.model.threads == {"model_0"}


async def test_the_model_is_never_asked_twice_at_once(place: Place) -> None:
    running, most = 0, 0

    def count(values: list[Any]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.0005 if values[0] % 2 else 0)
        running -= 1
        place.batcher.inline_seconds = next(limits)

    limits = cycle((10.0, 0.0))  # the next call on the loop, the one after it in the thread
    place.model.during = count

    async def client(n: int) -> None:
        for k in range(30):
            value = 1000 * n + k
            answered = await answer(place.batcher, rows(value, dtype="int64"), ("predict",), LATER)
            assert answered["predict"].tolist() == [2 * value]
            if k % 3 == n % 3:
                await asyncio.sleep(0)

    await asyncio.gather(*(client(n) for n in range(16)))
    assert most == 1
    assert len(place.model.threads) == 2


async def test_a_stale_turn_of_the_loop_does_not_ask_a_model_that_is_running(place: Place) -> None:
    await answer(place.batcher, rows(0))
    running, most = 0, 0
    entered, go_on, loop = threading.Event(), threading.Event(), asyncio.get_running_loop()

    def count(values: list[Any]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if len(values) == 1000:
            place.batcher.inline_seconds = -1  # the next call is in the thread
        elif threading.current_thread().name.startswith("model"):
            entered.set()
            go_on.wait(10)
        running -= 1

    def quick_again() -> None:
        entered.wait(0.2)
        place.batcher.inline_seconds = 10
        loop.call_later(0.05, go_on.set)

    def ask(outputs: tuple[str, ...], *values: float) -> asyncio.Future[Prediction]:
        answered: asyncio.Future[Prediction] = loop.create_future()
        place.batcher.ask(rows(*values), outputs, LATER, partial(settle, answered))
        return answered

    place.model.during, place.batcher.inline_seconds = count, 10
    asked = [ask(("predict",), *range(1000))]  # a turn is planned
    loop.call_soon(quick_again)
    asked += [ask(("predict",), 1, 2)]  # finds no room, so the 1000 are asked at once; another turn is planned
    asked += [ask(("table",), 3)]
    await asyncio.gather(*asked)
    assert most == 1


async def test_a_request_that_is_dropped_leaves_the_queue_at_once(place: Place) -> None:
    entered, go_on = threading.Event(), threading.Event()
    place.model.during = lambda _: entered.set() or go_on.wait(10) or None
    first = asyncio.create_task(answer(place.batcher, rows(1)))
    await asyncio.to_thread(entered.wait, 10)
    batch = rows(*range(100))
    known = weakref.ref(batch.columns["x"])
    job = place.batcher.ask(batch, ("predict",), LATER, lambda _: None)
    del batch
    stays = place.batcher.ask(rows(2), ("predict",), LATER, lambda _: None)
    place.batcher.drop(job)
    del job
    assert known() is None  # while the model is busy
    assert not stays.done
    go_on.set()
    await first


async def test_what_finds_no_room_is_refused_at_once_and_places_become_free(place: Place) -> None:
    entered, go_on = threading.Event(), threading.Event()
    place.model.during = lambda _: entered.set() or go_on.wait(10) or None

    def ask(*values: float) -> asyncio.Task[Answers]:
        return asyncio.create_task(answer(place.batcher, rows(*values), ("predict",), LATER))

    first = ask(1)
    await asyncio.to_thread(entered.wait, 10)
    large = ask(*range(1100))  # nothing else waits: it may
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="1100, and 1000 may"):
        await ask(2)
    large.cancel()
    await asyncio.sleep(0)
    waiting = [ask(*range(500)), ask(*range(500))]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await ask(3)
    go_on.set()
    await asyncio.gather(first, *waiting)
    assert (await ask(4))["predict"].tolist() == [8]


async def test_a_quick_model_is_asked_when_the_room_is_full_and_nobody_is_refused(either: Place) -> None:
    quick = either.batcher.inline_seconds > 0
    batches = [rows(*range(n, n + 400)) for n in range(3)]
    asked = (answer(either.batcher, batch, ("predict",), LATER) for batch in batches)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(each, Overloaded) for each in answers] == [False, False, not quick]
    for batch, each in zip(batches, answers, strict=True):
        if not isinstance(each, BaseException):
            assert each["predict"].tolist() == (batch.columns["x"] * 2).tolist()


async def test_whose_time_is_over_from_the_start_is_not_asked_either(place: Place) -> None:
    with pytest.raises(DeadlineExceeded):
        await answer(place.batcher, rows(1), ("predict",), time.monotonic())
    assert not place.model.calls


async def test_whose_time_is_over_gets_an_error_and_is_not_asked(place: Place) -> None:
    entered, go_on = threading.Event(), threading.Event()
    place.model.during = lambda _: entered.set() or go_on.wait(10) or None

    def ask(value: float, deadline: float) -> asyncio.Task[Answers]:
        return asyncio.create_task(answer(place.batcher, rows(value), ("predict",), deadline))

    asked = ask(1, time.monotonic() + 0.3)
    await asyncio.to_thread(entered.wait, 10)
    later, sooner = ask(2, LATER), ask(3, time.monotonic() + 0.1)
    for late in (sooner, asked):
        with pytest.raises(DeadlineExceeded, match="TENFOLD_DEADLINE_SECONDS"):
            await late
    assert not later.done()
    go_on.set()
    assert (await later)["predict"].tolist() == [4]
    assert [call[0] for call in place.model.calls] == [[1], [2]]
