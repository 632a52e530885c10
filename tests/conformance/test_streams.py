"""Every stream of the corpus: tenfold answers what it says there, and so does plain uvicorn with h11."""

from __future__ import annotations

from collections import Counter

import pytest
from conformance import peer, wire
from conformance.conftest import Tenfold
from conformance.corpus import STREAMS
from conformance.corpus.stream import Stream

EACH = pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)


@EACH
async def test_tenfold_answers_it(tenfold: Tenfold, stream: Stream) -> None:
    port = tenfold.hasty if "408" in stream.answer else tenfold.port
    before = tenfold.predicted(port)
    assert await wire.answered(port, stream.segments, stream.answer, stream.bodiless) == stream.answer
    # Whatever was answered: nothing else has reached the model.
    assert tenfold.predicted(port) - before == stream.predictions


@EACH
async def test_uvicorn_with_h11_answers_it(h11: tuple[peer.App, int], stream: Stream) -> None:
    _, port = h11
    assert await wire.answered(port, stream.segments, stream.peer[0], stream.bodiless) in stream.peer


@EACH
def test_a_difference_has_a_reason_and_a_reason_has_a_difference(stream: Stream) -> None:
    assert bool(stream.why) == stream.differs


def test_there_are_many_streams_and_each_has_a_name_of_its_own() -> None:
    assert len(STREAMS) >= 150
    assert [name for name, count in Counter(stream.name for stream in STREAMS).items() if count > 1] == []
