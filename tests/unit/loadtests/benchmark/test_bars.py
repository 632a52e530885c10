"""What tenfold is held against, from a result in which few were measured."""

import pytest
from tenfold.loadtests.benchmark.bars import Bar, bars, best_peer
from tenfold.loadtests.benchmark.result import Result
from tenfold.loadtests.benchmark.servers import ALL
from tenfold.loadtests.benchmark.workloads import ONE_ROW
from unit.loadtests.benchmark.stage import result


def bar(what: str) -> Bar:
    return next(each for each in bars(result(), ALL) if each.what == what)


def test_the_best_peer_is_that_of_the_best_configuration_and_no_limit() -> None:
    best = best_peer(result(), ALL, ONE_ROW)
    assert best
    assert (best[0].name, best[1].rate) == ("ray-batches", 2500)


def test_a_bar_is_a_ratio_of_medians() -> None:
    peers = bar("one row: tenfold to the best peer")
    assert (peers.value, peers.reached) == (11000 / 2500, False)
    log = bar("one row: tenfold with the inference log to without")
    assert (log.value, log.reached) == (pytest.approx(0.9), True)
    protocols = bar("one row: the slowest of v2 JSON, /predict and /invocations to the fastest")
    assert (protocols.value, protocols.reached) == (pytest.approx(8 / 11), False)


def test_some_bars_are_a_most() -> None:
    tail = bar("one row: p99 of tenfold to its p50")
    assert (tail.value, tail.reached) == (pytest.approx(5), False)
    memory = bar("memory of one replica")
    assert (memory.value, memory.reached) == (130, True)


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    assert all(each.value is None and each.reached is None for each in bars(Result(), ALL))
