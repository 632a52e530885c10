"""A request's head, whatever brought it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import urandom
from typing import NamedTuple

from fastapi import Request

EVENT_TIME = b"tenfold-event-time"
_ACCEPTABLE_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class Head(NamedTuple):
    """A request's headers, their names in lower case, and the parameters of its path."""

    headers: Mapping[bytes, bytes]
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, request: Request) -> Head:
        """That of a request to the app."""
        return cls(dict(request.scope["headers"]), request.path_params)

    def get(self, name: bytes) -> str | None:
        """The value of a header."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def identity(self) -> str:
        """The request's own `X-Request-Id` if it is a decent one, else a new one."""
        given = self.headers.get(b"x-request-id")
        return given.decode() if given and _ACCEPTABLE_ID.fullmatch(given) else urandom(16).hex()
