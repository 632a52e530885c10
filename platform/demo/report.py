"""The demo's result for people: a table in the terminal, the same as CSV, and an HTML page with the picture.

Last step of the demo. One list of columns makes all three tables. Promises: the files are complete when `write`
returns, need nothing from the network to be looked at, and replace those of an earlier demo.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import OutputUnusable
from .picture import draw
from .result import DayRow, DemoResult
from .score import METRIC_NAME, Score

if TYPE_CHECKING:
    from rich.console import RenderableType

Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    name: str
    title: str
    of: Callable[[DayRow], Cell]


COLUMNS = (
    Column("date", "date", lambda d: d.date.isoformat()),
    Column("requests", "requests", lambda d: d.requests),
    Column("failed_requests", "failed", lambda d: d.failed),
    Column("served_log_loss", "served", lambda d: d.score.served.log_loss if d.score else None),
    Column("never_retrained_log_loss", "never\nretrained", lambda d: d.score.never.log_loss if d.score else None),
    Column("served_roc_auc", "served\nAUC", lambda d: d.score.served.roc_auc if d.score else None),
    Column("never_retrained_roc_auc", "never\nAUC", lambda d: d.score.never.roc_auc if d.score else None),
    Column("version", "version", lambda d: d.version),
    Column("night_rows", "rows", lambda d: d.rows),
    Column("champion_log_loss", "champion", lambda d: d.champion),
    Column("challenger_log_loss", "challenger", lambda d: d.challenger),
    Column("outcome", "outcome", lambda d: d.outcome),
    Column("requests_during_rollout", "during\nrollout", lambda d: d.during_rollout),
)
LEGEND = (
    f"served, never retrained, champion and challenger are the {METRIC_NAME}: the first two on the day's flights as "
    "they were answered, the last two on the held-out rows of the night after the day. rows: what the night had to "
    "train and score on. during rollout: requests answered by old and new replicas side by side."
)


@dataclass(frozen=True)
class Files:
    """Where the report lies."""

    table: Path
    picture: Path
    page: Path


def table_view(result: DemoResult) -> RenderableType:
    """The table for a terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from ..display import coloured

    table = Table(box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column.title, justify="left" if column.name in {"date", "outcome"} else "right")
    for day in result.days:
        cells = {column.name: text(column.of(day)) for column in COLUMNS}
        table.add_row(*({**cells, "outcome": coloured(day.outcome)}).values())
    return Group(table, Text(LEGEND, style="dim"))


def summary(result: DemoResult) -> list[str]:
    """What the demo showed, a sentence each."""
    nights = ", ".join(f"{count} {outcome}" for outcome, count in result.outcomes.items())
    requests = f"{result.predictions:,} predictions in {result.requests:,} requests over {len(result.days)} days"
    usual, slow = 1e3 * result.latency(0.5), 1e3 * result.latency(0.99)
    lines = [
        f"{requests} to {result.replicas} replicas, {result.failed} failed, in {result.seconds:.0f} s.",
        f"Half of the answers took {usual:.0f} ms at most, 99 % {slow:.0f} ms, nights and rollouts included.",
        f"{len(result.days)} nights: {nights}.",
    ]
    if result.refused_labels:
        lines.append(f"{result.refused_labels} labels were not accepted by the service.")
    lines += [f"A request failed: {failure}" for failure in result.failures]
    if result.served and result.never:
        lines += [_compared(result.served, result.never)]
    return lines


def _compared(served: Score, never: Score) -> str:
    verdict = "at least as good as" if served.log_loss <= never.log_loss else "worse than"
    aucs = f", AUC {text(served.roc_auc)} against {text(never.roc_auc)}" if served.roc_auc is not None else ""
    return (
        f"The retrained service was {verdict} the model that was never retrained: "
        f"{METRIC_NAME} {text(served.log_loss)} against {text(never.log_loss)}{aucs}."
    )


def write(result: DemoResult, folder: Path) -> Files:
    """Write all files into `folder`.

    Raises:
        OutputUnusable: the folder cannot be written.
    """
    files = Files(folder / "days.csv", folder / "comparison.png", folder / "report.html")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with files.table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([*(column.name for column in COLUMNS), "reason"])
            writer.writerows([*(column.of(day) for column in COLUMNS), day.reason] for day in result.days)
        draw(result, files.picture)
        files.page.write_text(page(result, files.picture.name), encoding="utf-8")
    except OSError as e:
        raise OutputUnusable(folder, e) from e
    return files


def page(result: DemoResult, picture: str) -> str:
    """The HTML page; `picture` is the address of the picture from there."""
    head = "".join(f"<th>{escape(column.title)}</th>" for column in COLUMNS)
    rows = "".join(_row(day) for day in result.days)
    lines = "".join(f"<p>{escape(line)}</p>\n" for line in summary(result))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>tenfold demo</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }}
img {{ max-width: 100% }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: pre-line }}
</style></head><body>
<h1>Retrained every night, or never</h1>
{lines}<img src="{escape(picture)}" alt="Log loss and AUC of the retrained service and of the model never retrained">
<table><thead><tr>{head}</tr></thead><tbody>
{rows}</tbody></table>
<p>{escape(LEGEND)}</p>
</body></html>
"""


def _row(day: DayRow) -> str:
    cells = "".join(f"<td>{escape(text(column.of(day)))}</td>" for column in COLUMNS)
    return f'<tr title="{escape(day.reason)}">{cells}</tr>\n'


def text(cell: Cell) -> str:
    """A cell as people read it."""
    if cell is None:
        return ""
    return f"{cell:.4f}" if isinstance(cell, float) else str(cell)
