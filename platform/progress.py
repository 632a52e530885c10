"""Shows how far a rollout is, in one line that changes, where a person is looking."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from .display import coloured
from .rollout import Progress
from .target import Status


@contextmanager
def shown_progress(progress: Progress | None) -> Generator[Progress]:
    """Yield what to report to: the caller's own, else a line that is redrawn in a terminal or notebook."""
    if progress:
        yield progress
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    with console.status("Starting") as line:

        def report(status: Status) -> None:
            line.update(f"{status.name}: {coloured(status.verdict)} {escape(status.reason)}")

        yield report
