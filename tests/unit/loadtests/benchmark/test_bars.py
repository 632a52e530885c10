"""What tenfold is held against, from a result in which few were measured."""

import pytest
from tenfold.loadtests.benchmark.bars import Bar, bars, best_peer
from tenfold.loadtests.benchmark.result import TWO_HAVE_CORES, Result
from tenfold.loadtests.benchmark.servers import ALL
from tenfold.loadtests.benchmark.workloads import ONE_ROW
from unit.loadtests.benchmark.stage import result


def bar(what: str) -> Bar:
    return next(each for each in bars(result(), ALL) if each.what == what)


def test_the_best_peer_is_that_of_the_best_configuration_and_no_limit() -> None:
    best = best_peer(result(), ALL, ONE_ROW)
    assert best
    assert best[0].name == "mosec"
    best = best_peer(result(), ALL, ONE_ROW, but="mosec")
    assert best
    assert best[0].name == "ray-batches"


def test_a_bar_is_the_median_of_the_ratios_in_each_round() -> None:
    peers = bar("one row: tenfold to the best peer but mosec")
    assert (peers.value, peers.rounds) == (pytest.approx((12000 / 2400 + 10000 / 2600) / 2), [5, 10000 / 2600])
    assert peers.verdict == "not met"
    protocols = bar("one row: the slowest of v2 JSON, /predict and /invocations to the fastest")
    assert (protocols.rounds, protocols.verdict) == ([8000 / 12000, 8000 / 11000], "not met")


def test_mosec_is_compared_with_by_the_quicker_protocol() -> None:
    assert bar("one row: tenfold, asked by v2 JSON, to mosec").rounds == [1.5, 1]


def test_a_bar_that_one_round_missed_is_not_met() -> None:
    assert bar("one row: tenfold, asked by v2 JSON, to mosec").verdict == "within noise"
    assert Bar("", 1.2, [1.3, 1.21]).verdict == "met"
    assert Bar("", 1.2, [1.3, 1.19, 1.4]).verdict == "within noise"
    assert Bar("", 1.2, [1.3, 1.19, 1.1]).verdict == "not met"
    assert Bar("", 60, [59, 61, 50], most=True).verdict == "within noise"


def test_some_bars_are_a_most() -> None:
    tail = bar("one row: p99 of tenfold to its p50")
    assert (tail.value, tail.verdict) == (pytest.approx(5), "not met")
    memory = bar("memory of one replica")
    assert (memory.value, memory.verdict) == (130, "met")
    replicas = bar("memory of each of ten local replicas")
    assert (replicas.value, replicas.verdict) == (43, "met")


def test_two_processes_without_a_core_each_are_compared_by_the_cpu_of_a_request() -> None:
    two = bar("one row: two processes to one, by the CPU of a request")
    assert two.rounds == [pytest.approx(2 * 10000 / 12000), pytest.approx(2 * 9000 / 10000)]
    found = result()
    found.machine[TWO_HAVE_CORES] = "yes"
    assert any(each.what == "one row: two processes to one" and each.rounds for each in bars(found, ALL))


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert all(each.value is None and each.verdict == "not measured" for each in bars(Result(), ALL))
