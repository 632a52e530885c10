"""The documents in request bodies: their media type, and JSON. Pure."""

from __future__ import annotations

import re
from typing import Any, cast

import orjson

from ..errors import InvalidInput, UnsupportedMediaType
from ..request import RequestHead
from ..responses import JSON
from .counting import check_json

_JSON = JSON.encode()
_GZIP = b"\x1f\x8b"
_CHARSET = re.compile(r'\bcharset\s*=\s*"?([^";\s]*)', re.IGNORECASE)


def is_json(head: RequestHead) -> bool:
    """Whether the body is said to be JSON, in the words of nearly all clients; `media_type` knows the others too."""
    return head.headers.get(b"content-type", _JSON) == _JSON


def media_type(head: RequestHead, *supported: str) -> str:
    """The body's media type, one of `supported`; a body without a Content-Type is taken for the first of them.

    Raises:
        UnsupportedMediaType: another media type or charset.
    """
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


def document(head: RequestHead, body: bytes, most_values: int) -> Any:
    """The JSON document of a request, of any kind. Raises as `media_type` and `parse` do."""
    if not is_json(head):
        media_type(head, JSON)
    return parse(body, most_values)


def object_of(head: RequestHead, body: bytes, most_values: int) -> dict[str, Any]:
    """The JSON object of a request. Raises as `media_type` and `parse_object` do."""
    if not is_json(head):
        media_type(head, JSON)
    return parse_object(body, most_values)


def parse(body: bytes, most_values: int) -> Any:
    """The JSON document in `body`.

    Raises:
        InvalidInput: an empty body or broken JSON, with the place.
        TooManyValues: more than `most_values`.
    """
    check_json(body, most_values)
    if not body:
        raise InvalidInput("The request has no body. Send a JSON document; /docs has one to start from")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as e:
        if body.startswith(_GZIP):
            raise InvalidInput("The body is compressed by gzip. Say so in its head: Content-Encoding: gzip") from e
        nan = ". JSON has no NaN or Infinity: write null" if b"NaN" in body or b"Infinity" in body else ""
        raise InvalidInput(f"The body is not valid JSON: {e.msg} at line {e.lineno}, column {e.colno}{nan}") from e


def parse_object(body: bytes, most_values: int) -> dict[str, Any]:
    """The JSON object in `body`. Raises as `parse` does, and for any other JSON value."""
    document = parse(body, most_values)
    if not isinstance(document, dict):
        raise InvalidInput(f"The body is a JSON {_JSON_NAMES[type(document)]}, not an object. Send an object: {{...}}")
    return cast("dict[str, Any]", document)


_JSON_NAMES: dict[type, str] = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
