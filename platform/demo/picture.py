"""The picture of the demo: the retrained service against the model that was never retrained.

Called by `report`. Two panels, log loss and AUC, each with every day as a thin line and all days so far as a thick
one; a grey line marks each morning after a rollout.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .result import DemoResult
from .score import METRIC_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from .score import Score

SERVED, NEVER = "#1b7837", "#b35806"


def draw(result: DemoResult, file: Path) -> None:
    """Draw the picture into a PNG file, without a display."""
    # The object interface: pyplot would choose a backend for the whole process.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import ConciseDateFormatter
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    loss, auc = figure.subplots(2, 1, sharex=True)
    _panel(loss, result, METRIC_NAME, lambda score: score.log_loss)
    _panel(auc, result, "AUC (higher is better)", lambda score: score.roc_auc)
    auc.xaxis.set_major_formatter(ConciseDateFormatter(auc.xaxis.get_major_locator()))
    loss.legend(loc="best", frameon=False)
    figure.suptitle(f"Will the flight arrive late? {result.predictions:,} predictions, retrained every night or never")
    figure.savefig(file, dpi=120)


def _panel(axes: Any, result: DemoResult, title: str, value: Callable[[Score], float | None]) -> None:
    dates = [day.date for day in result.scores]
    lines = (
        ("retrained, so far", SERVED, 2.5, [value(day.served_so_far) for day in result.scores]),
        ("never retrained, so far", NEVER, 2.5, [value(day.never_so_far) for day in result.scores]),
        ("retrained, each day", SERVED, 0.8, [value(day.served) for day in result.scores]),
        ("never retrained, each day", NEVER, 0.8, [value(day.never) for day in result.scores]),
    )
    for label, colour, width, values in lines:
        known = [float("nan") if v is None else v for v in values]
        axes.plot(dates, known, color=colour, linewidth=width, label=label, marker="." if len(dates) == 1 else "")
    for before, after in zip(result.days, result.days[1:], strict=False):
        if before.outcome == "promoted":
            axes.axvline(after.date, color="#999999", linewidth=0.6, linestyle=":", zorder=0)
    axes.set_ylabel(title)
    axes.spines[["top", "right"]].set_visible(False)
