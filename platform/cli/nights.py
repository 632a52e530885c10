"""Commands for the nights: when they run, running them now, and what became of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from .common import NameArgument, StateOption, output, service_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..retraining import Retrained

FAILED = 1

Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="A day, e.g. 2013-06-21.", show_default=False)]


def schedule_retraining(
    name: NameArgument,
    at: Annotated[str, typer.Option(help="Time of the wall clock, e.g. 02:00.", show_default=False)],
    timezone: Annotated[str, typer.Option(help="IANA name; its midnight ends a day.")] = "UTC",
    state: StateOption = None,
) -> None:
    """Retrain every night at that time. How it trains is set with: tenfold deploy NAME --set retraining.FIELD=VALUE."""
    output().print(service_of(state, name).schedule_retraining(at, timezone))


def pause(name: NameArgument, state: StateOption = None) -> None:
    """Keep the schedule, but start no night."""
    output().print(service_of(state, name).pause())


def resume(name: NameArgument, state: StateOption = None) -> None:
    """Start nights again; those that were missed are caught up."""
    output().print(service_of(state, name).resume())


def retrain(
    name: NameArgument,
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Train on the window that ends with it.")
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="Run all nights that are due, as the alarm clock does.")] = False,
    state: StateOption = None,
) -> None:
    """Run a night now: train, compare, and roll out what is better. Exit code 1 when a night failed."""
    if (day is None) != due:
        raise typer.BadParameter("Give either --date DAY or --due.")
    service = service_of(state, name)
    _end(service.retrain_due() if day is None else [service.retrain(day.date())])


def backfill(name: NameArgument, first: Day, last: Day, state: StateOption = None) -> None:
    """Run the nights of all days from FIRST to LAST, oldest first; those done on the same data do nothing."""
    _end(service_of(state, name).backfill(first.date(), last.date()))


def nights(name: NameArgument, state: StateOption = None) -> None:
    """List what became of every night."""
    from ..display import nights_view

    done = service_of(state, name).nights()
    output().print(
        nights_view(done) if done else f"{name} has had no night yet; run one with: tenfold retrain {name} --date DAY"
    )


def _end(done: Sequence[Retrained]) -> None:
    from ..display import nights_view

    output().print(nights_view([r.night for r in done]) if done else f"No night is due on {date.today():%Y-%m-%d}.")  # noqa: DTZ011
    if any(r.outcome in {"failed", "rolled back"} for r in done):
        raise typer.Exit(FAILED)
