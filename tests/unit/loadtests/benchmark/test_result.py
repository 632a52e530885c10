"""Medians over the rounds, and the file of a result."""

from pathlib import Path

from tenfold.loadtests.benchmark.result import Cell, Result, read
from unit.loadtests.benchmark.stage import measured, result


def test_a_number_is_the_median_of_its_rounds() -> None:
    rounds = [Cell(n, "a", "one row", "v2 JSON", measured(rate)) for n, rate in enumerate((1000, 5000, 2000))]
    found = Result(cells=rounds).find("a", "one row", "v2 JSON")
    assert found == measured(2000)


def test_a_round_with_a_refused_request_does_not_count() -> None:
    good = Cell(1, "a", "one row", "v2 JSON", measured(1000))
    bad = Cell(2, "a", "one row", "v2 JSON", measured(9000, refused=1))
    found = Result(cells=[good, bad])
    assert found.find("a", "one row", "v2 JSON") == measured(1000)
    assert found.invalid() == [bad]
    assert Result(cells=[bad]).find("a", "one row", "v2 JSON") is None


def test_start_and_memory_are_medians_too() -> None:
    start = result().start("tenfold", "logistic")
    assert start
    assert (round(start.seconds, 3), start.memory) == (1.6, 130)
    assert result().start("tenfold", "boosting") is None


def test_a_result_that_was_written_is_read_again(tmp_path: Path) -> None:
    result().write(tmp_path / "result.json")
    assert read(tmp_path / "result.json") == result()
