"""The settings as a page: `python -m tenfold.serving.reference > docs/settings.md` (`make docs`); a test compares."""

from __future__ import annotations

import sys
from typing import Any

from pydantic import SecretStr

from .options import PREFIX, ServerOptions
from .settings import Settings

_HEAD = """# Settings of the model server

From the environment, or as flags of `python -m tenfold.serving` (`--max_rows 100`). `tenfold serve` has the most used
as options. An empty variable counts as none. Those with a field are set for all replicas of a service by its spec:
`tenfold deploy NAME --set server.max_rows=100`.

| setting | default | field of a spec | meaning |
| --- | --- | --- | --- |
"""


def reference() -> str:
    """The page, as Markdown."""
    own = [name for name in Settings.model_fields if name not in ServerOptions.model_fields]
    return _HEAD + "".join(map(_row, (*own, *ServerOptions.model_fields)))


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    default = "" if field.is_required() else _shown(field.default)
    of_spec = f"`server.{name}`" if name in ServerOptions.model_fields else ""
    return f"| `{PREFIX}{name.upper()}` | {default} | {of_spec} | {field.description} |\n"


def _shown(default: Any) -> str:
    if default in (None, (), "") or isinstance(default, SecretStr):
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:.10g}" if isinstance(default, int | float) else str(default)


if __name__ == "__main__":
    sys.stdout.write(reference())
