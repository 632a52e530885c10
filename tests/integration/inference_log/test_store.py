"""What is written comes back as it was, once, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tenfold.serving.inference_log.errors import InvalidLabel, UnstorableRecord
from tenfold.serving.inference_log.records import Count, LabelRecord
from tenfold.serving.inference_log.rows import StoredPrediction, served
from tenfold.serving.inference_log.store import InferenceLog

TIME = datetime(2013, 1, 31, 6, 0, 0, 123456, UTC)
LATER = TIME + timedelta(days=1)
ROW: dict[str, Any] = {"distance": 1400.0, "stops": 1, "carrier": "Ünï\0code \U0001f6e9", "gone": None, "won": True}


def prediction(id_: str, time: datetime = TIME, model: str = "flights", row: Any = ROW) -> StoredPrediction:
    return served(model, "3", [id_], time, [row], [{"predict": 0, "predict_proba": [0.75, 0.25]}])[0]


def test_a_prediction_comes_back_as_it_was(log: InferenceLog) -> None:
    log.write([prediction("a")])
    (found,) = log.recent("flights")
    assert (found.id, found.time, found.model, found.version, found.source) == ("a", TIME, "flights", "3", "served")
    assert found.row == ROW
    assert [type(v) for v in found.row.values()] == [float, int, str, type(None), bool]
    assert found.result == {"predict": 0, "predict_proba": [0.75, 0.25]}
    assert found.label is None


def test_numpy_pandas_and_missing_values_become_plain_ones(log: InferenceLog) -> None:
    row = {"n": np.int64(3), "x": np.float64("nan"), "at": pd.Timestamp(TIME), "none": pd.NaT, "na": pd.NA}
    log.write([prediction("a", row=row)])
    assert log.recent("flights")[0].row == {"n": 3, "x": None, "at": TIME.isoformat(), "none": None, "na": None}


def test_times_are_instants_whatever_their_zone(log: InferenceLog) -> None:
    log.write([prediction("a", TIME.astimezone(timezone(timedelta(hours=-5))))])
    (found,) = log.recent("flights")
    assert found.time == TIME
    assert found.time.utcoffset() == timedelta(0)


@pytest.mark.parametrize("count", [1, 11, 13, 139, 141, 1_000])
def test_batches_of_any_size_are_written_whole(log: InferenceLog, count: int) -> None:
    log.write([prediction(f"id-{i}", row={"i": i}) for i in range(count)])
    assert sorted(p.row["i"] for p in log.recent("flights", count + 1)) == list(range(count))


def test_a_write_may_be_repeated(log: InferenceLog) -> None:
    log.write([prediction("a"), prediction("a")])
    log.write([prediction("b"), prediction("a", row={"other": 1})])
    assert log.count() == Count(predictions=2, labels=0)
    assert {p.id: p.row for p in log.recent("flights")} == {"a": ROW, "b": ROW}


@pytest.mark.parametrize(
    ("time", "row"),
    [(TIME.replace(tzinfo=None), ROW), (TIME, {"x": object()}), (TIME, {"x": "\ud800"})],
)
def test_what_has_no_stored_form_is_named(time: datetime, row: Any) -> None:
    with pytest.raises(UnstorableRecord, match="Prediction 'bad' cannot be stored in the inference log: "):
        prediction("bad", time, row=row)


def test_one_that_cannot_be_stored_stores_none(log: InferenceLog) -> None:
    with pytest.raises(UnstorableRecord, match="cannot be stored in the inference log: "):
        log.write([prediction("good"), prediction("bad\ud800")])
    assert log.count().predictions == 0


def test_every_label_has_its_status_and_the_newest_wins(log: InferenceLog) -> None:
    log.write([prediction("a"), prediction("b")])
    sent = [("a", 1), ("a", 1.0), ("a", True), ("b", "late"), ("c", 0), ("x\0y", 0), ("\ud800", 0)]
    assert log.write_labels("flights", [LabelRecord(id_, label, LATER) for id_, label in sent]) == [
        *("accepted", "repeated", "replaced", "accepted", "unknown", "unknown", "unknown"),
    ]
    again = [LabelRecord("a", True, LATER), LabelRecord("b", "early", LATER), LabelRecord("b", "late", LATER)]
    assert log.write_labels("flights", again) == ["repeated", "replaced", "replaced"]
    assert {p.id: p.label for p in log.recent("flights")} == {"a": True, "b": "late"}
    assert log.count() == Count(predictions=2, labels=2)
    assert log.write_labels("flights", []) == []


def test_a_label_reaches_predictions_of_its_own_model_only(log: InferenceLog) -> None:
    log.write([prediction("a"), prediction("b", model="other")])
    sent = [LabelRecord(id_, 1, LATER) for id_ in ("a", "b")]
    assert log.write_labels("flights", sent) == ["accepted", "unknown"]
    assert log.write_labels("other", sent) == ["unknown", "accepted"]
    assert log.write_labels("Flights", sent) == ["unknown", "unknown"]
    assert log.known("other", ["a", "b", "c", "x\0y", "\ud800", "z" * 10**6]) == {"b"}
    assert log.known("other", []) == set()


@pytest.mark.parametrize("time", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_both_ends_of_the_calendar_come_back_whatever_the_zone_of_the_server(
    log_url: str, log: InferenceLog, time: datetime, zone: str
) -> None:
    if log_url.startswith("postgresql"):
        with log._transaction() as connection:  # pyright: ignore[reportPrivateUsage]
            connection.exec_driver_sql(f"ALTER DATABASE {log_url.rpartition('/')[2]} SET timezone = '{zone}'")
        log.close()
    log.write([prediction("a", time)])
    assert log.write_labels("flights", [LabelRecord("a", 1, time)]) == ["accepted"]
    (found,) = log.recent("flights")
    assert found.time == time


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+10:00"])
def test_a_time_beyond_them_is_named_and_stores_none(log: InferenceLog, text: str) -> None:
    beyond = datetime.fromisoformat(text)
    with pytest.raises(UnstorableRecord, match="is not within the years 1 to 9999 in UTC"):
        prediction("a", beyond)
    with pytest.raises(UnstorableRecord, match="is not within the years 1 to 9999 in UTC"):
        log.import_rows("flights", [{"x": 1}], [0], [beyond])
    log.write([prediction("a")])
    with pytest.raises(UnstorableRecord, match="is not within the years 1 to 9999 in UTC"):
        log.write_labels("flights", [LabelRecord("a", 1, beyond)])
    assert log.count() == Count(1, 0)


def test_labels_of_any_kind_come_back(log: InferenceLog) -> None:
    labels = ["", "a\0b", '"quoted\\', "\U0001f6e9", "x" * 10_000, -0.0, 1e308, 2**64 - 1, -(2**63), True, 0.1]
    log.write([prediction(f"id-{i:02}") for i in range(len(labels))])
    sent = [LabelRecord(f"id-{i:02}", label, LATER) for i, label in enumerate(labels)]
    for status in ("accepted", "repeated"):
        assert set(log.write_labels("flights", sent)) == {status}
    found = [row.label for row in log.labelled_rows("flights", TIME, LATER)]
    assert (found, list(map(type, found))) == (labels, list(map(type, labels)))


def test_many_labels_at_once(log: InferenceLog) -> None:
    log.write([prediction(f"id-{i}") for i in range(1_500)])
    assert set(log.write_labels("flights", [LabelRecord(f"id-{i}", i, LATER) for i in range(1_500)])) == {"accepted"}
    assert {p.label for p in log.recent("flights", 2_000)} == set(range(1_500))


def test_a_label_without_a_zone_stores_none(log: InferenceLog) -> None:
    log.write([prediction("a"), prediction("b")])
    with pytest.raises(UnstorableRecord, match="no time zone"):
        log.write_labels("flights", [LabelRecord("a", 1, LATER), LabelRecord("b", 1, LATER.replace(tzinfo=None))])
    assert log.count().labels == 0


def test_importing_again_changes_nothing_and_corrects_labels(log: InferenceLog) -> None:
    rows = [{"x": 1.0}, {"x": 2.0}, {"x": 1.0}]  # two flights that look alike are two
    ids = log.import_rows("flights", rows, [0, 1, 1], [TIME] * 3)
    assert len(set(ids)) == 3
    assert log.import_rows("flights", rows, [0, 1, 1], [TIME] * 3) == ids
    assert log.count() == Count(predictions=3, labels=3)
    assert log.import_rows("flights", rows, [0, 0, 1], [TIME] * 3) == ids
    found = {row.id: row.label for row in log.labelled_rows("flights", TIME, LATER)}
    assert found == dict(zip(ids, [0, 0, 1], strict=True))
    (first,) = [p for p in log.recent("flights") if p.id == ids[0]]
    assert (first.source, first.version, first.result, first.label) == ("imported", "", None, 0)


def test_an_import_of_many_rows(log: InferenceLog) -> None:
    count = 6_000
    times = [TIME + timedelta(seconds=i) for i in range(count)]
    log.import_rows("flights", [{"i": i} for i in range(count)], [i % 2 for i in range(count)], times)
    found = log.labelled_rows("flights", TIME, TIME + timedelta(days=1))
    assert [row.row["i"] for row in found] == list(range(count))


def test_a_bad_label_imports_nothing(log: InferenceLog) -> None:
    with pytest.raises(InvalidLabel, match="nan is not a label: it is not a finite number"):
        log.import_rows("flights", [{"x": 1}, {"x": 2}], [0, float("nan")], [TIME] * 2)
    assert log.count() == Count(0, 0)


def test_a_window_has_the_labelled_rows_from_start_to_before_end(log: InferenceLog) -> None:
    hours = [TIME + timedelta(hours=h) for h in range(4)]
    log.write([prediction(f"id-{i}", at) for i, at in enumerate(hours)])
    log.write([prediction("other", hours[1], model="other"), prediction("unlabelled", hours[1])])
    log.write_labels("flights", [LabelRecord(id_, 1, LATER) for id_ in ("id-0", "id-1", "id-2", "id-3", "other")])
    found = log.labelled_rows("flights", hours[1], hours[3])
    assert [(row.id, row.time, row.row, row.label) for row in found] == [
        ("id-1", hours[1], ROW, 1),
        ("id-2", hours[2], ROW, 1),
    ]
    with pytest.raises(ValueError, match="has no time zone"):
        log.labelled_rows("flights", TIME.replace(tzinfo=None), LATER)


def test_recent_and_count_are_of_one_model(log: InferenceLog) -> None:
    log.write([prediction(f"id-{i}", TIME + timedelta(seconds=i)) for i in range(5)])
    log.write([prediction("other", model="other")])
    assert [p.id for p in log.recent("flights", limit=3)] == ["id-4", "id-3", "id-2"]
    assert log.count("flights").predictions == 5
    assert log.count().predictions == 6
    assert log.recent("nobody") == []
