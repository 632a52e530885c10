"""Responses whose bytes are there already. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from fastapi import Response

JSON = "application/json"
JSON_TYPE = JSON.encode()


class BytesResponse(Response):
    """Bytes of a media type, made without what Response's own constructor tries out."""

    def __init__(self, body: bytes, media: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.status_code, self.background, self.body = status, None, body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", media)]
        if headers:
            self.raw_headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> BytesResponse:
    """`content` as JSON; numpy arrays are lists and NaN is null."""
    return BytesResponse(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), JSON_TYPE, status, headers)


def text_response(content: str | bytes, media: str = "text/plain; charset=utf-8") -> BytesResponse:
    """Text as it is."""
    return BytesResponse(content.encode() if isinstance(content, str) else content, media.encode())


def values(output: np.ndarray[Any, Any]) -> Any:
    """An output of the model as something that `json_response` can write: numbers as they are, all else as a list."""
    return output if output.dtype.kind in "biuf" and output.flags.c_contiguous else output.tolist()
