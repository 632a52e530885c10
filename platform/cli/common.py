"""What several commands share: the platform they speak to, and where they print."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
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


class TargetName(StrEnum):
    """What runs the services."""

    local = "local"
    kubernetes = "kubernetes"


@dataclass(frozen=True)
class Place:
    """What the options before the command say."""

    target: TargetName = TargetName.local
    namespace: str | None = None
    context: str | None = None


place: ContextVar[Place] = ContextVar("place", default=Place())  # noqa: B039 - it is frozen


def platform_of(state: Path | None) -> Platform:
    """The platform that the command speaks to."""
    from ..api import Platform

    chosen = place.get()
    if chosen.target is TargetName.kubernetes:
        return Platform.kubernetes(chosen.namespace, chosen.context)
    return Platform.local(state)


def local_only(command: str) -> None:
    """Refuse a command that has nothing to do on a cluster."""
    if place.get().target is not TargetName.local:
        raise typer.BadParameter(f"`{command}` is of the local platform only; leave out --target.")


def service_of(state: Path | None, name: str) -> Service:
    """The service that the command is about."""
    return platform_of(state).service(name)


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
