"""The command that shows everything at once on real data."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import output

if TYPE_CHECKING:
    from ..demo.demo import Demo
    from ..demo.replay import Tally

FAILED = 1

StartOption = Annotated[
    datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the first weeks, in 2013.", show_default=True)
]


def demo(
    start: StartOption = datetime(2013, 6, 1),  # noqa: DTZ001 - only its date counts
    first_days: Annotated[int, typer.Option(min=1, help="Days that the first champion is trained on.")] = 21,
    days: Annotated[int, typer.Option(min=1, help="Days to replay after them, each with its night.")] = 23,
    flights_per_day: Annotated[
        int | None, typer.Option(min=1, help="Replay at most so many flights of a day.", show_default="all")
    ] = None,
    replicas: Annotated[int, typer.Option(min=1, help="Model servers behind the one address.")] = 4,
    state: Annotated[
        Path | None, typer.Option(help="New folder for the platform.", show_default="a temporary one")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that the table and the picture are written to.")] = Path(
        "demo-output"
    ),
    keep: Annotated[bool, typer.Option("--keep", help="Leave the platform running, to look at it.")] = False,
) -> None:
    """Replay weeks of real flights against a service that retrains every midnight, and show whether it paid.

    Exit code 1 when a request or a night failed.
    """
    from ..demo.demo import DemoOptions, run
    from ..demo.report import summary, table_view, write

    # What ends it politely, a timeout or a closed terminal, leaves as little running as Ctrl-C does; nohup ignores the
    # latter, and that stays. A script's background starts with Ctrl-C ignored, and the others would be with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _as_ctrl_c)
    options = DemoOptions(start.date(), first_days, days, flights_per_day, replicas, state, keep)
    with _progress(days) as (tell, watch):
        done = run(options, tell=tell, watch=watch)
    files = write(done.result, out)
    console = output()
    console.print(table_view(done.result))
    for line in summary(done.result):
        console.print(line, highlight=False)
    for title, file in (("Table", files.table), ("Picture", files.picture), ("Both", files.page)):
        console.print(f"{title}: {file.resolve()}", highlight=False, soft_wrap=True)
    if keep:
        console.print(_how_to_go_on(done), highlight=False, soft_wrap=True)
    if not done.result.succeeded:
        raise typer.Exit(FAILED)


def _as_ctrl_c(*_: object) -> None:
    # asyncio turns SIGINT alone into a cancellation; an exception out of a handler could end in any task's traceback.
    signal.raise_signal(signal.SIGINT)


@contextmanager
def _progress(days: int) -> Generator[tuple[Callable[[str], None], Callable[[Tally], None]]]:
    """A bar that moves on a terminal, and a line per step and day elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[seen]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Starting", total=days, seen="")
        told = ""

        def tell(what: str) -> None:
            bar.update(task, description=what)
            if not console.is_terminal:
                typer.echo(what, err=True)

        def watch(tally: Tally) -> None:
            nonlocal told
            seen = f"{tally.predictions:,} predictions, {tally.failed} failed, version {tally.version or '-'}"
            bar.update(task, completed=tally.progress, seen=seen)
            day = f"{tally.date:%a %d %b %Y}"
            if day != told:
                told = day
                tell(day if console.is_terminal else f"{day}: {seen}; last night: {tally.outcome or '-'}")

        yield tell, watch


def _how_to_go_on(done: Demo) -> str:
    state = f"--state {done.state}"
    return (
        f"The platform is still running.\n"
        f"  page     {done.status.page_url}\n"
        f"  service  {done.status.url} (documentation: {done.status.url}/docs)\n"
        f"  status   tenfold status {done.status.name} {state}\n"
        f"  stop     tenfold down {state}"
    )
