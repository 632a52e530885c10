"""How values look in a terminal and in a notebook: one rich rendering for both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ..training.night import Night
    from .target import Change, Status

COLOURS = {
    "ready": "green",
    "progressing": "cyan",
    "starting": "cyan",
    "draining": "dim",
    "degraded": "yellow",
    "unready": "yellow",
    "failed": "red",
    "crashed": "red",
    "stopped": "dim",
    "promoted": "green",
    "kept": "cyan",
    "skipped": "yellow",
    "rolled back": "red",
}


class Shown:
    """Prints itself as text, and shows itself as HTML in a notebook, the way it looks in a terminal."""

    def __rich__(self) -> RenderableType:
        raise TypeError(f"{type(self).__name__} has no view")

    def __str__(self) -> str:
        return self._recorded().export_text().rstrip()

    def _repr_html_(self) -> str:
        return self._recorded().export_html(inline_styles=True, code_format="<pre>{code}</pre>")

    def _recorded(self) -> Console:
        import io

        from rich.console import Console

        # Not a notebook's own console: that would display what is only to be turned into HTML here.
        console = Console(record=True, file=io.StringIO(), width=110, force_jupyter=False)
        console.print(self)
        return console


def coloured(word: str) -> str:
    """The word in the colour of its meaning, as rich markup."""
    colour = COLOURS.get(word, "default")
    return f"[{colour}]{word}[/]"


def status_view(status: Status) -> RenderableType:
    """A service on one screen: verdict, replicas, addresses, traffic."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    spec = status.spec
    head = Text.from_markup(
        f"[bold]{status.name}[/] {coloured(status.verdict)}  version {spec.version}, "
        f"{status.ready}/{spec.replicas} replicas, revision {status.revision}\n{escape(status.reason)}"
    )
    facts = Table.grid(padding=(0, 2))
    facts.add_row("model", status.url)
    facts.add_row("page", status.page_url)
    if status.registry_url:
        facts.add_row("registry", status.registry_url)
    for seen in status.traffic:
        facts.add_row(f"version {seen.version}", f"{seen.requests} requests, {seen.errors} errors")
    if status.restarts:
        facts.add_row("restarts", f"{status.restarts} replicas ended, or answered no more, and were replaced")
    facts.add_row("next run", f"{status.next_run:%Y-%m-%d %H:%M %Z}" if status.next_run else "not scheduled")
    if not status.replicas:
        return Group(head, facts)
    replicas = Table(box=None, pad_edge=False)
    for column in ("replica", "state", "version", "pid", "since", "reason"):
        replicas.add_column(column)
    for r in status.replicas:
        since = f"{r.started.astimezone():%H:%M:%S}" if r.started else ""
        replicas.add_row(r.id, coloured(r.state), r.version, str(r.pid or ""), since, escape(r.reason))
    return Group(head, facts, replicas)


def statuses_view(statuses: Sequence[Status]) -> RenderableType:
    """All services, a line each."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("service", "verdict", "version", "ready", "url", "reason"):
        table.add_column(column)
    for s in statuses:
        ready = f"{s.ready}/{s.spec.replicas}"
        table.add_row(s.name, coloured(s.verdict), s.spec.version, ready, s.url, escape(s.reason))
    return table


def changes_view(changes: Sequence[Change]) -> RenderableType:
    """A plan as a diff, a field a line."""
    from rich.text import Text

    lines: list[Text] = []
    for change in changes:
        if change.before is not None:
            lines.append(Text(f"- {change.field}: {change.before}", style="red"))
        if change.after is not None:
            lines.append(Text(f"+ {change.field}: {change.after}", style="green"))
    return Text("\n").join(lines) if lines else Text("Nothing would change.")


def nights_view(nights: Sequence[Night]) -> RenderableType:
    """Nights, a line each."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("date", "outcome", "rows", "champion", "challenger", "reason"):
        table.add_column(column)
    for night in nights:
        table.add_row(
            f"{night.date}",
            coloured(night.outcome),
            str(night.rows),
            night.champion or "",
            night.challenger or "",
            escape(night.reason),
        )
    return table
