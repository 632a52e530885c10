"""What several commands share: the platform they speak to, and where they print."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from ..api import Platform
    from ..service import Service

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state", envvar="TENFOLD_STATE", help="Folder that holds the local platform.", show_default="~/.tenfold"
    ),
]
NameArgument = Annotated[str, typer.Argument(help="Name of the service.", show_default=False)]


def local_platform(state: Path | None) -> Platform:
    """The platform that the command speaks to."""
    from ..api import Platform

    return Platform.local(state)


def service_of(state: Path | None, name: str) -> Service:
    """The service that the command is about."""
    return local_platform(state).service(name)


@contextmanager
def interruptible(name: str) -> Generator[None]:
    """Say at Ctrl-C what it does not stop."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; the rollout goes on by itself. Follow it with: tenfold status {name}", err=True)
        raise


def output() -> Console:
    """Where results go."""
    from rich.console import Console

    # In a pipe or a file a line is as long as it is; only a terminal has an edge.
    console = Console()
    return console if console.is_terminal else Console(width=200)
