"""All kinds of attack, in the order of the table."""

from __future__ import annotations

from ..errors import InvalidChoice
from . import http_kinds, rpc_kinds
from .kind import Kind

ALL = (*http_kinds.KINDS, *rpc_kinds.KINDS)


def named(name: str) -> Kind:
    """The kind of that name.

    Raises:
        InvalidChoice: there is none.
    """
    for kind in ALL:
        if kind.name == name:
            return kind
    raise InvalidChoice(f"There is no attack '{name}'. Choose from: {'; '.join(kind.name for kind in ALL)}")
