"""`POST /feedback`: each label is answered for itself, and none is lost silently."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from support.cutting import Cutting
from support.new_ids import new_ids
from support.postgres import Postgres, running_postgres
from tenfold.serving.errors import LabelsTooLate
from tenfold.serving.feedback import Feedback
from tenfold.serving.inference_log.rows import served
from tenfold.serving.inference_log.store import InferenceLog
from unit.serving.stage import Folders, InProcess, flowers, in_process

X, _ = flowers()
OLD_ID = "0190a8f2-7c3e-7d4a-9b1c-2f6e8d0a4b5c"


@pytest.fixture(scope="module")
def postgres() -> Generator[Postgres]:
    with running_postgres() as server:
        yield server


async def ids(server: InProcess, rows: int = 1) -> list[str]:
    return (await server.post("/predict", {"rows": X.head(rows).to_dict("records")})).json()["ids"]


def statuses(answer: Any) -> Sequence[str]:
    return [result["status"] for result in answer.json()["results"]]


async def test_accepted_repeated_replaced(iris: InProcess) -> None:
    (identity,) = await ids(iris)
    for label, status in ((1, "accepted"), (1, "repeated"), (2, "replaced"), (2.0, "repeated")):
        answer = await iris.post("/feedback", {"id": identity, "label": label})
        assert answer.status_code == 200
        assert answer.json() == {"results": [{"id": identity, "status": status}]}
    for status in ("accepted", "replaced"):
        assert await iris.metric("tenfold_feedback_total", status=status) == 1
    assert await iris.metric("tenfold_feedback_total", status="repeated") == 2


async def test_a_class_that_the_model_does_not_know_is_kept(iris: InProcess, tmp_path: Path) -> None:
    (identity,) = await ids(iris)
    assert (await iris.post("/feedback", {"id": identity, "label": 9})).status_code == 200
    with closing(InferenceLog(f"sqlite:///{tmp_path / 'log.db'}")) as log:
        now = datetime.now(UTC)
        (row,) = log.labelled_rows("iris", now - timedelta(hours=1), now + timedelta(hours=1))
    assert (row.id, row.label) == (identity, 9)


async def test_an_unknown_id_alone_is_not_found(iris: InProcess) -> None:
    answer = await iris.post("/feedback", {"id": OLD_ID, "label": 1})
    assert answer.status_code == 404
    sentence = f"No prediction of iris has the id '{OLD_ID}'. Send an id that one was answered with"
    assert answer.json() == {
        "results": [{"id": OLD_ID, "status": "unknown", "message": sentence}],
        "error": sentence,
    }


async def test_a_label_of_the_wrong_type_alone_is_refused(iris: InProcess) -> None:
    (identity,) = await ids(iris)
    for label in ("1", 1.5, True, None, [1], {"a": 1}):
        answer = await iris.post("/feedback", {"id": identity, "label": label})
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("The label is ")
        assert statuses(answer) == ["invalid"]
    answer = await iris.post("/feedback", {"id": identity, "label": 10**25})
    assert (answer.status_code, statuses(answer)) == (400, ["invalid"])
    assert "Integer exceeds 64-bit range. Send a text, a finite number, true or false" in answer.json()["error"]
    # Nothing of that was kept.
    assert statuses(await iris.post("/feedback", {"id": identity, "label": 1})) == ["accepted"]


async def test_a_list_is_answered_item_by_item_with_200(iris: InProcess) -> None:
    first, second = await ids(iris, 2)
    items = [
        {"id": first, "label": 1},
        {"id": OLD_ID, "label": 1},
        {"id": second, "label": "x"},
        {"id": first, "label": 1},
        {"id": first, "label": 2},
    ]
    answer = await iris.post("/feedback", items)
    assert answer.status_code == 200
    assert statuses(answer) == ["accepted", "unknown", "invalid", "repeated", "replaced"]
    assert [r["id"] for r in answer.json()["results"]] == [i["id"] for i in items]
    assert "error" not in answer.json()
    assert statuses(await iris.post("/feedback", [{"id": OLD_ID, "label": 1}])) == ["unknown"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "The list is empty"),
        ({}, 'Item 0 (items count from 0) has no "id"'),
        (7, "Item 0 (items count from 0) is not an object"),
        ({"id": "a"}, 'has no "label"'),
        ({"id": 7, "label": 1}, "has an id that is a number, not a string"),
        ({"id": "a", "label": 1, "weight": 2}, "has an unknown key 'weight'"),
        (
            [{"id": OLD_ID, "label": 1}, []],
            "Item 1 (items count from 0) is not an object. No label of this request was",
        ),
    ],
)
async def test_what_cannot_be_understood_records_nothing(iris: InProcess, body: Any, words: str) -> None:
    answer = await iris.post("/feedback", body)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert words in answer.json()["error"]


async def test_more_labels_than_allowed(iris: InProcess) -> None:
    answer = await iris.post("/feedback", [{"id": OLD_ID, "label": 1}] * 51)
    assert answer.status_code == 413
    assert "51 rows, more than the 50 allowed" in answer.json()["error"]


async def test_an_id_of_any_text_is_only_unknown(iris: InProcess) -> None:
    for identity in ("", "x" * 5000, "'; drop table labels; --", "ä☃", "\x00"):
        answer = await iris.post("/feedback", {"id": identity, "label": 1})
        assert answer.status_code == 404, answer.text
        assert len(answer.json()["error"]) < 300


async def test_another_service_cannot_label_a_prediction(folders: Folders, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with in_process(folders.iris, log_url=url) as iris, in_process(folders.trips, log_url=url) as trips:
        (identity,) = await ids(iris)
        answer = await trips.post("/feedback", {"id": identity, "label": "late"})
        assert (answer.status_code, statuses(answer)) == (404, ["unknown"])
        assert answer.json()["error"].startswith(f"No prediction of trips has the id '{identity}'. ")
        assert statuses(await iris.post("/feedback", {"id": identity, "label": 1})) == ["accepted"]


NOT_IDS = [
    "ffffffff-ffff-7fff-bfff-ffffffffffff",  # as a time it lies after the year 9999
    "ffffffff-ffff-7fff-8fff-ffffffffffff",
    "0" * 36,
    *("{young}", "urn:uuid:young", "YOUNG", "young\n", " young", "y-o-u-n-g"),
    *("", "\0", "a\0b", "ä☃", "x" * 10**6, "7" * 4_000),
]


async def test_ids_that_are_none_cost_the_other_labels_nothing(folders: Folders, tmp_path: Path) -> None:
    async with in_process(folders.iris, log_url=f"sqlite:///{tmp_path / 'log.db'}") as server:
        (identity,) = await ids(server)
        (young,) = new_ids(1)
        forms = {"YOUNG": young.upper(), "y-o-u-n-g": "".join(young.split("-"))}
        wrong = [forms.get(text) or text.replace("young", young) for text in NOT_IDS]
        assert server.core.writer is not None
        assert server.core.writer.flush(20)
        started = asyncio.get_running_loop().time()
        answer = await server.post("/feedback", [{"id": i, "label": 1} for i in [identity, *wrong]])
        assert asyncio.get_running_loop().time() - started < 3  # none of them is waited for
        assert statuses(answer) == ["accepted", *["unknown"] * len(wrong)]
        assert max(len(value) for result in answer.json()["results"] for value in result.values()) < 400


async def test_labels_that_are_none_are_named_one_by_one(folders: Folders, tmp_path: Path) -> None:
    async with in_process(folders.line, log_url=f"sqlite:///{tmp_path / 'log.db'}") as server:
        (identity,) = (await server.post("/predict", {"rows": [{"x": 1.0}]})).json()["ids"]
        wrong = [
            "[" * 1_000 + "]" * 1_000,
            '{"a":' * 1_000 + "1" + "}" * 1_000,
            f'"{"x" * 10**6}"',
            "true",
            "null",
            '"1"',
        ]
        labels = [*wrong, "-0.0", "1e308", "1" + "0" * 300]
        body = ", ".join(f'{{"id": "{identity}", "label": {label}}}' for label in labels)
        answer = await server.http.post("/feedback", content=f"[{body}]")
        assert statuses(answer) == [*["invalid"] * len(wrong), "accepted", "replaced", "replaced"]
        for result in answer.json()["results"][: len(wrong)]:
            assert result["message"].startswith("The label is ")
            assert len(result["message"]) < 400
    async with in_process(folders.trips, log_url=f"sqlite:///{tmp_path / 'log.db'}") as server:
        row = {"carrier": "UA", "distance": 1, "delay": 1.0}
        (identity,) = (await server.post("/predict", {"rows": [row]})).json()["ids"]
        answer = await server.post("/feedback", [{"id": identity, "label": "x" * n} for n in (10_001, 10_000)])
        assert statuses(answer) == ["invalid", "accepted"]
        message = answer.json()["results"][0]["message"]
        assert "is not a label: it has 10001 characters, and a label may have 10000" in message


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+10:00", "x" * 5000, "2013-01-01"])
@pytest.mark.parametrize(
    ("path", "body"), [("/feedback", {"id": OLD_ID, "label": 1}), ("/predict", {"rows": X.head(1).to_dict("records")})]
)
async def test_an_event_time_that_is_none(folders: Folders, tmp_path: Path, path: str, body: Any, text: str) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with in_process(folders.iris, log_url=url, accept_event_time=True) as server:
        answer = await server.post(path, body, headers={"Tenfold-Event-Time": text})
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("The event time is '")
        assert len(answer.json()["error"]) < 400


async def test_young_ids_wait_without_a_thread_and_are_looked_for_together(iris: InProcess, tmp_path: Path) -> None:
    await ids(iris)
    before = threading.active_count()
    begun = 0

    def count(_: Any) -> None:
        nonlocal begun
        begun += 1

    event.listen(Engine, "begin", count)
    try:
        young = [new_ids(10) for _ in range(40)]
        waiting = [asyncio.create_task(iris.post("/feedback", [{"id": i, "label": 1} for i in some])) for some in young]
        await asyncio.sleep(1)
        assert threading.active_count() <= before + 1
        assert not any(request.done() for request in waiting)
        assert (await iris.http.get("/metrics")).status_code == 200
        # Each looks once for itself, and then all of them together ten times a second.
        assert begun <= 40 + 15
        with closing(InferenceLog(f"sqlite:///{tmp_path / 'log.db'}")) as log:
            every = [identity for some in young for identity in some]
            log.write(served("iris", "7", every, datetime.now(UTC), [{}] * 400, [{}] * 400))
        for request in waiting:
            assert statuses(await request) == ["accepted"] * 10
        assert begun <= 40 + 15 + 45  # and writes once
    finally:
        event.remove(Engine, "begin", count)


async def test_more_labels_than_may_wait_are_refused(folders: Folders, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with in_process(folders.iris, log_url=url, max_waiting_labels=2) as server:
        young = [{"id": i, "label": 1} for i in new_ids(3)]
        first = asyncio.create_task(server.post("/feedback", young))  # alone it may be longer
        await asyncio.sleep(0.3)
        answer = await server.post("/feedback", {"id": OLD_ID, "label": 1})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["error"].startswith(
            "No label was kept: 3 labels wait for the inference log already, and 2"
        )
        assert await server.metric("tenfold_shed_total", reason="queue") == 1
        assert statuses(await first) == ["unknown"] * 3
        assert (await server.post("/feedback", {"id": OLD_ID, "label": 1})).status_code == 404


async def test_labels_of_ids_that_nobody_made_leave_room_for_others(folders: Folders, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with in_process(folders.iris, log_url=url, max_waiting_labels=4) as server:
        made_up = asyncio.create_task(server.post("/feedback", [{"id": i, "label": 1} for i in new_ids(2)]))
        await asyncio.sleep(0.5)
        answer = await server.post("/feedback", {"id": new_ids(1)[0], "label": 1})
        assert answer.status_code == 503
        assert answer.json()["error"].startswith(
            "No label was kept: 2 labels of predictions that are not in it wait for the inference log already, and 2"
        )
        assert (await server.post("/feedback", {"id": OLD_ID, "label": 1})).status_code == 404
        assert not made_up.done()
        assert statuses(await made_up) == ["unknown"] * 2


async def test_the_deadline_ends_a_wait(folders: Folders, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with in_process(folders.iris, log_url=url, deadline_seconds=0.5) as server:
        answer = await server.post("/feedback", {"id": new_ids(1)[0], "label": 1})
        assert answer.status_code == 504
        assert answer.json()["error"].startswith("No label was kept: the inference log did not answer in time")


async def test_a_lock_keeps_labels_waiting_and_nothing_else(folders: Folders, postgres: Postgres) -> None:
    url = postgres.new_database()
    async with in_process(folders.iris, log_url=url, deadline_seconds=2) as server:
        first, second = await ids(server, 2)
        assert server.core.writer is not None
        assert await asyncio.to_thread(server.core.writer.flush, 20)
        with closing(InferenceLog(url)) as log, log._transaction() as connection:  # pyright: ignore[reportPrivateUsage]
            connection.exec_driver_sql("SELECT * FROM predictions FOR UPDATE")
            locked = asyncio.create_task(server.post("/feedback", [{"id": first, "label": 1}]))
            await asyncio.sleep(0.5)
            queued = asyncio.create_task(server.post("/feedback", [{"id": second, "label": 1}]))
            assert (await server.http.get("/metrics")).status_code == 200
            assert len(await ids(server)) == 1
            answers = [await locked, await queued]
        assert [answer.status_code for answer in answers] == [504, 504]
        # The one is with the database, the other one is not, and is left alone.
        assert answers[0].json()["error"].startswith("It is not known whether the labels were kept: ")
        assert answers[1].json()["error"].startswith("No label was kept: ")
        again = [{"id": first, "label": 1}, {"id": second, "label": 1}]
        assert statuses(await server.post("/feedback", again)) == ["repeated", "accepted"]


async def test_a_commit_without_an_answer_is_told_as_it_is(folders: Folders, postgres: Postgres) -> None:
    url = postgres.new_database()
    with Cutting(postgres.port) as way:
        async with in_process(folders.iris, log_url=url.replace(str(postgres.port), str(way.port))) as server:
            with closing(InferenceLog(url)) as log:  # old ids, which nobody looks for first
                log.write(served("iris", "7", ["a", "b"], datetime.now(UTC), [{}, {}], [{}, {}]))
            items = [{"id": "a", "label": 1}, {"id": "b", "label": 1}]
            assert statuses(await server.post("/feedback", items[:1])) == ["accepted"]
            way.armed = True
            answer = await server.post("/feedback", items)
            way.armed = False
            assert answer.status_code == 503
            assert answer.json()["error"].startswith("It is not known whether the labels were kept: The inference log")
            assert statuses(await server.post("/feedback", items)) == ["repeated"] * 2


async def test_lists_that_come_at_once_are_each_answered_for_themselves(iris: InProcess) -> None:
    known = await ids(iris, 40)
    bodies = [[{"id": i, "label": n % 3} for i in known[n : n + 3]] + [{"id": OLD_ID, "label": 1}] for n in range(36)]
    answers = await asyncio.gather(*(iris.post("/feedback", body) for body in bodies))
    for body, answer in zip(bodies, answers, strict=True):
        assert [result["id"] for result in answer.json()["results"]] == [item["id"] for item in body]
        assert statuses(answer)[3] == "unknown"
    told = [status for answer in answers for status in statuses(answer)]
    assert told.count("accepted") == len({item["id"] for body in bodies for item in body}) - 1


async def test_a_label_waits_for_a_prediction_that_another_replica_has_yet_to_write(
    iris: InProcess, tmp_path: Path
) -> None:
    (identity,) = new_ids(1)
    request = asyncio.create_task(iris.post("/feedback", {"id": identity, "label": 1}))
    await asyncio.sleep(0.3)
    assert not request.done()
    with closing(InferenceLog(f"sqlite:///{tmp_path / 'log.db'}")) as log:
        log.write(served("iris", "7", [identity], datetime.now(UTC), [{}], [{}]))
    assert statuses(await request) == ["accepted"]


async def test_the_later_label_of_an_id_stays_however_long_the_earlier_list_waits(iris: InProcess) -> None:
    first, other = await ids(iris, 2)
    (young,) = new_ids(1)
    earlier = [{"id": first, "label": 0}, {"id": young, "label": 0}]
    waiting = asyncio.create_task(iris.post("/feedback", earlier))
    await asyncio.sleep(0.5)
    later = asyncio.create_task(iris.post("/feedback", [{"id": first, "label": 1}]))
    # Whoever shares no id with them does not wait.
    assert statuses(await iris.post("/feedback", [{"id": other, "label": 1}])) == ["accepted"]
    assert not waiting.done()
    assert statuses(await waiting) == ["accepted", "unknown"]
    assert statuses(await later) == ["replaced"]
    assert statuses(await iris.post("/feedback", [{"id": first, "label": 1}])) == ["repeated"]


async def test_a_list_that_is_given_up_lets_nobody_past_the_one_before_it(iris: InProcess) -> None:
    assert iris.core.feedback is not None
    take, soon = iris.core.feedback.take, time.monotonic() + 0.5
    (identity,) = await ids(iris)
    now = datetime.now(UTC)
    earlier = asyncio.create_task(take([(identity, 0), (new_ids(1)[0], 0)], now, time.monotonic() + 20))
    await asyncio.sleep(0.2)
    given_up = asyncio.create_task(take([(identity, 1)], now, soon))
    await asyncio.sleep(0)
    later = asyncio.create_task(take([(identity, 2)], now, time.monotonic() + 20))
    with pytest.raises(LabelsTooLate, match="No label was kept"):
        await given_up
    assert not earlier.done()
    assert [result.status for result in await earlier] == ["accepted", "unknown"]
    assert [result.status for result in await later] == ["replaced"]
    assert [result.status for result in await take([(identity, 2)], now, time.monotonic() + 20)] == ["repeated"]
    assert not iris.core.feedback._last  # pyright: ignore[reportPrivateUsage]


async def test_a_young_id_that_nobody_writes_is_unknown_in_the_end(
    iris: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenfold.serving.feedback._LOOK_AGAIN_SECONDS", 0.3)
    assert statuses(await iris.post("/feedback", [{"id": new_ids(1)[0], "label": 1}])) == ["unknown"]


async def test_without_a_log_there_is_nowhere_to_keep_a_label(trips: InProcess) -> None:
    answer = await trips.post("/feedback", {"id": OLD_ID, "label": "late"})
    assert answer.status_code == 501
    assert "Start it with TENFOLD_LOG_URL set" in answer.json()["error"]


async def test_a_log_that_is_away_keeps_nothing_and_says_so(folders: Folders, tmp_path: Path) -> None:
    async with in_process(folders.iris, log_url=f"sqlite:///{tmp_path / 'nowhere' / 'log.db'}") as server:
        assert (await server.post("/predict", {"rows": X.head(2).to_dict("records")})).status_code == 200
        answer = await server.post("/feedback", {"id": OLD_ID, "label": 1})
        assert answer.status_code == 503
        assert answer.json()["error"].startswith("No label was kept: ")
        assert answer.headers["retry-after"] == "1"
        assert server.core.writer is not None
        server.core.writer.close(0)
        counts = server.core.writer.counts()
        assert (counts.accepted, counts.written + counts.dropped) == (2, 2)


async def test_labels_of_a_model_that_is_not_there_yet(folders: Folders, tmp_path: Path) -> None:
    async with in_process(folders.iris, load=False, log_url=f"sqlite:///{tmp_path / 'log.db'}") as server:
        answer = await server.post("/feedback", {"id": OLD_ID, "label": 1})
        assert answer.status_code == 503
        assert "the model is being loaded" in answer.json()["error"]


async def test_the_deadline_counts_from_the_head_however_slowly_the_body_comes(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines: list[float] = []

    async def take(_self: Feedback, _items: object, _when: datetime, deadline: float) -> list[Any]:
        deadlines.append(deadline)
        return []

    monkeypatch.setattr(Feedback, "take", take)
    arrived = 0.0

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal arrived
        yield b'[{"id": "'
        await asyncio.sleep(0.2)
        arrived = time.monotonic()
        yield b'a", "label": 1}]'

    async with in_process(folders.iris, log_url=f"sqlite:///{tmp_path / 'log.db'}", deadline_seconds=5) as server:
        started = time.monotonic()
        await server.http.post("/feedback", content=slowly(), headers={"Content-Type": "application/json"})
    assert started + 5 <= deadlines[0] < arrived + 5
