"""The writer on real databases: nothing is lost, also when the database goes away for a while."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence

import pytest
from support.places import wait_until
from support.postgres import Postgres
from tenfold.serving.inference_log.rows import StoredPrediction
from tenfold.serving.inference_log.store import InferenceLog
from tenfold.serving.inference_log.writer import LogCounts, LogWriter

Records = Callable[[int], list[StoredPrediction]]


def made(entries: Sequence[list[StoredPrediction]]) -> list[StoredPrediction]:
    return [row for entry in entries for row in entry]


def nbytes(entry: list[StoredPrediction]) -> int:
    return sum(map(sys.getsizeof, entry))


def test_twenty_thousand_rows_are_all_written(log: InferenceLog, records: Records) -> None:
    writer = LogWriter(log, made, nbytes)
    writer.start()
    for _ in range(20_000):
        assert writer.put([records(1)])
    writer.close(60)
    assert writer.counts() == LogCounts(accepted=20_000, written=20_000, dropped=0)
    assert log.count().predictions == 20_000


def test_flush_makes_visible_what_was_put_before(log: InferenceLog, records: Records) -> None:
    writer = LogWriter(log, made, nbytes, linger_seconds=60)
    writer.start()
    writer.put([records(3)])
    assert writer.flush(20)
    assert log.count().predictions == 3
    assert writer.flush(0)
    writer.close(10)


def test_one_that_cannot_be_stored_costs_only_itself(
    log: InferenceLog, records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    good = records(100)
    bad = ("bad\ud800", *good[41][1:])
    writer = LogWriter(log, made, nbytes)
    writer.put([[*good[:41], bad, *good[42:]]])
    writer.start()
    writer.close(20)
    assert writer.counts() == LogCounts(accepted=100, written=99, dropped=1)
    assert log.count().predictions == 99
    (said,) = caplog.messages
    assert "surrogates not allowed" in said


def test_a_database_that_goes_away_costs_nothing(
    postgres: Postgres, records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log = InferenceLog(postgres.new_database())
    writer = LogWriter(log, made, nbytes, linger_seconds=0.01)
    writer.start()
    writer.put([records(10)])
    assert writer.flush(20)
    postgres.stop()
    try:
        for _ in range(50):
            writer.put([records(10)])
        assert not writer.flush(1.5)  # several tries
        assert writer.counts() == LogCounts(accepted=510, written=10, dropped=0)
    finally:
        postgres.start()
    wait_until(lambda: writer.counts().written == 510, what="what waited to be written")
    writer.close(10)
    assert log.count().predictions == 510
    away, back = caplog.messages
    assert "cannot be reached" in away
    assert "secret-word" not in away
    assert "answers again" in back
    log.close()


def test_what_cannot_be_written_until_the_end_is_counted_as_dropped(
    postgres: Postgres, records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    writer = LogWriter(InferenceLog("postgresql://tenfold:secret-word@127.0.0.1:1/nowhere"), made, nbytes)
    writer.start()
    writer.put([records(7)])
    writer.close(0.5)
    assert writer.counts() == LogCounts(accepted=7, written=0, dropped=7)
    assert "7 rows could not be written" in caplog.messages[-1]
    assert not writer.put([records(1)])
    assert writer.counts() == LogCounts(accepted=8, written=0, dropped=8)
