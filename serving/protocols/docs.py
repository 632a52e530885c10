"""`GET /docs` and `/openapi.json`: the documentation for a browser, and the document that it is made of.

The page works without a network but the server's own, under any path prefix, since all its links are relative. It asks
for an API key where the document needs one.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from fastapi import Response

from ..context import Context
from ..errors import UnknownPath
from ..request import RequestHead
from ..responses import text_response
from ..routes import OTHER, Route

_MEDIA = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon.png": "image/png",
}
"""Files of Swagger UI, as `fastapi_offline` brings them."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>tenfold model server</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon.png">
</head>
<body>
<form id="key" hidden><p>This server needs an API key:
<input name="key" type="password" autocomplete="off" required> <button>Show the documentation</button></p></form>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script>
const form = document.getElementById("key");
function show(key) {
  const authorized = (request) => {
    if (key) request.headers.Authorization = "Bearer " + key;
    return request;
  };
  fetch("openapi.json", authorized({headers: {}})).then((answer) => {
    form.hidden = answer.status !== 401;
    if (form.hidden)
      SwaggerUIBundle({url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, requestInterceptor: authorized});
  });
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  show(form.elements.key.value);
});
show("");
</script>
</body>
</html>
"""


async def page(_context: Context, _head: RequestHead, _body: bytes) -> Response:
    """The documentation as a page."""
    return text_response(_PAGE, "text/html; charset=utf-8")


async def asset(_context: Context, head: RequestHead, _body: bytes) -> Response:
    """A file of the page."""
    name = head.parameters["file"]
    if name not in _MEDIA:
        raise UnknownPath(f"/docs/{name}")
    return text_response(_content(name), _MEDIA[name])


@lru_cache
def _content(name: str) -> bytes:
    return files("fastapi_offline").joinpath("static", name).read_bytes()


ROUTES = (
    Route("GET", "/docs", OTHER, handler=page, access="page"),
    Route("GET", "/docs/{file}", OTHER, handler=asset, access="page"),
)
