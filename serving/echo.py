"""How a client's value is shown in a sentence: short, on one line, and never at the price of its whole size.

Whatever a client sent and an error, a header or a log line repeats goes through `echo`. Imports nothing of tenfold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

LONGEST = 200
"""Characters of an echo, at most."""
_DEEPEST = 8  # levels of nested lists and objects that are shown
_MORE = " ..."
_CONSTANTS = {True: "true", False: "false", None: "null"}


def echo(value: object, *, limit: int = LONGEST) -> str:
    """`value` as a sentence shows it, in at most `limit` characters: text as it is, all else as JSON would write it.

    Costs as much as what it shows, however large the value is. Control characters, line ends, marks of writing
    direction and lone surrogates are escaped. Never raises.
    """
    said = ""
    for piece in [_text(value, limit)] if isinstance(value, str) else _pieces(value, limit, 0):
        said += piece
        if len(said) > limit:
            return said[: limit - len(_MORE)] + _MORE
    return said


def _text(value: str, limit: int) -> str:
    start = value[: limit + 1]
    return start if start.isprintable() else "".join([c if c.isprintable() else repr(c)[1:-1] for c in start])


def _pieces(value: Any, limit: int, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield f'"{_text(value, limit)}"'
    elif value is None or isinstance(value, bool):
        yield _CONSTANTS[value]
    elif isinstance(value, Mapping):
        yield from _nested(cast("Mapping[Any, Any]", value), "{}", limit, depth)
    elif isinstance(value, list | tuple):
        yield from _nested(cast("list[Any]", value), "[]", limit, depth)
    else:
        yield _scalar(value, limit)


def _nested(items: Mapping[Any, Any] | list[Any], brackets: str, limit: int, depth: int) -> Iterator[str]:
    yield brackets[0]
    if items and depth == _DEEPEST:
        yield "..."
    else:
        for number, item in enumerate(items):
            if number:
                yield ", "
            yield from _pieces(item, limit, depth + 1)
            if isinstance(items, Mapping):
                yield ": "
                yield from _pieces(items[item], limit, depth + 1)
    yield brackets[1]


def _scalar(value: Any, limit: int) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return _text(bytes(value[: limit + 1]).decode(errors="backslashreplace"), limit)
    if isinstance(value, int) and value.bit_length() > 3 * limit:  # Python refuses to write out 4,300 digits
        return f"an integer of {value.bit_length()} bits"
    try:
        return _text(str(value), limit)
    except Exception:  # of a type that nobody here knows
        return type(value).__name__
