"""The queue and its thread, with a log that fails in ways that a real one cannot be made to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from support.places import wait_until
from tenfold.serving.inference_log.errors import LogUnreachable
from tenfold.serving.inference_log.records import PredictionRecord
from tenfold.serving.inference_log.store import InferenceLog
from tenfold.serving.inference_log.writer import LogCounts, LogWriter

TIME = datetime(2013, 1, 31, tzinfo=UTC)


class Log:
    """Notes what is written; waits while it is held; raises what it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.faults: list[Exception] = []
        self.poison: set[str] = set()
        self.free = threading.Event()
        self.free.set()

    def write(self, records: Sequence[PredictionRecord]) -> None:
        self.free.wait(20)
        if self.faults:
            raise self.faults.pop(0)
        if bad := self.poison.intersection(r.id for r in records):
            raise RuntimeError(f"{bad} cannot be written")
        self.batches.append([r.id for r in records])

    def __repr__(self) -> str:
        return "Log(here)"


Entry = Callable[[], list[PredictionRecord]]


def made(entries: Sequence[Entry]) -> list[PredictionRecord]:
    return [record for entry in entries for record in entry()]


def away() -> LogUnreachable:
    return LogUnreachable("here", "it is away", "Wait")


def writer_of(log: Log, **options: Any) -> LogWriter[Entry]:
    return LogWriter(cast("InferenceLog", log), made, **{"linger_seconds": 0.01, **options})


def rows(*ids: str) -> list[PredictionRecord]:
    return [PredictionRecord(id_, TIME, "m", "1", {}, {}) for id_ in ids]


def test_constructing_starts_nothing_and_rows_wait_for_the_start() -> None:
    log = Log()
    before = threading.active_count()
    writer = writer_of(log)
    assert threading.active_count() == before
    assert writer.put(2, lambda: rows("a", "b"))
    assert writer.counts() == LogCounts(accepted=2, written=0, dropped=0)
    writer.start()
    writer.close(10)
    assert log.batches == [["a", "b"]]
    assert threading.active_count() == before


def test_rows_of_many_requests_share_a_transaction_in_their_order() -> None:
    log = Log()
    writer = writer_of(log, batch_rows=4)
    for i in range(10):
        writer.put(1, lambda i=i: rows(str(i)))
    writer.start()
    assert writer.flush(10)
    assert log.batches == [list("0123"), list("4567"), list("89")]
    writer.close(10)


def test_a_full_queue_drops_whole_requests_and_counts_them() -> None:
    log = Log()
    log.free.clear()
    writer = writer_of(log, max_rows=10)
    writer.start()
    taken = [writer.put(3, lambda: rows("a", "b", "c")) for _ in range(5)]
    assert taken == [True, True, True, False, False]  # those being written wait too
    assert writer.counts() == LogCounts(accepted=15, written=0, dropped=6)
    assert writer.put(1, lambda: rows("small"))
    log.free.set()
    assert writer.flush(10)
    assert writer.counts() == LogCounts(accepted=16, written=10, dropped=6)
    assert writer.put(10, lambda: rows(*"abcdefghij"))
    writer.close(10)
    assert writer.counts() == LogCounts(accepted=26, written=20, dropped=6)


def test_records_that_cannot_be_made_cost_only_their_request(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    writer = writer_of(log)
    writer.put(1, lambda: rows("a"))
    writer.put(3, lambda: 1 / 0)  # pyright: ignore - what is tested
    writer.put(2, lambda: rows("too few"))
    writer.put(1, lambda: rows("b"))
    writer.start()
    writer.close(10)
    assert log.batches == [["a", "b"]]
    assert writer.counts() == LogCounts(accepted=7, written=2, dropped=5)
    assert "3 rows of one request are not logged" in caplog.messages[0]
    assert "2 rows of one request are not logged: 1 records were made" in caplog.messages[1]


def test_an_error_that_nobody_expected_costs_only_what_causes_it() -> None:
    log = Log()
    log.poison = {"3", "6"}
    writer = writer_of(log)
    writer.put(8, lambda: rows(*"01234567"))
    writer.start()
    assert writer.flush(10)
    assert sorted(id_ for batch in log.batches for id_ in batch) == list("012457")
    assert writer.counts() == LogCounts(accepted=8, written=6, dropped=2)
    writer.put(1, lambda: rows("after"))
    writer.close(10)
    assert log.batches[-1] == ["after"]


def test_an_absence_is_told_once_and_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    log.faults = [away() for _ in range(4)]
    writer = writer_of(log)
    writer.start()
    writer.put(1, lambda: rows("a"))
    assert writer.flush(20)
    assert writer.counts() == LogCounts(accepted=1, written=1, dropped=0)
    assert len(caplog.messages) == 2
    assert "it is away" in caplog.messages[0]
    assert caplog.messages[1] == "Log(here) answers again"
    writer.close(10)


def test_flush_waits_for_what_came_before_it_only() -> None:
    log = Log()
    writer = writer_of(log, linger_seconds=60)
    writer.start()
    assert writer.flush(0)
    log.free.clear()
    writer.put(1, lambda: rows("a"))
    assert not writer.flush(0.05)
    log.free.set()
    assert writer.flush(10)
    writer.put(1, lambda: rows("b"))
    assert log.batches == [["a"]]
    writer.close(10)
    assert log.batches == [["a"], ["b"]]


def test_a_write_that_hangs_does_not_keep_close_and_counts_once(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    log.free.clear()
    writer = writer_of(log)
    writer.start()
    writer.put(2, lambda: rows("a", "b"))
    writer.close(0.1)
    assert writer.counts() == LogCounts(accepted=2, written=0, dropped=2)
    assert "2 rows could not be written to Log(here) in time and are lost" in caplog.messages
    log.free.set()
    wait_until(lambda: not any(t.name == "inference-log" for t in threading.enumerate()), what="the thread's end")
    assert writer.counts() == LogCounts(accepted=2, written=0, dropped=2)


def test_close_may_be_repeated_and_ends_a_wait_for_the_database_soon() -> None:
    log = Log()
    log.faults = [away() for _ in range(8)]
    writer = writer_of(log)
    writer.start()
    writer.put(1, lambda: rows("a"))
    writer.close(10)  # does not wait out the seconds between two tries
    writer.close(10)
    assert writer.counts() == LogCounts(accepted=1, written=1, dropped=0)


def test_many_threads_put_at_once() -> None:
    log = Log()
    writer = writer_of(log)
    writer.start()

    def put() -> None:
        for _ in range(500):
            writer.put(2, lambda: rows("a", "b"))

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close(20)
    assert writer.counts() == LogCounts(accepted=8_000, written=8_000, dropped=0)
    assert sum(map(len, log.batches)) == 8_000
