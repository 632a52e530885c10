"""The tables and the picture of a demo."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console
from tenfold.platform.demo.errors import OutputUnusable
from tenfold.platform.demo.report import COLUMNS, summary, table_view, write
from tenfold.platform.demo.result import DayRow, DemoResult
from tenfold.platform.demo.score import DayScore, Score


def row(day: int, *, outcome: str = "promoted", failed: int = 0, served: float = 0.5) -> DayRow:
    scores = Score(served, 0.7), Score(0.6, 0.65), Score(served, 0.71), Score(0.61, None)
    return DayRow(
        date=date(2013, 6, day),
        requests=930,
        failed=failed,
        version="7",
        rows=18_000,
        champion=None if outcome == "skipped" else 0.5321,
        challenger=None if outcome == "skipped" else 0.5123,
        outcome=outcome,
        reason="log_loss 0.5321 -> 0.5123 <b>",
        during_rollout=120,
        score=DayScore(date(2013, 6, day), 880, *scores),
    )


@pytest.fixture
def result() -> DemoResult:
    return DemoResult(
        days=[row(22), row(23, outcome="kept"), replace(row(24, outcome="skipped"), score=None)],
        predictions=2_700,
        refused_labels=0,
        failures=[],
        seconds=123.4,
        replicas=4,
        latencies=[i / 1000 for i in range(101)],
    )


def test_the_table_has_a_line_for_every_day_and_explains_its_numbers(result: DemoResult) -> None:
    console = Console(file=io.StringIO(), width=200, record=True)
    console.print(table_view(result))
    shown = console.export_text()
    assert "log loss (lower is better)" in shown
    for word in ("2013-06-22", "2013-06-23", "2013-06-24", "promoted", "kept", "skipped", "0.5321", "0.5123"):
        assert word in shown


def test_files_hold_the_whole_result(result: DemoResult, tmp_path: Path) -> None:
    files = write(result, tmp_path / "new" / "folder")
    with files.table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [*(column.name for column in COLUMNS), "reason"]
    assert [r["outcome"] for r in rows] == ["promoted", "kept", "skipped"]
    assert float(rows[0]["champion_log_loss"]) == 0.5321
    assert rows[2]["champion_log_loss"] == ""
    assert files.picture.read_bytes().startswith(b"\x89PNG")
    page = files.page.read_text()
    assert 'src="comparison.png"' in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_the_summary_says_which_was_better_on_which_metric(result: DemoResult) -> None:
    said = " ".join(summary(result))
    assert "2,700 predictions in 2,790 requests over 3 days to 4 replicas, 0 failed" in said
    assert "took 50 ms at most, 99 % 99 ms" in said
    assert "1 promoted, 1 kept, 1 skipped" in said
    assert "at least as good as" in said
    assert "log loss (lower is better) 0.5000 against 0.6100, AUC 0.7100 against" in said


def test_the_summary_admits_that_retraining_did_not_pay(result: DemoResult) -> None:
    worse = replace(result, days=[row(22, served=0.9)])
    assert "was worse than the model that was never retrained" in " ".join(summary(worse))


def test_a_single_day_can_be_drawn(result: DemoResult, tmp_path: Path) -> None:
    assert write(replace(result, days=result.days[:1]), tmp_path).picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("changed", "succeeded"),
    [
        ({}, True),
        ({"days": [row(22, failed=1)]}, False),
        ({"refused_labels": 1}, False),
        ({"days": [row(22, outcome="failed")]}, False),
        ({"days": [row(22, outcome="rolled back")]}, False),
    ],
)
def test_only_a_demo_without_any_failure_succeeds(
    result: DemoResult, changed: dict[str, object], succeeded: bool
) -> None:
    assert replace(result, **changed).succeeded is succeeded


def test_a_folder_that_cannot_be_written_is_named(result: DemoResult, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputUnusable, match=r"file.*--out"):
        write(result, tmp_path / "file")
