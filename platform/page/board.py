"""`Board`: what the page knows at the moment, read from the source as seldom as possible.

`app.py` asks it; it asks the source through `Fresh` and keeps the last minutes of traffic. A service whose status
cannot be read is shown with the sentence that says why, and never hides the others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import anyio.to_thread
import orjson

from ...training.errors import TrainingError
from ...training.night import Night
from ..errors import PlatformError, UnknownService
from ..target import Status
from . import form, view
from .errors import ModelUnreachable
from .fresh import Fresh
from .source import Reply, Source
from .traffic import TrafficHistory

log = logging.getLogger(__name__)

PATIENCE = 5  # seconds that a page waits for the platform
SAMPLE_SECONDS = 5  # between two samples of the traffic when nobody looks
CALLS = 8  # at once to model servers, so that a slow model leaves threads for the overview


class Board:
    """The services, their traffic and nights, as plain JSON-able values."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._names = Fresh[str, Sequence[str]](lambda _: source.names(), seconds=1, patience=PATIENCE)
        self._status = Fresh[str, Status](source.status, seconds=1, patience=PATIENCE)
        self._nights = Fresh[str, Sequence[Night]](source.nights, seconds=10, patience=PATIENCE)
        self._forms = Fresh[str, form.Form](self._read_form, seconds=2, patience=20)
        self._traffic: dict[str, TrafficHistory] = {}
        self._calls = anyio.CapacityLimiter(CALLS)

    async def names(self) -> Sequence[str]:
        """The services that exist, sorted."""
        return await self._names.get("services")

    async def overview(self) -> dict[str, Any]:
        """The document that the overview draws."""
        services = await asyncio.gather(*map(self._service, await self._current()))
        return {"time": datetime.now(UTC).isoformat(), "services": services}

    async def form(self, name: str) -> form.Form:
        """What a request to the service consists of, from its own OpenAPI document."""
        await self._require(name)
        return await self._forms.get(name)

    async def ask(self, name: str, path: Literal["/predict", "/feedback"], body: bytes) -> view.Answer:
        """Send `body` to the model server and bring its answer, whatever its status."""
        await self._require(name)
        reply = await anyio.to_thread.run_sync(self._source.call, name, "POST", path, body, limiter=self._calls)
        content = _json(name, path, reply)
        if reply.status < 400:
            return view.Answer(reply.status, content)
        sentence = view.sentence(content, reply.status)
        columns = (await self.form(name)).names if path == "/predict" else ()
        return view.Answer(reply.status, content, sentence, view.named_column(sentence, columns))

    async def watch(self) -> None:
        """Sample the traffic for ever, so that a page that is opened later shows the last minutes.

        The registry is left alone: its library is large, and nobody has asked for nights yet.
        """
        while True:
            try:
                await asyncio.gather(*map(self._sample, await self._current()))
            except PlatformError as e:
                log.warning("The traffic cannot be sampled: %s", e)
            except Exception:
                log.exception("The traffic cannot be sampled")
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _service(self, name: str) -> dict[str, Any]:
        status, trouble = await self._sample(name)
        if status is None:
            return view.unreadable(name, trouble)
        rates = self._traffic[name].rates()
        nights, trouble = await self._read_nights(name)
        return view.service(status, nights, trouble, rates)

    async def _sample(self, name: str) -> tuple[Status | None, str]:
        """The status, its traffic noted; or the sentence that says why there is none."""
        try:
            status = await self._status.get(name)
        except PlatformError as e:
            return None, str(e)
        except Exception:
            log.exception("The status of %s cannot be read", name)
            return None, "Its status cannot be read; the page server's log says why"
        self._traffic.setdefault(name, TrafficHistory()).add(time.time(), status.traffic)
        return status, ""

    async def _read_nights(self, name: str) -> tuple[Sequence[Night], str]:
        try:
            return await self._nights.get(name), ""
        except (PlatformError, TrainingError) as e:
            return (), str(e)
        except Exception:
            log.exception("The nights of %s cannot be read", name)
            return (), "The nights cannot be read; the page server's log says why"

    def _read_form(self, name: str) -> form.Form:
        reply = self._source.call(name, "GET", "/openapi.json")
        content = _json(name, "/openapi.json", reply)
        if reply.status != 200:
            raise ModelUnreachable(view.sentence(content, reply.status))
        return form.from_openapi(content)

    async def _require(self, name: str) -> None:
        names = await self.names()
        if name not in names:
            raise UnknownService(name, tuple(names))

    async def _current(self) -> Sequence[str]:
        """The services that exist; what is known of others is forgotten."""
        names = await self.names()
        for cache in (self._status, self._nights, self._forms):
            cache.keep_only(set(names))
        for gone in self._traffic.keys() - set(names):
            del self._traffic[gone]
        return names


def _json(name: str, path: str, reply: Reply) -> dict[str, Any]:
    try:
        content = orjson.loads(reply.body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ModelUnreachable(f"The model server of '{name}' answered {reply.status} without JSON to {path}")
    return content
