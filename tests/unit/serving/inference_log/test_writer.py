"""The queue and its thread, with a log that fails in ways that a real one cannot be made to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from support.places import wait_until
from tenfold.serving.inference_log.errors import LogUnreachable
from tenfold.serving.inference_log.rows import StoredPrediction
from tenfold.serving.inference_log.store import InferenceLog
from tenfold.serving.inference_log.writer import LogCounts, LogWriter

Make = Callable[[Sequence[Sequence[str]]], Sequence[StoredPrediction]]


class Log:
    """Notes what is written; waits while it is held; raises what it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.faults: list[Exception] = []
        self.poison: set[str] = set()
        self.free = threading.Event()
        self.free.set()

    def write(self, rows: Sequence[StoredPrediction]) -> None:
        self.free.wait(20)
        if self.faults:
            raise self.faults.pop(0)
        if bad := self.poison.intersection(row[0] for row in rows):
            raise RuntimeError(f"{bad} cannot be written")
        self.batches.append([row[0] for row in rows])

    def __repr__(self) -> str:
        return "Log(here)"


def made(entries: Sequence[Sequence[str]]) -> list[StoredPrediction]:
    return [(id_, "2013-01-31 00:00:00.000000", "m", "1", "{}", "{}", "served") for ids in entries for id_ in ids]


def nbytes(entry: Sequence[str]) -> int:
    return sum(map(len, entry))


def away() -> LogUnreachable:
    return LogUnreachable("here", "it is away", "Wait")


def writer_of(log: Log, make: Make = made, **options: Any) -> LogWriter[Sequence[str]]:
    return LogWriter(cast("InferenceLog", log), make, nbytes, **{"linger_seconds": 0.01, **options})


def test_constructing_starts_nothing_and_rows_wait_for_the_start() -> None:
    log = Log()
    before = threading.active_count()
    writer = writer_of(log)
    assert threading.active_count() == before
    assert writer.put([["a", "b"]])
    assert writer.counts() == LogCounts(accepted=2, written=0, dropped=0)
    writer.start()
    writer.close(10)
    assert log.batches == [["a", "b"]]
    assert threading.active_count() == before


def test_rows_of_many_requests_share_a_transaction_in_their_order() -> None:
    log = Log()
    writer = writer_of(log, batch_rows=4)
    for i in range(10):
        writer.put([[str(i)]])
    writer.start()
    assert writer.flush(10)
    assert log.batches == [list("0123"), list("4567"), list("89")]
    writer.close(10)


def test_a_full_queue_drops_whole_requests_and_counts_them() -> None:
    log = Log()
    log.free.clear()
    writer = writer_of(log, max_rows=10)
    writer.start()
    taken = [writer.put([["a", "b", "c"]]) for _ in range(5)]
    assert taken == [True, True, True, False, False]  # those being written wait too
    assert writer.counts() == LogCounts(accepted=15, written=0, dropped=6)
    assert writer.put([["small"]])
    log.free.set()
    assert writer.flush(10)
    assert writer.counts() == LogCounts(accepted=16, written=10, dropped=6)
    assert writer.put([list("abcdefghij")])
    writer.close(10)
    assert writer.counts() == LogCounts(accepted=26, written=20, dropped=6)


def made_large(entries: Sequence[Sequence[str]]) -> list[StoredPrediction]:
    """Rows of as many bytes as their ids say."""
    return [(*row[:4], "x" * int(row[0]), *row[5:]) for row in made(entries)]


def test_a_queue_that_is_full_in_bytes_drops_what_has_no_room(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    log.free.clear()
    writer = writer_of(log, made_large, max_bytes=100_000)
    writer.start()
    assert writer.put([["40000"]])
    assert not writer.put([["200000"]])  # larger than the queue
    assert not writer.put([["90000"], ["20000"], ["20000"]])  # costs the others of its call nothing
    assert not writer.put([["40000"]])
    assert writer.counts() == LogCounts(accepted=6, written=0, dropped=3)
    (said,) = caplog.messages  # once a minute
    assert said.startswith("Rows find no room in the queue for Log(here): 1 lost so far, the last ones with 200")
    assert "1 of at most 100000 rows and 40" in said
    assert "of at most 100000 bytes wait" in said
    log.free.set()
    assert writer.flush(10)
    assert writer.counts() == LogCounts(accepted=6, written=3, dropped=3)
    assert writer.put([["90000"]])  # what is written makes room
    assert writer.flush(10)
    writer.close(10)
    assert [id_ for batch in log.batches for id_ in batch] == ["40000", "20000", "20000", "90000"]
    assert writer.counts() == LogCounts(accepted=7, written=4, dropped=3)


def test_rows_that_are_made_later_count_by_what_they_are_made_of() -> None:
    log = Log()
    log.free.clear()
    writer = writer_of(log, max_bytes=5_000)
    writer.start()
    many = [["xx"] * 1_000]
    assert writer.put(many)
    assert writer.put(many)
    assert not writer.put(many)
    log.free.set()
    writer.close(10)
    assert writer.counts() == LogCounts(accepted=3_000, written=2_000, dropped=1_000)


def test_a_batch_has_few_bytes() -> None:
    log = Log()
    writer = writer_of(log, made_large)
    writer.put([["3000000"] * 7])
    writer.put([["1", "9000000", "2"]])
    writer.start()
    writer.close(10)
    assert log.batches == [["3000000"] * 2, ["3000000"] * 2, ["3000000"] * 2, ["3000000"], ["1"], ["9000000"], ["2"]]
    assert writer.counts() == LogCounts(accepted=10, written=10, dropped=0)


def test_many_wait_for_a_flush_and_those_that_gave_up_are_forgotten() -> None:
    log = Log()
    log.free.clear()
    writer = writer_of(log, linger_seconds=60)
    writer.start()
    assert writer.flushed().done()  # nothing waits
    writer.put([["a"]])
    first, gone = writer.flushed(), writer.flushed()
    assert gone.cancel()
    writer.put([["b"]])
    second = writer.flushed()
    assert not first.done()
    log.free.set()
    assert first.result(10) is None
    assert second.result(10) is None
    writer.put([["c"]])
    waits = writer.flushed()
    writer.close(10)  # it ends every wait
    assert waits.result(0) is None


def made_of_some(entries: Sequence[Sequence[str]]) -> list[StoredPrediction]:
    if any("bad" in ids for ids in entries):
        raise ValueError("it is bad")
    return [row for row in made(entries) if row[0] != "missing"]


def test_rows_that_cannot_be_made_cost_only_their_request(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    writer = writer_of(log, made_of_some)
    writer.put([["a"], ["bad", "c", "d"], ["b"], ["e", "missing"]])
    writer.put([["f"]])
    writer.start()
    writer.close(10)
    assert log.batches == [["a", "b", "f"]]
    assert writer.counts() == LogCounts(accepted=8, written=3, dropped=5)
    assert caplog.messages == [
        "3 rows of one request are not logged: ValueError: it is bad",
        "2 rows of one request are not logged: ValueError: 1 were made of them",
    ]


def test_a_few_rows_are_made_by_the_caller_and_many_by_the_thread() -> None:
    log = Log()
    makers: list[str] = []

    def make(entries: Sequence[Sequence[str]]) -> list[StoredPrediction]:
        makers.append(threading.current_thread().name)
        return made(entries)

    writer = writer_of(log, make)
    writer.start()
    writer.put([["a"], ["b"]])
    writer.put([[str(i) for i in range(1_000)], ["c"]])
    writer.close(10)
    assert makers == [threading.current_thread().name, "inference-log", "inference-log"]
    assert writer.counts() == LogCounts(accepted=1_003, written=1_003, dropped=0)


def test_an_error_that_nobody_expected_costs_only_what_causes_it() -> None:
    log = Log()
    log.poison = {"3", "6"}
    writer = writer_of(log)
    writer.put([list("01234567")])
    writer.start()
    assert writer.flush(10)
    assert sorted(id_ for batch in log.batches for id_ in batch) == list("012457")
    assert writer.counts() == LogCounts(accepted=8, written=6, dropped=2)
    writer.put([["after"]])
    writer.close(10)
    assert log.batches[-1] == ["after"]


def test_an_absence_is_told_once_and_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    log.faults = [away() for _ in range(4)]
    writer = writer_of(log)
    writer.start()
    writer.put([["a"]])
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
    writer.put([["a"]])
    assert not writer.flush(0.05)
    log.free.set()
    assert writer.flush(10)
    writer.put([["b"]])
    assert log.batches == [["a"]]
    writer.close(10)
    assert log.batches == [["a"], ["b"]]


def test_a_write_that_hangs_does_not_keep_close_and_counts_once(caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    log.free.clear()
    writer = writer_of(log)
    writer.start()
    writer.put([["a", "b"]])
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
    writer.put([["a"]])
    writer.close(10)  # does not wait out the seconds between two tries
    writer.close(10)
    assert writer.counts() == LogCounts(accepted=1, written=1, dropped=0)


def test_many_threads_put_at_once() -> None:
    log = Log()
    writer = writer_of(log)
    writer.start()

    def put() -> None:
        for _ in range(500):
            writer.put([["a", "b"]])

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close(20)
    assert writer.counts() == LogCounts(accepted=8_000, written=8_000, dropped=0)
    assert sum(map(len, log.batches)) == 8_000
