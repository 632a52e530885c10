"""`POST /feedback`: each label is answered for itself, and none is lost silently."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tenfold.serving.ids import new_ids
from tenfold.serving.inference_log.rows import served
from tenfold.serving.inference_log.store import InferenceLog
from unit.serving.stage import Folders, InProcess, flowers, in_process

X, _ = flowers()
OLD_ID = "0190a8f2-7c3e-7d4a-9b1c-2f6e8d0a4b5c"


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
