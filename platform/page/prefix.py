"""The path prefix that requests arrive with when a proxy does not strip it.

`app.py` puts it around its routes. They see the same paths either way; requests without the prefix pass untouched,
so that probes and a proxy that does strip need no setting.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class WithoutPrefix:
    """An ASGI app that takes `prefix` (e.g. "/app") off the path. Of the prefix alone an empty path is left."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and (scope["path"] + "/").startswith(self._prefix + "/"):
            scope = {**scope, "path": scope["path"].removeprefix(self._prefix)}
        await self._app(scope, receive, send)
