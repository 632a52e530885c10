"""`Client` and `AsyncClient`: the same calls, sent by httpx's two clients. Constructing them opens no connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.request import getproxies

import httpx

from .answers import Answer, Receipt
from .errors import Unsendable
from .steps import Calls, Reply, Send, Steps

T = TypeVar("T")
_GRACE_SECONDS = 0.1
Ids = str | Iterable[str] | Mapping[str, Any]

RETRIES = 5
"""Tries after the first one: about three seconds, in which a killed replica's siblings have long answered."""

TIMEOUT = 30.0
"""Seconds that a call may take."""

CONNECT_SECONDS = 2.0
"""A machine that does not take a connection in that time is given up, and another one tried."""

SILENT_SECONDS = 5
"""A connection whose other end acknowledges nothing for that long has broken: the machine died, or the network."""


class Client:
    """Calls a model server, and sends again what a dying or starting server left unanswered.

        with Client("http://127.0.0.1:8080") as client:
            answer = client.predict([{"distance": 1400}])
            client.feedback(answer.ids, [1])

    May be shared between threads.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        retries: int = RETRIES,
        timeout: float = TIMEOUT,
        api_key: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """
        Args:
            url: Address of the server, with the path prefix if there is one.
            name: Name of the model; None: read from the server when it is needed.
            retries: Tries after the first one, for connections that break, for 502 and 503, and for 429 with a
                Retry-After. Connections that nobody takes do not count: they are tried as long as there is time.
            timeout: Seconds that a call may take, all its tries and what it waits between them together.
            api_key: Sent as a bearer token.
            transport: Takes the place of the network, for tests and for proxies of your own.

        Raises:
            Unsendable: `url` is not an address.
        """
        self.url = _address(url)
        self._calls = Calls(self.url, name, retries, timeout)
        self._http = httpx.Client(**_options(self.url, api_key, transport, httpx.HTTPTransport))

    def predict(self, rows: Any, *, outputs: Sequence[str] | None = None, event_time: datetime | None = None) -> Answer:
        """Predict n rows.

        Args:
            rows: DataFrame, list of dicts or lists, 2-D array, dict of columns, or a dict for a single row.
            outputs: Methods to call, e.g. ["predict_proba"]; they come in `Answer.outputs`.
            event_time: When the rows happened, to replay past traffic; the server must allow it.

        Raises:
            ClientError: see `tenfold.serving.client.errors`.
        """
        return self._carry_out(self._calls.predict(rows, outputs, event_time))

    def feedback(self, ids: Ids, labels: Any = None, *, event_time: datetime | None = None) -> Receipt:
        """Say what turned out to be true; the same label may be sent again, another one replaces it.

        Args:
            ids: n ids of predictions, or a mapping of id to label.
            labels: n labels, unless `ids` is a mapping.
            event_time: When it became known, to replay past traffic; the server must allow it.

        Returns:
            What became of each label.

        Raises:
            ClientError: see `tenfold.serving.client.errors`.
        """
        return self._carry_out(self._calls.feedback(ids, labels, event_time))

    def ready(self) -> bool:
        """Whether the server answers and is ready for predictions. Asks once."""
        return self._carry_out(self._calls.ready())

    def metadata(self) -> dict[str, Any]:
        """What the model takes and gives, as the Open Inference Protocol writes it.

        Raises:
            ClientError: see `tenfold.serving.client.errors`.
        """
        return self._carry_out(self._calls.metadata())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _carry_out(self, steps: Steps[T]) -> T:
        reply: Reply = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                return end.value
            if isinstance(step, Send):
                try:
                    reply = self._send(step)
                except httpx.HTTPError as e:
                    reply = e
            else:
                reply = time.sleep(step.seconds)

    def _send(self, step: Send) -> httpx.Response:
        """The whole response. httpx bounds each wait for a part of it, not all of them together."""
        over = time.monotonic() + step.seconds
        response = self._http.send(_request(self._http, self.url, step), stream=True)
        try:
            content = bytearray()
            for part in response.iter_raw():
                if time.monotonic() > over:
                    raise httpx.ReadTimeout("the response takes too long")
                content += part
        finally:
            response.close()
        status, reason = response.status_code, {"reason_phrase": response.reason_phrase.encode()}
        return httpx.Response(status, headers=response.headers, content=bytes(content), extensions=reason)


class AsyncClient:
    """`Client` for asyncio: the same arguments, calls and errors. May be shared between tasks."""

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        retries: int = RETRIES,
        timeout: float = TIMEOUT,
        api_key: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """As `Client`."""
        self.url = _address(url)
        self._calls = Calls(self.url, name, retries, timeout)
        self._http = httpx.AsyncClient(**_options(self.url, api_key, transport, httpx.AsyncHTTPTransport))

    async def predict(
        self, rows: Any, *, outputs: Sequence[str] | None = None, event_time: datetime | None = None
    ) -> Answer:
        """As `Client.predict`."""
        return await self._carry_out(self._calls.predict(rows, outputs, event_time))

    async def feedback(self, ids: Ids, labels: Any = None, *, event_time: datetime | None = None) -> Receipt:
        """As `Client.feedback`."""
        return await self._carry_out(self._calls.feedback(ids, labels, event_time))

    async def ready(self) -> bool:
        """As `Client.ready`."""
        return await self._carry_out(self._calls.ready())

    async def metadata(self) -> dict[str, Any]:
        """As `Client.metadata`."""
        return await self._carry_out(self._calls.metadata())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    async def _carry_out(self, steps: Steps[T]) -> T:
        reply: Reply = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                return end.value
            if isinstance(step, Send):
                try:
                    # httpx bounds each wait for a part of it, and says of each what was waited for.
                    async with asyncio.timeout(step.seconds + _GRACE_SECONDS):
                        reply = await self._http.send(_request(self._http, self.url, step))
                except TimeoutError:
                    reply = httpx.ReadTimeout("the response takes too long")
                except httpx.HTTPError as e:
                    reply = e
            else:
                reply = await asyncio.sleep(step.seconds)


def _address(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as e:
        raise Unsendable(f"{url!r} is not an address: {e}. Write e.g. http://127.0.0.1:8080") from e
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Unsendable(f"{url!r} is not the address of a server. Write e.g. http://127.0.0.1:8080")
    return url.rstrip("/")


def _options(url: str, api_key: str | None, transport: T | None, kind: Callable[..., T]) -> dict[str, Any]:
    headers = {b"Authorization": b"Bearer " + _key(api_key)} if api_key else {}
    # Reading all certificate authorities takes some 20 ms; plain HTTP needs none, and this context trusts nobody.
    verify = httpx.URL(url).scheme == "https" or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A proxy from the environment cannot reach this machine's loopback, so there the environment is ignored.
    trust_env = not _is_loopback(httpx.URL(url).host)
    if transport is None and not (trust_env and getproxies()):  # httpx asks for proxies only without a transport
        transport = kind(verify=verify, trust_env=trust_env, socket_options=_NOTICE_SILENCE)
    return {"transport": transport, "headers": headers, "verify": verify, "trust_env": trust_env}


def _key(api_key: str) -> bytes:
    try:
        if api_key.strip() == api_key and api_key.isprintable():
            return api_key.encode()
    except UnicodeEncodeError:
        pass
    # The key itself is nobody's to see.
    raise Unsendable(
        "The API key has a line break, a space at its end, or another character that no header can have. "
        "Give it without: api_key=file.read_text().strip()"
    )


def _silence_options() -> list[tuple[int, int, int]]:
    """Socket options that notice a dead peer. A slow response does not count: its system still acknowledges."""
    found = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    options = {
        "TCP_USER_TIMEOUT": SILENT_SECONDS * 1000,
        # macOS has its own name for the first; both say how long to be idle before asking whether anybody is there.
        "TCP_KEEPALIVE": SILENT_SECONDS,
        "TCP_KEEPIDLE": SILENT_SECONDS,
        "TCP_KEEPINTVL": 1,
        "TCP_KEEPCNT": SILENT_SECONDS,
    }
    for name, value in options.items():
        if (option := getattr(socket, name, None)) is not None:
            found.append((socket.IPPROTO_TCP, option, value))
    return found


_NOTICE_SILENCE: Final = _silence_options()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _request(http: httpx.Client | httpx.AsyncClient, url: str, step: Send) -> httpx.Request:
    message, limits = step.message, httpx.Timeout(step.seconds, connect=min(step.seconds, CONNECT_SECONDS))
    return http.build_request(
        message.method, url + message.path, content=message.content, headers=message.headers, timeout=limits
    )
