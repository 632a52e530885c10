"""Commands that wish for a state of a service, look at it, and take it away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import NameArgument, StateOption, interruptible, output, platform_of, service_of

if TYPE_CHECKING:
    from ..api import Platform
    from ..spec import ServiceSpec

DIFFERS = 2

OptionalName = Annotated[str | None, typer.Argument(help="Name of the service.", show_default=False)]
FileOption = Annotated[
    Path | None, typer.Option("--file", "-f", help="YAML or JSON file with the fields of the service, `name` included.")
]
VersionOption = Annotated[
    str | None,
    typer.Option(help="Version of the model.", show_default="the served one; for a new service the champion"),
]
ReplicasOption = Annotated[int | None, typer.Option(help="Model servers behind the one address.", show_default="10")]
PortOption = Annotated[int | None, typer.Option(help="Port that the service listens on.", show_default="8080")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="FIELD=VALUE", help="Any field of the spec, e.g. retraining.window_days=7. Repeatable."
    ),
]


def deploy(
    name: OptionalName = None,
    file: FileOption = None,
    version: VersionOption = None,
    replicas: ReplicasOption = None,
    port: PortOption = None,
    settings: SetOption = None,
    rollback: Annotated[bool, typer.Option(help="Go back to what served before when this does not serve.")] = True,
    state: StateOption = None,
) -> None:
    """Make a service what it should be, in the background, and return when it is ready."""
    platform = platform_of(state)
    spec = wished(platform, name, file, version, replicas, port, settings)
    with interruptible(spec.name):
        service = platform.deploy(spec, roll_back=rollback)
    output().print(service)


def plan(
    name: OptionalName = None,
    file: FileOption = None,
    version: VersionOption = None,
    replicas: ReplicasOption = None,
    port: PortOption = None,
    settings: SetOption = None,
    state: StateOption = None,
) -> None:
    """Show what `deploy` with the same arguments would change. Exit codes: 0 nothing, 1 error, 2 something."""
    from ..display import changes_view

    platform = platform_of(state)
    changes = platform.plan(wished(platform, name, file, version, replicas, port, settings))
    output().print(changes_view(changes))
    raise typer.Exit(DIFFERS if changes else 0)


def render(
    name: OptionalName = None,
    file: FileOption = None,
    version: VersionOption = None,
    replicas: ReplicasOption = None,
    settings: SetOption = None,
    state: StateOption = None,
) -> None:
    """Print the YAML that `deploy` with the same arguments would apply to a cluster, to keep it in Git."""
    platform = platform_of(state)
    typer.echo(platform.render(wished(platform, name, file, version, replicas, None, settings)), nl=False)


def wished(
    platform: Platform,
    name: str | None,
    file: Path | None,
    version: str | None,
    replicas: int | None,
    port: int | None,
    settings: list[str] | None,
) -> ServiceSpec:
    """The spec that the arguments describe; what they leave open stays as it is."""
    fields = _fields_of(file) if file else {}
    for item in settings or ():
        _set(fields, item)
    given = {"replicas": replicas, "port": port}
    fields |= {key: value for key, value in given.items() if value is not None}
    name = name or fields.get("name")
    if not name:
        raise typer.BadParameter("Name the service, or give a --file that does.")
    fields.pop("name", None)
    return platform.spec(name, version=version, **fields)


def _fields_of(file: Path) -> dict[str, Any]:
    try:
        fields = _yaml(file.read_text())
    except (OSError, UnicodeDecodeError) as e:
        raise typer.BadParameter(f"{file} cannot be read: {e}") from e
    if not isinstance(fields, dict):
        raise typer.BadParameter(f"{file} holds no fields; write for example `name: flight-delay`.")
    return fields


def _set(fields: Any, item: str) -> None:
    """Set a dotted field, as in `retraining.window_days=7`, in nested dicts."""
    path, equals, text = item.partition("=")
    if not equals or not path:
        raise typer.BadParameter(f"--set takes FIELD=VALUE, e.g. replicas=4, not '{item}'.")
    *parents, last = path.split(".")
    for parent in parents:
        fields = fields.setdefault(parent, {})
        if not isinstance(fields, dict):
            raise typer.BadParameter(f"'{item}' sets a part of {parent}, which is set as a whole before.")
    fields[last] = _yaml(text)


def _yaml(text: str) -> Any:
    """YAML with every scalar left as text, for the spec to convert: YAML itself would read 12:30 as 750."""
    import yaml

    try:
        return _with_nulls(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506 - it builds plain values only
    except yaml.YAMLError as e:
        raise typer.BadParameter(f"This is not valid YAML: {e}") from e


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nulls(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_with_nulls(v) for v in value]
    return None if value in {"null", "~", ""} else value


def status(
    name: OptionalName = None,
    json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it until Ctrl-C.")] = False,
    state: StateOption = None,
) -> None:
    """Show desired and actual state of one service, or of all."""
    platform = platform_of(state)
    if json:
        seen = [platform.target.status(name)] if name else platform.statuses()
        items = ",\n".join(s.model_dump_json(indent=2) for s in seen)
        typer.echo(items if name else f"[{items}]")
    elif watch:
        from rich.live import Live

        often = 1 / platform.target.poll_seconds
        with Live(console=output(), get_renderable=lambda: _view(platform, name), refresh_per_second=often):
            _until_interrupted()
    else:
        output().print(_view(platform, name))


def _until_interrupted() -> None:
    import threading

    threading.Event().wait()


def _view(platform: Platform, name: str | None) -> Any:
    from ..display import status_view, statuses_view

    if name:
        return status_view(platform.target.status(name))
    seen = platform.statuses()
    return (
        statuses_view(seen) if seen else "No service is deployed. Deploy a registered model with: tenfold deploy NAME"
    )


def doctor(
    file: FileOption = None,
    settings: SetOption = None,
    state: StateOption = None,
) -> None:
    """Look at the cluster's namespace before anything is applied. Exit code 1 when something stands in the way."""
    from ..spec import ServiceSpec

    fields: dict[str, Any] = _fields_of(file) if file else {}
    for item in settings or ():
        _set(fields, item)
    diagnosis = platform_of(state).doctor(ServiceSpec.of(**{"name": "x", "model": "models:/x/1", **fields}))
    output().print(diagnosis)
    if not diagnosis.healthy:
        raise typer.Exit(1)


def explain(name: NameArgument, state: StateOption = None) -> None:
    """Say why a service is not ready: what its replicas wait for, how they ended, and what would help."""
    output().print(service_of(state, name).explain())


def logs(
    name: NameArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they write, until Ctrl-C.")] = False,
    previous: Annotated[
        bool, typer.Option("--previous", "-p", help="What those wrote that ended, or before their last restart.")
    ] = False,
    state: StateOption = None,
) -> None:
    """Print what the replicas wrote, each line after its replica's name."""
    for line in service_of(state, name).logs(follow=follow, previous=previous):
        typer.echo(f"{line.replica} {line.text}")


def scale(
    name: NameArgument,
    replicas: Annotated[int, typer.Argument(help="How many.", show_default=False)],
    state: StateOption = None,
) -> None:
    """Run that many replicas, without losing a request on the way."""
    service = service_of(state, name)
    with interruptible(name):
        service.scale(replicas)
    output().print(service)


def rollback(name: NameArgument, state: StateOption = None) -> None:
    """Serve the version before the newest change of version again."""
    service = service_of(state, name)
    with interruptible(name):
        service.rollback()
    output().print(service)


def delete(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    state: StateOption = None,
) -> None:
    """Stop a service and forget it; its models and data are kept."""
    service = service_of(state, name)
    if not yes:
        typer.confirm(f"Stop and forget {name}?", abort=True)
    for kept in service.delete():
        typer.echo(f"kept: {kept}")
