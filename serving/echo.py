"""How a client's value is shown in a sentence."""

from __future__ import annotations


def echo(value: object, *, limit: int = 200) -> str:
    """The value as text of at most `limit` characters."""
    text = str(value)
    return text if len(text) <= limit else text[: limit - 4] + " ..."
