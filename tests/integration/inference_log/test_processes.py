"""Several processes on one log: made at once, labelled at once, killed in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime

from support.places import wait_until
from tenfold.serving.inference_log.records import Count, LabelRecord
from tenfold.serving.inference_log.rows import served
from tenfold.serving.inference_log.store import InferenceLog

TIME = datetime(2013, 1, 31, tzinfo=UTC)

PREAMBLE = """
import sys
from datetime import UTC, datetime
from tenfold.serving.ids import NewIds
from tenfold.serving.inference_log.records import LabelRecord
from tenfold.serving.inference_log.rows import served
from tenfold.serving.inference_log.store import InferenceLog
TIME = datetime(2013, 1, 31, tzinfo=UTC)
log = InferenceLog(sys.argv[1])
def some(count):
    return served("m", "1", NewIds(count).listed(0, count), TIME, [{"x": 1.5}] * count, [{"predict": 0}] * count)
print("ready", flush=True)
sys.stdin.readline()
"""
WRITE_ONE = PREAMBLE + "log.write(some(1))"
WRITE_FOR_EVER = PREAMBLE + "while True: log.write(some(500)); print('.', flush=True)"
LABELS = "[LabelRecord(f'id-{i}', int(sys.argv[2]), TIME) for i in range(1000)]"
LABEL_ALL = PREAMBLE + f"print(*log.write_labels('flights', {LABELS}))"


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def go(processes: list[subprocess.Popen[str]]) -> None:
    """Let all of them begin at the same moment."""
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()


def test_ten_processes_make_the_tables_at_once(log_url: str, log: InferenceLog) -> None:
    processes = [start(WRITE_ONE, log_url) for _ in range(10)]
    go(processes)
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0] * 10
    assert log.count().predictions == 10


def test_two_processes_that_label_the_same_predictions_agree(log_url: str, log: InferenceLog) -> None:
    log.write(served("flights", "1", [f"id-{i}" for i in range(1000)], TIME, [{}] * 1000, [{}] * 1000))
    processes = [start(LABEL_ALL, log_url, label) for label in ("1", "2")]
    go(processes)
    statuses = [Counter(process.communicate(timeout=60)[0].split()) for process in processes]
    assert all(process.returncode == 0 for process in processes)
    # Whoever came first has its labels accepted, the other replaces all of them.
    assert sorted(statuses, key=str) == [Counter({"accepted": 1000}), Counter({"replaced": 1000})]
    assert log.count() == Count(predictions=1000, labels=1000)


def test_a_killed_writer_leaves_whole_batches_and_a_log_that_works(log_url: str, log: InferenceLog) -> None:
    process = start(WRITE_FOR_EVER, log_url)
    go([process])
    assert process.stdout
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.communicate()
    wait_until(lambda: log.count().predictions >= 1_500, what="what was committed")
    assert log.count().predictions % 500 == 0
    log.write(served("flights", "1", ["after"], TIME, [{}], [{}]))
    assert log.write_labels("flights", [LabelRecord("after", 1, TIME)]) == ["accepted"]
    assert len(log.recent("m", 10_000)) == log.count("m").predictions


def test_threads_share_a_log(log: InferenceLog) -> None:
    def write(number: int) -> None:
        for i in range(10):
            log.write(served("m", "1", [f"{number}-{i}"], TIME, [{}], [{}]))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.count().predictions == 80
