"""One pipeline of every kind of request, cut at every byte into two segments: the answers do not change."""

from __future__ import annotations

import asyncio

import pytest
from conformance import peer, wire
from conformance.conftest import Tenfold
from conformance.corpus import pipelines

AT_ONCE = 24
BODILESS = (4,)


async def _cuts(port: int) -> dict[str, list[int]]:
    """Where it was cut, by what was answered."""
    whole, found = pipelines.MIXED, dict[str, list[int]]()
    gate = asyncio.Semaphore(AT_ONCE)

    async def cut(at: int) -> None:
        async with gate:
            answer = await wire.answered(port, (whole[:at], whole[at:]), pipelines.MIXED_ANSWER, BODILESS)
            found.setdefault(answer, []).append(at)

    await asyncio.gather(*(cut(at) for at in range(1, len(whole))))
    return found


async def test_tenfold_answers_the_same_wherever_a_pipeline_is_cut(tenfold: Tenfold) -> None:
    before = tenfold.predicted(tenfold.port)
    assert (await _cuts(tenfold.port)).keys() == {pipelines.MIXED_ANSWER}
    each = pipelines.MIXED_ANSWER.count("=")
    assert tenfold.predicted(tenfold.port) - before == each * (len(pipelines.MIXED) - 1)


async def test_uvicorn_with_h11_does_so_too(h11: tuple[peer.App, int]) -> None:
    assert (await _cuts(h11[1])).keys() == {pipelines.MIXED_ANSWER}


@pytest.mark.parametrize("size", [1, 7, 64])
async def test_a_pipeline_that_comes_in_small_pieces_is_answered_the_same(tenfold: Tenfold, size: int) -> None:
    whole = pipelines.MIXED
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    answer = await wire.answered(tenfold.port, pieces, pipelines.MIXED_ANSWER, BODILESS, pause=0.001)
    assert answer == pipelines.MIXED_ANSWER
