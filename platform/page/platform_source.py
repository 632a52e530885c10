"""`PlatformSource`: the page's data from a platform, and its try-it calls to the model servers of that platform.

A call goes to the address that the platform's own status names, never to one that came with a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import httpx

from ...training.night import Night
from ..api import Platform
from ..target import Status
from .errors import ModelUnreachable, SourceTooSlow
from .source import Reply

REPLY_BYTES = 4 * 2**20


class PlatformSource:
    """A `Source` over `platform`; `timeout` in seconds bounds one call to a model server."""

    def __init__(self, platform: Platform, *, timeout: float = 20) -> None:
        self._platform = platform
        # trust_env: a proxy of the environment has no business between the page and its own model servers.
        self._http = httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False)

    def names(self) -> Sequence[str]:
        """The services that exist, sorted."""
        return self._platform.target.names

    def status(self, name: str) -> Status:
        """Desired and actual state of one service."""
        return self._platform.target.status(name)

    def nights(self, name: str) -> Sequence[Night]:
        """What retraining did, in any order."""
        return self._platform.registry.nights(name)

    def call(self, name: str, method: Literal["GET", "POST"], path: str, body: bytes | None = None) -> Reply:
        """Ask the service's model server."""
        base = self._platform.address(name).rstrip("/")
        headers = {b"Content-Type": b"application/json"} if body is not None else {}
        if key := self._platform.api_key(name):
            headers[b"Authorization"] = f"Bearer {key}".encode()
        try:
            with self._http.stream(method, base + path, content=body, headers=headers) as response:
                return Reply(response.status_code, _bounded(name, response))
        except httpx.TimeoutException as e:
            raise SourceTooSlow(
                f"The model server of '{name}' at {base} does not answer in time. See: tenfold logs {name}"
            ) from e
        except httpx.HTTPError as e:
            raise ModelUnreachable(
                f"The model server of '{name}' at {base} cannot be reached ({e}). See: tenfold status {name}"
            ) from e

    def close(self) -> None:
        """Close the connections to the model servers."""
        self._http.close()


def _bounded(name: str, response: httpx.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > REPLY_BYTES:
            raise ModelUnreachable(
                f"The model server of '{name}' answered more than {REPLY_BYTES} bytes; ask it directly for more rows"
            )
        chunks.append(chunk)
    return b"".join(chunks)
