"""Request bodies in, JSON answers out: what all protocols share of reading and writing.

A body is refused while it is being read, whether it announced its length or came in chunks, so no client can make
the server hold more than `max_body_bytes`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import orjson
from fastapi import Request, Response
from starlette.requests import ClientDisconnect

from ..errors import BodyTooLarge, InvalidInput, UnsupportedMediaType
from .head import Head

JSON = "application/json"
_JSON = JSON.encode()
_CHARSET = re.compile(r'\bcharset\s*=\s*"?([^";\s]*)', re.IGNORECASE)

# A client that is still sending when we close does not read our 413 but sees a reset connection. So we first take in
# what it sends and throw it away, within these limits.
_DISCARD_BYTES = 64 * 2**20
_DISCARD_SECONDS = 5.0


async def read(request: Request, limit: int) -> bytes:
    """The request's body.

    Raises:
        BodyTooLarge: more than `limit` bytes, announced or sent.
        ClientDisconnect: the client went away.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        if "expect" not in request.headers:
            await _discard(request)
        raise BodyTooLarge(int(announced), limit)
    body = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            if more:
                await _discard(request)
            raise BodyTooLarge(None, limit)
    return bytes(body)


async def _discard(request: Request) -> None:
    seen = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            while seen < _DISCARD_BYTES:
                message = await request.receive()
                seen += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def is_json(head: Head) -> bool:
    """Whether the body is said to be JSON, in the words of nearly all clients; `media_type` knows the others too."""
    return head.headers.get(b"content-type", _JSON) == _JSON and b"content-encoding" not in head.headers


def media_type(head: Head, *supported: str) -> str:
    """The body's media type, one of `supported`; a body without a Content-Type is taken for the first of them.

    Raises:
        UnsupportedMediaType: another media type or charset, or a compressed body.
    """
    encoding = head.get(b"content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise UnsupportedMediaType(f"with Content-Encoding '{encoding}", [f"{t}, not compressed" for t in supported])
    given = head.get(b"content-type")
    if given is None or given in supported:
        return given or supported[0]
    bare, _, parameters = given.partition(";")
    bare = bare.strip().lower()
    if bare not in supported:
        raise UnsupportedMediaType(given, supported)
    if parameters and (charset := _CHARSET.search(parameters)) and charset[1].lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(given, [f"{bare} in UTF-8"])
    return bare


def document(head: Head, body: bytes) -> Any:
    """The JSON document of a request, of any kind. Raises as `media_type` and `parse` do."""
    if not is_json(head):
        media_type(head, JSON)
    return parse(body)


def object_of(head: Head, body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises as `media_type` and `parse_object` do."""
    if not is_json(head):
        media_type(head, JSON)
    return parse_object(body)


def parse(body: bytes) -> Any:
    """The JSON document in `body`.

    Raises:
        InvalidInput: an empty body or broken JSON, with the place.
    """
    if not body:
        raise InvalidInput("The request has no body. Send a JSON document; /docs has one to start from")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as e:
        nan = ". JSON has no NaN or Infinity: write null" if b"NaN" in body or b"Infinity" in body else ""
        raise InvalidInput(f"The body is no valid JSON: {e.msg} at line {e.lineno}, column {e.colno}{nan}") from e


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises as `parse` does, and for any other JSON value."""
    document = parse(body)
    if not isinstance(document, dict):
        raise InvalidInput(f"The body is a JSON {_JSON_NAMES[type(document)]}, no object. Send an object: {{...}}")
    return cast("dict[str, Any]", document)


_JSON_NAMES: dict[type, str] = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


class Written(Response):
    """An answer whose bytes are there already, made without what Response's own constructor tries out."""

    def __init__(self, body: bytes, media: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.status_code, self.background, self.body = status, None, body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", media)]
        if headers:
            self.raw_headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def reply(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`content` as a JSON answer; numpy arrays are lists and NaN is null."""
    return Written(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), _JSON, status, headers)


def values(output: np.ndarray[Any, Any]) -> Any:
    """An output of the model as something that `reply` can write: numbers as they are, all else as a list."""
    return output if output.dtype.kind in "biuf" and output.flags.c_contiguous else output.tolist()
