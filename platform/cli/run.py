"""Commands that run something: one server, or the whole platform in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .common import StateOption, local_only, output, platform_of
from .services import FileOption, OptionalName, PortOption, ReplicasOption, SetOption, VersionOption, wished

if TYPE_CHECKING:
    from ..api import Platform


def serve(
    model: Annotated[str, typer.Argument(help="MLflow model URI, or a model folder.", show_default=False)],
    name: Annotated[str, typer.Option(help="Name in URLs.", show_default="the registered or the folder's name")] = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")] = 8080,
    grpc_port: Annotated[
        int | None, typer.Option(help="Port of gRPC, which needs the extra grpc; 0: any free one.", show_default="none")
    ] = None,
    log_url: Annotated[
        str, typer.Option(envvar="TENFOLD_LOG_URL", help="Database URL of the inference log.", show_default="none kept")
    ] = "",
    registry_uri: Annotated[
        str,
        typer.Option(envvar="TENFOLD_REGISTRY_URI", help="Registry of models:/ URIs.", show_default="that of --state"),
    ] = "",
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Load models that need pickle, which can run any code.")
    ] = False,
    state: StateOption = None,
) -> None:
    """Serve one model from one process, until Ctrl-C."""
    from ...serving.__main__ import serve as run_server
    from ..local.state import State

    if model.startswith("models:") and not registry_uri:
        registry_uri = (State(state) if state else State.default()).registry_uri
    settings = {
        "model": model,
        "name": name,
        "host": host,
        "port": port,
        "grpc_port": grpc_port,
        "log_url": log_url,
        "registry_uri": registry_uri,
        "allow_pickle": allow_pickle,
    }
    raise typer.Exit(run_server(settings))


def up(
    name: OptionalName = None,
    file: FileOption = None,
    version: VersionOption = None,
    replicas: ReplicasOption = None,
    port: PortOption = None,
    settings: SetOption = None,
    state: StateOption = None,
) -> None:
    """Run the whole platform in the foreground until Ctrl-C: all services, the page, the registry, the alarm clock."""
    from ..api import Platform

    local_only("up")
    platform = Platform.local(state, background=False)
    if name or file:
        platform.target.apply(wished(platform, name, file, version, replicas, port, settings))
    if not platform.target.names:
        raise typer.BadParameter("No service is deployed yet; name one, e.g. tenfold up flight-delay.")
    _run(platform)
    typer.echo("Stopped; start it again with: tenfold up")


def _run(platform: Platform) -> None:
    import asyncio

    from rich.live import Live

    from ..display import statuses_view
    from ..local.controller import run_until_signal
    from ..local.target import LocalTarget

    assert isinstance(platform.target, LocalTarget)
    target = platform.target
    console = output()
    if not console.is_terminal:
        for status in platform.statuses():
            typer.echo(f"{status.name} at {status.url}, the page at {status.page_url}")
        asyncio.run(run_until_signal(target.state))
        return
    with Live(
        console=console,
        get_renderable=lambda: statuses_view(platform.statuses()),
        refresh_per_second=2,
    ):
        asyncio.run(run_until_signal(target.state))


def down(state: StateOption = None) -> None:
    """Stop everything that runs; desired state, models and data stay, and `up` or `deploy` starts it again."""
    stopped = platform_of(state).down()
    typer.echo(f"Stopped {stopped} processes." if stopped else "Nothing was running.")
