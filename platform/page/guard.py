"""What a POST must be like before the page passes it on to a model server.

The page has no login of its own, so that another site's page must not be able to use the visitor's browser to reach
it: browsers say where a request comes from in `Sec-Fetch-Site` (on https and localhost) and in `Origin` (on every
POST). Programs send neither, and are welcome. JSON is required, since a form of another site cannot send it unasked.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from .errors import BodyTooLarge, ForeignRequest, NotJson

BODY_BYTES = 256 * 1024


async def json_body(request: Request) -> bytes:
    """The body of a POST of our own page or of a program, unread.

    Raises:
        ForeignRequest, NotJson, BodyTooLarge: what was wrong with it.
    """
    _require_own_page(request)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if content_type != "application/json":
        raise NotJson(content_type)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise BodyTooLarge(BODY_BYTES)
    return bytes(body)


def _require_own_page(request: Request) -> None:
    origin = request.headers.get("origin", "")
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise ForeignRequest(origin or f"another site ({site})")
    elif origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignRequest(origin)
