"""The demo as a straight line: first weeks -> first champion -> platform -> replayed days and nights -> result.

Called by `tenfold demo`. Promises: everything happens on real processes, a real database and a real registry under
one fresh state folder; the first model is fitted on none of the rows that nights score on, so it has no advantage;
whatever ends the demo, an error or Ctrl-C included, nothing is left running unless it succeeded and was to be kept.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from shutil import rmtree
from socket import socket
from typing import TYPE_CHECKING, Any

from ...serving.client import AsyncClient
from ...training.split import is_held_out
from ..api import Platform
from ..errors import AddressInUse, PlatformError
from ..local.listener import bind, port_of
from ..local.target import LocalTarget
from ..retraining import Retrained
from ..target import Status
from . import champion
from .errors import FolderTaken
from .flights import TIMEZONE, Table, as_flights, between, example, load
from .replay import Day, Played, Replay, Tally
from .result import DemoResult, result_of

if TYPE_CHECKING:
    from ..service import Service

NAME = "flight-delay"
# Seconds that make twenty nights bearable; a night that matters is watched for longer. See `ServerOptions` and
# `Retraining` for what they are.
DRAIN_SECONDS, WATCH_SECONDS = 1.0, 2.0
HOLDOUT = 0.2

Tell = Callable[[str], None]


@dataclass(frozen=True)
class DemoOptions:
    """What to replay, and where."""

    start: date = date(2013, 6, 1)
    first_days: int = 21
    """Days before the replay, for the first champion."""
    days: int = 23
    """Days to replay."""
    flights_per_day: int | None = None
    """Replay so many flights of each day, drawn evenly; None: all."""
    replicas: int = 4
    state: Path | None = None
    """An empty or new folder; None: a temporary one, removed at the end unless it is kept."""
    keep: bool = False
    """Leave the platform running after success."""


@dataclass(frozen=True)
class Demo:
    """A finished demo."""

    result: DemoResult
    status: Status
    """Of the service, as the replay left it."""
    state: Path


@dataclass
class _Lived:
    """A platform that runs, and whether it is to stay when the demo ends."""

    platform: Platform
    state: Path
    stays: bool = field(default=False)


def run(options: DemoOptions, *, tell: Tell, watch: Callable[[Tally], None]) -> Demo:
    """Run the demo.

    Args:
        options: what to replay, and where.
        tell: called with what happens next, in a few words.
        watch: called after every request.

    Raises:
        DemoError: it cannot run here, or not with these options.
        tenfold.platform.errors.PlatformError: the platform failed, or a night ended without a decision.
    """
    began = time.monotonic()
    tell("Reading the flights of 2013")
    table = load()
    weeks = between(table, options.start, options.first_days)
    days = replayed_days(table, options)
    with _platform(options) as lived:
        tell(f"Training the first champion on {len(weeks):,} flights")
        first = first_champion(lived.platform, weeks)
        tell(f"Starting {options.replicas} replicas")
        service = _deploy(lived.platform, first, weeks, options.replicas)
        tell("Replaying")
        played, tally = asyncio.run(_replay(lived.platform, service, days, watch))
        tell("Scoring")
        result = result_of(played, tally, first, replicas=options.replicas, seconds=time.monotonic() - began)
        demo = Demo(result, service.status(), lived.state)
        lived.stays = options.keep
    return demo


def replayed_days(table: Table, options: DemoOptions) -> list[Day]:
    """The days after the first weeks, with the flights that are replayed."""
    days: list[Day] = []
    for n in range(options.days):
        day = options.start + timedelta(days=options.first_days + n)
        flights = as_flights(between(table, day, 1))
        step = max(1, len(flights) // (options.flights_per_day or len(flights)))
        days.append(Day(day, flights[::step][: options.flights_per_day]))
    return days


def first_champion(platform: Platform, weeks: Table) -> Any:
    """Put the first weeks into the inference log, and fit on what nights may train on."""
    known = weeks[weeks["late"].notna()]
    flights = as_flights(known)
    log = platform.inference_log()
    try:
        ids = log.import_rows(
            NAME,
            [flight.row for flight in flights],
            [flight.late for flight in flights if flight.late is not None],
            [flight.scheduled for flight in flights],
        )
    finally:
        log.close()
    return champion.fitted(known[[not is_held_out(id_, HOLDOUT) for id_ in ids]])


@contextmanager
def _platform(options: DemoOptions) -> Generator[_Lived]:
    """A platform in a fresh folder with its controller, taken down at the end."""
    if options.state and options.state.is_dir() and any(options.state.iterdir()):
        raise FolderTaken(options.state)
    folder = options.state or Path(tempfile.mkdtemp(prefix="tenfold-demo-"))
    # Only the demo itself starts the controller. A night that Ctrl-C interrupts in its rollout would start another.
    platform = Platform.local(folder, background=False)
    lived = _Lived(platform, folder)
    try:
        _target(platform).ensure_controller()
        yield lived
    finally:
        if not lived.stays:
            platform.down()
            if options.state is None:
                rmtree(folder, ignore_errors=True)


def _target(platform: Platform) -> LocalTarget:
    assert isinstance(platform.target, LocalTarget)
    return platform.target


def _deploy(platform: Platform, first: Any, weeks: Table, replicas: int) -> Service:
    version = platform.register(first, NAME, example=example(weeks))
    port, page_port = _free_ports(8080, 8081)
    return platform.deploy(
        NAME,
        version=version.version,
        progress=lambda _: None,
        replicas=replicas,
        port=port,
        page_port=page_port,
        registry_port=None,
        server={"accept_event_time": True, "drain_seconds": DRAIN_SECONDS},
        retraining={"timezone": TIMEZONE.key, "holdout": HOLDOUT, "watch_seconds": WATCH_SECONDS},
    )


def _free_ports(*wished: int) -> list[int]:
    """The ports that a person expects, or any free ones, so that a second platform is in nobody's way."""
    with ExitStack() as held:
        # All are held until all are found, or the system might give the same one twice.
        return [port_of(held.enter_context(_bound(port))) for port in wished]


def _bound(port: int) -> socket:
    try:
        return bind("127.0.0.1", port)
    except AddressInUse:
        return bind("127.0.0.1", 0)


async def _replay(
    platform: Platform, service: Service, days: Sequence[Day], watch: Callable[[Tally], None]
) -> tuple[list[Played[Retrained]], Tally]:
    # No retries: a request that fails is to be seen, not made good.
    async with AsyncClient(service.url, name=NAME, retries=0) as client:
        replay = Replay(client, service.retrain, watch=watch)
        try:
            return await replay.run(days), replay.tally
        except BaseException:
            # A night waits in a thread for its rollout, and this loop for that thread: a stop ends both at once.
            with suppress(PlatformError):
                await asyncio.to_thread(platform.down)
            raise
