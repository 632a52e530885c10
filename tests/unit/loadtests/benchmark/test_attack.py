"""The attack: what is sent, the client that must not notice, and the bars."""

import asyncio
from itertools import islice
from typing import cast

import pytest
from tenfold.loadtests.benchmark.attack import kinds
from tenfold.loadtests.benchmark.attack.client import ask
from tenfold.loadtests.benchmark.attack.kind import Kind
from tenfold.loadtests.benchmark.attack.report import Attacked, Run
from tenfold.loadtests.benchmark.attack.rpc_kinds import block, frame
from tenfold.loadtests.benchmark.errors import InvalidChoice

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def attacked(**changed: float | str) -> Attacked:
    numbers = {
        "start": 100,
        "peak": 160,
        "after": 100,
        "p99_ms": 6,
        "asked": 200,
        "failed": 0,
        "probe_ms": 1000,
        "fault": "",
    }
    return Attacked("idle", "nothing", 1, 100, **{**numbers, **changed})  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("kind", kinds.ALL, ids=lambda kind: kind.name)
def test_each_kind_sends_bytes_that_differ_in_name_only_by_its_own(kind: Kind) -> None:
    assert all(isinstance(chunk, bytes) for chunk in islice(kind.chunks(3), 5))
    assert kinds.named(kind.name) is kind
    assert sum(kind.name == each.name for each in kinds.ALL) == 1


def test_an_unknown_kind_is_named_with_those_that_there_are() -> None:
    with pytest.raises(InvalidChoice, match=r"There is no attack 'nice'\. Choose from: idle; slow head"):
        kinds.named("nice")


def test_frames_and_header_blocks_are_as_the_standard_has_them() -> None:
    assert frame(6, 1, 3, b"pingpong") == b"\x00\x00\x08\x06\x01\x00\x00\x00\x03pingpong"
    assert block((b"x", b"y")) == b"\x00\x01x\x01y"
    assert block((b"x", b"a" * 300)) == b"\x00\x01x\x7f\xad\x01" + b"a" * 300


@pytest.mark.parametrize(
    ("one", "broken"),
    [
        (attacked(), []),
        (attacked(peak=165), ["memory"]),
        (attacked(p99_ms=6.1), ["p99"]),
        (attacked(failed=1), ["failed"]),
        (attacked(probe_ms=1001), ["probe"]),
        (attacked(p99_ms=60, peak=165).tried_again(attacked(probe_ms=2000)), ["memory"]),
        (attacked(fault="the server ended with 1"), ["the server ended with 1"]),
    ],
)
def test_bars_are_memory_p99_failures_and_the_server(one: Attacked, broken: list[str]) -> None:
    run = Run([1, 2, 9], [one])
    assert run.broken(one) == broken
    assert f"| {', '.join(broken) or 'none'} |" in run.table()


def test_of_several_tries_times_are_the_lowest_and_all_else_the_worst() -> None:
    both = attacked(p99_ms=5, probe_ms=30).tried_again(attacked(p99_ms=7, probe_ms=20, failed=1, peak=101))
    assert (both.tries, both.p99_ms, both.probe_ms) == (2, 5, 20)
    assert (both.peak, both.failed, both.asked, both.sent, both.connections) == (160, 1, 400, 2, 200)


class Stalled(asyncio.Protocol):
    """Answers what was asked so far when it is told to go on, and everything at once from then on."""

    going = False

    def __init__(self, connected: list["Stalled"]) -> None:
        connected.append(self)
        self.asked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """A request."""
        self.asked = True
        if self.going:
            self.transport.write(ANSWER)

    def go_on(self) -> None:
        """Answer from now on."""
        self.going = True
        if self.asked:
            self.transport.write(ANSWER)


def test_a_server_that_stands_still_is_seen_in_the_requests_that_were_due_meanwhile() -> None:
    async def run() -> list[float]:
        connected: list[Stalled] = []
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Stalled(connected), "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        loop.call_later(0.3, lambda: [each.go_on() for each in connected])
        answers = await ask(port, b"GET / HTTP/1.1\r\n\r\n", 0.5)
        server.close()
        await server.wait_closed()
        assert answers.failed == 0
        return answers.seconds

    # 200 a second for half a second, and of those that were due in the first 0.2 of the 0.3 s that nobody was answered
    # nearly all: four connections alone would have shown four.
    seconds = asyncio.run(run())
    assert len(seconds) in (100, 101)
    assert sum(each > 0.1 for each in seconds) >= 35
