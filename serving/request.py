"""A request's head, whatever brought it. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

EVENT_TIME = b"tenfold-event-time"
ONCE = frozenset({b"authorization", b"content-type", b"content-encoding", EVENT_TIME})
"""Headers of which two mean two different requests: a proxy may go by the one and the server by the other."""
_ACCEPTABLE_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_AT_ONCE = 1024
_new_ids: list[str] = []
# Whoever is forked would make the same ids.
os.register_at_fork(after_in_child=_new_ids.clear)


class RequestHead(NamedTuple):
    """A request's headers, their names in lower case, and the parameters of its path.

    Attributes:
        deadline: until when its client waits, of `time.monotonic()`; what handles the request is told it.
    """

    headers: Mapping[bytes, bytes]
    parameters: Mapping[str, str]
    deadline: float = float("inf")

    def get(self, name: bytes) -> str | None:
        """The value of a header."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def request_id(self) -> str:
        """The request's own `X-Request-Id` if it is printable ASCII of at most 128 characters, else a new one."""
        given = self.headers.get(b"x-request-id")
        return given.decode() if given and _ACCEPTABLE_ID.fullmatch(given) else _new_id()


def _new_id() -> str:
    """32 random hexadecimal digits. For one thread of a process."""
    if not _new_ids:
        noise = os.urandom(16 * _AT_ONCE).hex()
        _new_ids.extend([noise[i : i + 32] for i in range(0, len(noise), 32)])
    return _new_ids.pop()
