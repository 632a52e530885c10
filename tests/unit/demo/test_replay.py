"""The simulated clock, against a service that only notes what it is asked. The integration test has a real one."""

from __future__ import annotations

import asyncio
import gc
import threading
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from support.places import GUARD
from tenfold.platform.demo.flights import Flight, midnight
from tenfold.platform.demo.replay import Day, Played, Replay
from tenfold.serving.client import AsyncClient

FIRST = date(2013, 6, 22)


@dataclass(frozen=True)
class Night:
    date: date
    outcome: str = "kept"


@dataclass
class Service:
    """Answers every prediction with 0.25 and notes the rest."""

    failing: set[int] = field(default_factory=set)
    asked: list[tuple[int, datetime]] = field(default_factory=list)
    labels: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    enough: threading.Event = field(default_factory=threading.Event)
    enough_at: int = 10**9

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        body: Any = orjson.loads(request.content)
        time = datetime.fromisoformat(request.headers["Tenfold-Event-Time"])
        if request.url.path.endswith("/feedback"):
            self.labels.update({item["id"]: (item["label"], time) for item in body})
            return httpx.Response(200, json={"results": [{"id": item["id"], "status": "accepted"} for item in body]})
        number = body["rows"][0]["number"]
        self.asked.append((number, time))
        if len(self.asked) >= self.enough_at:
            self.enough.set()
        if number in self.failing:
            return httpx.Response(500, json={"error": "broken"})
        answer = {"predictions": [0], "ids": [f"id-{number}"], "model": {"name": "m", "version": "3"}}
        return httpx.Response(200, json={**answer, "outputs": {"predict_proba": [[0.75, 0.25]]}})


def day_of(number: int, flights: int, *, minutes_in_air: int = 100) -> Day:
    day = FIRST + timedelta(days=number)
    scheduled = [midnight(day) + timedelta(hours=5, minutes=20 * i) for i in range(flights)]
    return Day(
        day,
        [
            Flight({"number": 1000 * number + i}, at, at + timedelta(minutes=minutes_in_air), i % 2)
            for i, at in enumerate(scheduled)
        ],
    )


async def play(service: Service, days: list[Day], retrain: Any = Night) -> tuple[list[Played[Night]], Replay[Night]]:
    transport = httpx.MockTransport(service)
    async with AsyncClient("http://service", name="m", retries=0, transport=transport) as client:
        replay = Replay[Night](client, retrain, half_life_seconds=0.5)
        return await replay.run(days), replay


async def test_every_flight_is_asked_once_at_its_scheduled_time() -> None:
    service, days = Service(), [day_of(0, 40), day_of(1, 30)]
    played, replay = await play(service, days)

    expected = {(f.row["number"], f.scheduled) for day in days for f in day.flights}
    assert len(service.asked) == 70
    assert set(service.asked) == expected
    assert [p.night.date for p in played] == [day.date for day in days]
    assert all(answer and answer.probability == 0.25 and answer.version == "3" for p in played for answer in p.answers)
    assert replay.tally.predictions == 70
    assert sum(p.requests for p in played) == replay.tally.requests
    assert replay.tally.failed == replay.tally.refused_labels == 0


async def test_a_label_follows_only_after_the_flight_has_landed() -> None:
    service, days = Service(), [day_of(0, 40), day_of(1, 40)]
    await play(service, days)

    flights = {f"id-{f.row['number']}": f for day in days for f in day.flights}
    assert all(time > flights[id_].landed for id_, (_, time) in service.labels.items())
    assert all(label == flights[id_].late for id_, (label, _) in service.labels.items())
    landed = {id_ for id_, f in flights.items() if f.landed and f.landed < midnight(FIRST + timedelta(days=2))}
    assert service.labels.keys() == landed


async def test_a_night_begins_when_all_labels_of_the_day_are_in_that_can_be() -> None:
    service, day = Service(), day_of(0, 50, minutes_in_air=300)
    known: list[set[str]] = []
    await play(service, [day], lambda d: known.append(set(service.labels)) or Night(d))

    landed = {
        f"id-{f.row['number']}" for f in day.flights if f.landed and f.landed < midnight(FIRST + timedelta(days=1))
    }
    assert 40 < len(landed) < 50
    assert known == [landed]


async def test_a_flight_that_never_arrived_gets_no_label() -> None:
    service, day = Service(), day_of(0, 2)
    lost = Flight({"number": 7}, day.flights[1].scheduled, None, None)
    await play(service, [Day(day.date, [*day.flights, lost])])
    assert len(service.asked) == 3
    assert service.labels.keys() == {"id-0", "id-1"}


async def test_requests_go_on_during_a_night() -> None:
    service = Service(enough_at=40 + 20)

    def retrain(day: date) -> Night:
        if day == FIRST:
            assert service.enough.wait(GUARD), "the next day's requests waited for the night"
        return Night(day)

    await play(service, [day_of(0, 40), day_of(1, 40)], retrain)
    assert len(service.asked) == 80


async def test_a_failed_request_is_counted_and_not_repeated() -> None:
    service = Service(failing={3, 5})
    played, replay = await play(service, [day_of(0, 10)])

    assert len(service.asked) == 10
    assert played[0].failed == replay.tally.failed == 2
    assert [i for i, answer in enumerate(played[0].answers) if answer is None] == [3, 5]
    assert service.labels.keys() == {f"id-{i}" for i in range(10) if i not in {3, 5}}
    assert "broken" in replay.tally.failures[0]


async def test_a_night_that_raises_ends_the_replay() -> None:
    def retrain(day: date) -> Night:
        raise RuntimeError(f"no night on {day}")

    with pytest.raises(RuntimeError, match="no night on 2013-06-22"):
        await play(Service(), [day_of(0, 3), day_of(1, 3)], retrain)


async def test_a_night_that_fails_as_the_replay_is_cancelled_is_not_told_of() -> None:
    """A Ctrl-C reaches the night's own process as well."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    began, interrupted = threading.Event(), threading.Event()

    def retrain(day: date) -> Night:
        began.set()
        interrupted.wait(GUARD)
        raise RuntimeError("interrupted")

    replay = asyncio.create_task(play(Service(), [day_of(0, 3), day_of(1, 3)], retrain))
    await asyncio.to_thread(began.wait, GUARD)
    replay.cancel()
    with pytest.raises(asyncio.CancelledError):
        await replay
    del replay
    interrupted.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    for _ in range(3):  # turns, until all have heard of the night's end
        await asyncio.sleep(0)
    gc.collect()
    assert told == []
