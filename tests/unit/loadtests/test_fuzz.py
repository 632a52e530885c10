"""The fuzzer itself: the same bytes for the same number, and an eye for every way in which a server can fail."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from tenfold.loadtests.fuzz.cases import Cases, generator
from tenfold.loadtests.fuzz.costs import Cost, Costs, processor_seconds
from tenfold.loadtests.fuzz.exchange import Connection, Outcome
from tenfold.loadtests.fuzz.memory import Memory, pss
from tenfold.loadtests.fuzz.monsters import MONSTERS
from tenfold.loadtests.fuzz.requests import Answer, Case, good, refused
from tenfold.loadtests.fuzz.result import Result
from tenfold.loadtests.fuzz.target import Target, differs
from tenfold.loadtests.rows import Column
from tenfold.loadtests.service import ServedModel, Tensor

MODEL = ServedModel(
    "m",
    (Column("name", "string"), Column("x", "number", required=False)),
    (Tensor("name", "BYTES", (-1,)), Tensor("x", "FP64", (-1,))),
)
TARGET = Target("http://127.0.0.1:1", MODEL, "7", ({"name": "a", "x": 1.5}, {"name": "\u00fc", "x": None}), (0, 1))
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def test_a_number_of_a_seed_is_always_the_same_case() -> None:
    cases, again, other = Cases(TARGET, 3), Cases(TARGET, 3), Cases(TARGET, 4)
    kinds: Counter[str] = Counter()
    for number in range(600):
        case = cases.make(number)
        assert (case.kind, case.pieces, case.ending) == (
            (same := again.make(number)).kind,
            same.pieces,
            same.ending,
        )
        kinds[case.kind] += 1
    assert any(cases.make(n).pieces != other.make(n).pieces for n in range(3))
    families = {kind.partition(":")[0].partition(",")[0] for kind in kinds}
    assert families == {"valid", "body", "monster", "gzip", "head", "framing", "raw", "large", "client"}


def test_a_monster_is_about_as_large_as_it_was_told_to_be() -> None:
    for name, monster in MONSTERS.items():
        for size in (100, 10_000):
            assert len(monster(generator(1, size), size)) < 1.5 * size + 2200, name


def test_a_request_that_costs_more_than_its_size_allows_breaks_a_bar() -> None:
    costs = Costs(
        [1], {"dear": Cost(1, 3.0, 10**6, 0.0, (3.0, 10**6, 7)), "cheap": Cost(1, 1.0, 10**6, 0.0, (1.0, 10**6, 8))}
    )
    assert costs.broken == [
        "request 7 (dear) of 1000000 bytes took 3.00 s of a processor; 0.5 s and 1 s for each MB are allowed"
    ]
    assert "dear: 3.000 ms" in "\n".join(costs.lines())


def test_the_processor_time_of_a_process_is_that_of_all_its_threads() -> None:
    before = processor_seconds(os.getpid())
    thread = threading.Thread(target=sum, args=(range(10**6),))
    thread.start()
    thread.join()
    assert processor_seconds(os.getpid()) >= before


@asynccontextmanager
async def answering(*chunks: bytes, end: bool = False) -> AsyncGenerator[Connection]:
    """A connection to a server that writes these to every request, and then ends the connection or not."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            for chunk in chunks:
                writer.write(chunk)
            if end:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        connection = Connection("127.0.0.1", server.sockets[0].getsockname()[1], patience=0.5)
        try:
            yield connection
        finally:
            await connection.close()


def case(*, check: Callable[[Answer], str] = refused, answers: int = 1) -> Case:
    return Case(5, "predict", "head", (b"GET / HTTP/1.1\r\n\r\n",), (check,) * answers)


SENTENCE = b'{"error": "Too many rows wait. Ask again later"}'


def said(status: int, body: bytes = b"{}") -> bytes:
    return b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)


@pytest.mark.parametrize(
    ("chunks", "end", "bar", "words"),
    [
        ((OK,), False, "", ""),
        ((b"HTTP/1.1 100 Continue\r\n\r\n", OK), False, "", ""),
        ((b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",), False, "", ""),
        ((said(400),), True, "", ""),
        ((said(503, SENTENCE),), False, "", ""),
        ((said(503),), False, "failure", "answered 503 without a sentence"),
        ((said(500, SENTENCE),), False, "failure", "answered 500"),
        ((said(400, b"Traceback (most recent call last)"),), False, "wrong", "a traceback"),
        ((), True, "unanswered", "ended before the answer was whole"),
        ((said(200, b"{}")[:-1],), True, "unanswered", "ended before the answer was whole"),
        ((), False, "unanswered", "no answer for 0.5 s"),
        ((b"what?\r\n\r\n",), False, "unanswered", "not an HTTP response"),
    ],
)
async def test_what_a_server_does_to_a_broken_request(
    chunks: tuple[bytes, ...], end: bool, bar: str, words: str
) -> None:
    async with answering(*chunks, end=end) as connection:
        outcome = await connection.carry_out(case())
    assert (outcome.bar, words in outcome.wrong) == (bar, True), outcome


async def test_what_a_server_does_to_a_valid_request() -> None:
    async with answering(said(503, SENTENCE)) as connection:
        valid = Case(5, "predict", "valid", (b"GET / HTTP/1.1\r\n\r\n",), (good,))
        assert (await connection.carry_out(valid)).bar == "shed"
    async with answering(said(422, SENTENCE)) as connection:
        assert (await connection.carry_out(case(check=good))).wrong == "a valid request was answered 422"
    async with answering(OK, OK) as connection:
        assert await connection.carry_out(case(check=good, answers=2)) == Outcome(("200", "200"))
    async with answering(OK) as connection:
        assert (await connection.carry_out(case(check=good, answers=2))).bar == "unanswered"


def test_predictions_are_compared_by_value() -> None:
    assert differs([1, 2.0000000001, "a"], [1, 2, "a"]) == ""
    assert differs([1], [1, 2]) == "predicted [1], expected [1, 2]"
    assert differs(["a"], ["b"]) == "predicted ['a'], expected ['b']"
    assert differs(None, [1]) == "predicted None, expected [1]"


def test_the_memory_after_the_warm_up_is_compared_with_that_at_the_end(tmp_path: Path) -> None:
    rising = Memory([1], 10, [(float(at), 100.0 if at < 10 else 200.0 + at) for at in range(101)])
    assert rising.ends == pytest.approx((210.0, 300.0))
    result = Result(rising, tmp_path / "failures")
    assert result.broken == ["memory grew by 42.9%, more than 5%"]
    assert Memory([1], 200, rising.samples).growth is None
    toggling = Memory([1], 0, [(float(at), 208.0 if at % 7 < 3 else 224.0) for at in range(700)])
    assert abs(toggling.growth or 0) < 0.01
    assert 1 < pss(os.getpid()) < 10_000


def test_some_valid_requests_may_be_put_off_and_not_many(tmp_path: Path) -> None:
    result = Result(Memory([], 0), tmp_path / "failures")
    valid = Case(5, "predict", "valid", (b"",), (good,))
    for _ in range(99):
        result.note(valid, Outcome(("200",)))
    result.note(valid, Outcome(("503",), "a valid request was answered 503", "shed"))
    assert result.broken == []
    result.note(valid, Outcome(("503",), "a valid request was answered 503", "shed"))
    assert result.broken == ["2 of 101 valid requests were put off (408, 503, 504)"]


def test_what_failed_is_kept_with_its_bytes(tmp_path: Path) -> None:
    result = Result(Memory([], 0), tmp_path / "failures")
    result.note(case(), Outcome(("200",)))
    assert not result.broken
    result.note(case(), Outcome(("500",), "answered 500", "failure", b"oh"))
    assert result.broken == ["1 5xx beside the deliberate ones (501, 503, 504, 505)"]
    (kept,) = (orjson.loads(line) for line in result.failures.read_bytes().splitlines())
    assert (kept["number"], kept["shown"], kept["answer"]) == (5, "GET / HTTP/1.1\r\n\r\n", "oh")
    assert result.document()["codes"] == {"predict": {"200": 1, "500": 1}}
