"""The commands and their options as a page: `python -m tenfold.platform.cli.reference > docs/cli.md` (`make docs`).

Made from the same definitions that the commands run by, so nothing in it can be out of date; a test compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer
from pydantic import BaseModel

from ..spec import ServiceSpec
from .app import EXIT_CODES, PANELS, app

HEAD = """# The command line

`tenfold COMMAND --help` says the same. Every command is a method of `Platform` or `Service` by the same name.
An error is one sentence on stderr that says what happened, with which value, and what to do next.

| exit code | meaning |
| --- | --- |
"""
TARGET_HEAD = """
## Before the command

`tenfold --target kubernetes --namespace ml status`, say.

| | default | meaning |
| --- | --- | --- |
"""
FIELDS_HEAD = """
## Fields of a service

What `--set` and a `--file` take, and `deploy(...)` in Python, where those with a dot are nested dicts.

| field | default | meaning |
| --- | --- | --- |
"""


def reference() -> str:
    """The page, as Markdown."""
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items())
    commands: dict[str, Any] = getattr(typer.main.get_command(app), "commands", {})
    named = {name: command for name, command in commands.items() if not command.hidden}
    by_panel = {
        panel: [(name, command) for name, command in named.items() if command.rich_help_panel == panel]
        for panel in PANELS
    }
    sections = (
        f"\n## {panel}\n" + "".join(_command(name, command) for name, command in members)
        for panel, members in by_panel.items()
    )
    everywhere = TARGET_HEAD + "".join(_rows(typer.main.get_command(app)))
    return HEAD + codes + everywhere + "".join(sections) + FIELDS_HEAD + "".join(_fields(ServiceSpec))


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            yield from _fields(nested, f"{prefix}{name}.")
            continue
        default = field.get_default() if not field.is_required() else None
        shown = "" if default in (None, ()) else str(default)
        yield f"| `{prefix}{name}` | {shown} | {field.description} |\n"


def _command(name: str, command: Any) -> str:
    arguments = " ".join(_argument(p) for p in command.params if p.param_type_name == "argument")
    usage = " ".join(part for part in ("tenfold", name, arguments) if part)
    rows = list(_rows(command))
    table = "\n| | default | meaning |\n| --- | --- | --- |\n" + "".join(rows) if rows else ""
    return f"\n### {name}\n\n    {usage}\n\n{command.help}\n{table}"


def _argument(parameter: Any) -> str:
    name = parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _rows(command: Any) -> Iterator[str]:
    for parameter in command.params:
        if "--help" in parameter.opts:
            continue
        names = ", ".join(f"`{o}`" for o in parameter.opts)
        if parameter.param_type_name == "argument":
            names = f"`{_argument(parameter)}`"
        meaning = parameter.help + (f" Environment: `{parameter.envvar}`." if parameter.envvar else "")
        yield f"| {names} | {_default(parameter)} | {meaning.replace('|', chr(92) + '|')} |\n"


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    value = parameter.default
    if value is None or value is False or value == "" or parameter.required or not parameter.show_default:
        return ""
    return f"{value:%Y-%m-%d}" if hasattr(value, "strftime") else str(value)


if __name__ == "__main__":
    sys.stdout.write(reference())
