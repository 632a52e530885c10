"""A result as Markdown."""

from tenfold.loadtests.benchmark import growth as grown
from tenfold.loadtests.benchmark.load import Measured
from tenfold.loadtests.benchmark.result import Cell, Result
from tenfold.loadtests.benchmark.servers import ALL
from tenfold.loadtests.benchmark.table import comparison, growth
from unit.loadtests.benchmark.stage import result


def test_each_workload_has_a_table_with_ratios_to_tenfold() -> None:
    lines = comparison(result(), ALL).splitlines()
    assert "### one row: logistic, 1 row a request, 32 connections" in lines
    assert "| tenfold | one process | v2 JSON | 11,000 | 1.00 x | 2.93 | 14.67 | 91.7 |" in lines
    assert "| fastapi | a handler | rows as JSON | 2,000 | 5.50 x | 16.00 | 80.00 | 500.0 |" in lines
    assert not any("boosting" in line for line in lines if line.startswith("### "))


def test_the_bars_say_whether_they_are_reached() -> None:
    lines = comparison(result(), ALL).splitlines()
    assert "| one row: tenfold to the best peer but mosec | >= 5 x | 4.42 x | 3.85 to 5.00 | not met |" in lines
    assert "| memory of one replica | <= 150 MiB | 130.00 MiB | 120.00 to 140.00 | met |" in lines
    assert "| 100 rows: v2 binary to v2 JSON | >= 1 x |  |  | not measured |" in lines


def test_what_could_not_be_measured_is_told() -> None:
    found = result()
    found.cells.append(Cell(2, "mlserver", "one row", "v2 JSON", Measured(10, 1, 1, 1, 3, 4)))
    lines = comparison(found, ALL).splitlines()
    assert "- onnx: onnxruntime is not installed." in lines
    assert "- Round 1, mlflow, logistic: It ended with exit code 1." in lines
    expected = "does not count, 3 requests were refused and 4 not answered."
    assert f"- Round 2, mlserver, one row, v2 JSON: {expected}" in lines
    assert any("9,000 rows accepted, 8,000 written and 0 dropped" in line for line in lines)


def test_growth_is_one_table_with_rows_a_second() -> None:
    cells = [
        Cell(1, "tenfold", "100 rows", "v2 JSON", Measured(8000, 2, 8, 16)),
        Cell(1, "tenfold-two", "100 rows", "v2 JSON", Measured(4000, 2, 16, 32)),
    ]
    lines = growth(Result(cells=cells), grown.ALL).splitlines()
    assert "| 100 rows | logistic | 1 | 4,000 | 400,000 | 8.00 | 16.00 |" in lines
    assert "| 100 rows | logistic | 2 | 2,000 | 200,000 | 16.00 | 32.00 |" in lines
