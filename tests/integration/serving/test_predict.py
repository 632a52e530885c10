"""`POST /predict`, the root, the request's id, the event's time, and the metrics."""

from __future__ import annotations

import math
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tenfold.serving.ids import made_at
from tenfold.serving.inference_log.store import InferenceLog
from unit.serving.stage import (
    FLOWER,
    Folders,
    InProcess,
    departure_model,
    flower_model,
    flowers,
    in_process,
    trip_model,
)
from unit.serving.stage import departures as all_departures
from unit.serving.stage import trips as all_trips

X, _ = flowers()
ROWS: list[dict[str, Any]] = X.iloc[::40].to_dict("records")


async def test_rows_in_predictions_and_ids_out(iris: InProcess) -> None:
    answer = await iris.post("/predict", {"rows": ROWS})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    content = answer.json()
    assert content.keys() == {"predictions", "ids", "model"}
    assert content["predictions"] == flower_model().predict(X.iloc[::40]).tolist()
    assert content["model"] == {"name": "iris", "version": "7"}
    assert len(set(content["ids"])) == len(ROWS)
    assert sorted(content["ids"]) == content["ids"]
    made = made_at(content["ids"][0])
    assert made is not None
    assert abs((datetime.now(UTC) - made).total_seconds()) < 60


async def test_outputs_that_are_asked_for(iris: InProcess) -> None:
    asked = {"rows": ROWS, "outputs": ["predict_proba", "predict"]}
    content = (await iris.post("/predict", asked)).json()
    assert content["outputs"].keys() == {"predict_proba", "predict"}
    assert content["outputs"]["predict"] == content["predictions"]
    expected = flower_model().predict_proba(X.iloc[::40])
    for got, wanted in zip(content["outputs"]["predict_proba"], expected.tolist(), strict=True):
        assert got == pytest.approx(wanted)


async def test_texts_and_gaps(trips: InProcess) -> None:
    table, _ = all_trips()
    rows = table.astype("object").where(table.notna(), None).to_dict("records")
    content = (await trips.post("/predict", {"rows": rows})).json()
    assert content["predictions"] == trip_model().predict(table).tolist()
    without = [{k: v for k, v in row.items() if v is not None} for row in rows]
    assert (await trips.post("/predict", {"rows": without})).json()["predictions"] == content["predictions"]


async def test_days_booleans_and_whole_numbers(folders: Folders) -> None:
    table = all_departures()[0].head(10)
    rows = [
        {k: v for k, v in row.items() if v is not None and v == v} | {"day": row["day"].isoformat()}
        for row in table.to_dict("records")
    ]
    async with in_process(folders.departures) as server:
        content = (await server.post("/predict", {"rows": rows})).json()
        assert content["predictions"] == pytest.approx(departure_model().predict(table).tolist())
        east = [{**rows[0], "day": "2012-12-31T19:00:00-05:00"}, {**rows[0], "day": "2013-01-01T00:00:00Z"}]
        assert (await server.post("/predict", {"rows": east})).json()["predictions"] == content["predictions"][:1] * 2
        refused = await server.post("/predict", {"rows": [{**rows[0], "day": "first of May"}]})
        assert "Column 'day' expects a date and time (ISO 8601)" in refused.json()["error"]


async def test_rows_by_position(matrix: InProcess) -> None:
    rows = X.to_numpy()[::40].tolist()
    by_position = (await matrix.post("/predict", {"rows": rows})).json()
    by_name = (await matrix.post("/predict", {"rows": [{f"x{n}": v for n, v in enumerate(r)} for r in rows]})).json()
    assert by_position["predictions"] == by_name["predictions"] == [0, 0, 1, 2]


async def test_the_root_says_where_everything_is(iris: InProcess, loading: InProcess) -> None:
    content = (await iris.http.get("/")).json()
    assert content["model"] == {"name": "iris", "version": "7", "classes": [0, 1, 2]}
    for path in content["paths"].values():
        assert (await iris.http.get(path)).status_code in (200, 405)
    assert (await loading.http.get("/")).json()["model"] is None


async def test_a_request_keeps_its_id_or_is_given_one(iris: InProcess) -> None:
    kept = await iris.post("/predict", {"rows": ROWS}, headers={"X-Request-Id": "mine-7"})
    assert kept.headers["x-request-id"] == "mine-7"
    given = [(await iris.http.get(path)).headers["x-request-id"] for path in ("/", "/nowhere", "/metrics")]
    assert len(set(given)) == 3
    for bad in ("a b", "x" * 129, "\xe4"):
        answer = await iris.http.get("/", headers={"X-Request-Id": bad.encode("latin-1")})
        assert answer.headers["x-request-id"] != bad
        assert len(answer.headers["x-request-id"]) == 32


async def test_what_is_answered_is_in_the_log(iris: InProcess, tmp_path: Path) -> None:
    content = (await iris.post("/predict", {"rows": ROWS, "outputs": ["predict_proba"]})).json()
    assert iris.core.writer is not None
    assert iris.core.writer.flush(10)
    with closing(InferenceLog(f"sqlite:///{tmp_path / 'log.db'}")) as log:
        kept = {p.id: p for p in log.recent("iris", 10)}
    assert kept.keys() == set(content["ids"])
    for number, identity in enumerate(content["ids"]):
        assert kept[identity].row == ROWS[number]
        assert kept[identity].version == "7"
        assert kept[identity].result == {
            "predict": content["predictions"][number],
            "predict_proba": content["outputs"]["predict_proba"][number],
        }


async def test_the_metrics_count_requests_rows_and_log(iris: InProcess) -> None:
    for _ in range(3):
        await iris.post("/predict", {"rows": ROWS})
    await iris.post("/predict", {"rows": []})
    await iris.http.get("/v2/health/ready")
    await iris.http.get("/metrics")
    assert iris.core.writer is not None
    assert iris.core.writer.flush(10)
    rows = 3 * len(ROWS)
    assert await iris.metric("tenfold_requests_total", protocol="predict", code="200", version="7") == 3
    assert await iris.metric("tenfold_requests_total", protocol="predict", code="400") == 1
    assert await iris.metric("tenfold_requests_total", protocol="probe") == 0
    assert await iris.metric("tenfold_rows_total", version="7") == rows
    assert await iris.metric("tenfold_request_seconds_count", protocol="predict") == 4
    accepted, written, dropped = [
        await iris.metric(f"tenfold_log_rows_{kind}_total") for kind in ("accepted", "written", "dropped")
    ]
    assert (accepted, written, dropped) == (rows, rows, 0)


async def test_the_time_of_the_event_is_only_taken_where_the_operator_allows_it(
    iris: InProcess, folders: Folders, tmp_path: Path
) -> None:
    header = {"Tenfold-Event-Time": "2013-06-21T08:00:00-04:00"}
    refused = await iris.post("/predict", {"rows": ROWS}, headers=header)
    assert refused.status_code == 400
    assert "TENFOLD_ACCEPT_EVENT_TIME=true" in refused.json()["error"]
    url = f"sqlite:///{tmp_path / 'replay.db'}"
    async with in_process(folders.iris, log_url=url, accept_event_time=True) as server:
        (identity,) = (await server.post("/predict", {"rows": ROWS[:1]}, headers=header)).json()["ids"]
        assert (await server.post("/feedback", {"id": identity, "label": 0}, headers=header)).status_code == 200
        for wrong in ("yesterday", "2013-06-21T08:00:00", "7", ""):
            answer = await server.post("/predict", {"rows": ROWS}, headers={"Tenfold-Event-Time": wrong})
            assert answer.status_code == 400
            assert f"The event time is '{wrong}', which " in answer.json()["error"]
            assert "Send ISO 8601 with a zone" in answer.json()["error"]
    with closing(InferenceLog(url)) as log:
        (kept,) = log.recent("iris", 10)
    assert kept.time == datetime(2013, 6, 21, 12, tzinfo=UTC)


async def test_large_numbers_survive(folders: Folders) -> None:
    async with in_process(folders.line) as server:
        (answer,) = (await server.post("/predict", {"rows": [{"x": 1e15}]})).json()["predictions"]
        assert math.isclose(answer, 2e15 + 1, rel_tol=1e-9)


async def test_column_order_does_not_matter(iris: InProcess) -> None:
    turned = [dict(reversed(row.items())) for row in ROWS]
    assert list(turned[0]) == FLOWER[::-1]
    straight = (await iris.post("/predict", {"rows": ROWS, "outputs": ["decision_function"]})).json()["outputs"]
    assert (await iris.post("/predict", {"rows": turned, "outputs": ["decision_function"]})).json()[
        "outputs"
    ] == straight
