"""The page's routes: HTML, its JSON, the files, and the two POSTs that are passed on to a model server.

`server.py` runs it. Every address in what it sends is relative, so that it works under any path prefix whether or
not a proxy strips it; `X-Forwarded-Prefix` and its like are never read. Only `prefix` tells the app that requests
arrive with one. There is no login and nothing to log in for: the page reads, and tries.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any, Literal
from urllib.parse import quote

import anyio.to_thread
import jinja2
import orjson
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from ..errors import PlatformError, UnknownService
from .assets import PLOTLY, Assets
from .board import Board
from .errors import PageError
from .guard import json_body
from .prefix import WithoutPrefix
from .source import Source

# A proxy that strips a prefix makes `/app` and `/app/` the same for us, but not for the browser's relative links.
SLASH = "location.pathname.endsWith('/')||location.replace(location.pathname+'/'+location.search+location.hash)"

HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{base64.b64encode(hashlib.sha256(SLASH.encode()).digest()).decode()}'",
            # Plotly writes style attributes into the drawings that it makes; style sheets and elements stay our own.
            "style-src-elem 'self'",
            "style-src-attr 'unsafe-inline'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app(source: Source, prefix: str = "") -> FastAPI:
    """The page over `source`, answering both under `prefix` (e.g. "/app") and without it."""
    board = Board(source)
    assets = Assets()
    pages = _Pages(assets)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        watching = asyncio.create_task(board.watch())
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching

    app = FastAPI(title="tenfold page", lifespan=lifespan, openapi_url=None, redirect_slashes=False)

    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if not request.scope["path"]:
            response: Response = RedirectResponse(prefix.rpartition("/")[2] + "/", status_code=307)
        else:
            response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    app.add_middleware(WithoutPrefix, prefix=prefix)

    @app.get("/")
    async def overview() -> Response:
        return pages.html("overview.html", root="./")

    @app.get("/services/{name}")
    async def service_without_slash(name: str) -> Response:
        return RedirectResponse(f"./{quote(name, safe='')}/", status_code=307)

    @app.get("/services/{name}/")
    async def service(name: str) -> Response:
        names = await board.names()
        if name not in names:
            raise UnknownService(name, tuple(names))
        return pages.html("service.html", root="../../", name=name)

    @app.get("/data/overview")
    async def data() -> Response:
        return _json(await board.overview())

    @app.get("/data/services/{name}/form")
    async def form(name: str) -> Response:
        return _json(asdict(await board.form(name)))

    @app.post("/data/services/{name}/predict")
    async def predict(name: str, request: Request) -> Response:
        return await _asked(board, name, "/predict", request)

    @app.post("/data/services/{name}/feedback")
    async def feedback(name: str, request: Request) -> Response:
        return await _asked(board, name, "/feedback", request)

    @app.get("/static/{build}/{name}")
    async def static(build: str, name: str, request: Request) -> Response:
        asset = assets.get(name)
        if asset is None:
            raise HTTPException(404)
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if build == assets.build else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(asset.content, media_type=asset.media_type, headers=headers)
        content = await anyio.to_thread.run_sync(lambda: asset.compressed)
        return Response(content, media_type=asset.media_type, headers=headers | {"Content-Encoding": "gzip"})

    @app.get("/health/live")
    async def live() -> Response:
        return _json({"live": True})

    @app.get("/health/ready")
    async def ready() -> Response:
        await board.names()
        return _json({"ready": True})

    @app.exception_handler(PlatformError)
    async def refused(request: Request, error: PlatformError) -> Response:
        status = 404 if isinstance(error, UnknownService) else error.status if isinstance(error, PageError) else 503
        return pages.error(request, status, str(error))

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> Response:
        said = f"There is nothing at {request.url.path}" if error.status_code == 404 else str(error.detail)
        return pages.error(request, error.status_code, said)

    @app.exception_handler(Exception)
    async def broken(request: Request, _: Exception) -> Response:
        response = pages.error(request, 500, "The page's server broke over this request; its log says why")
        response.headers.update(HEADERS)  # this handler alone runs outside of the middleware above
        return response

    return app


class _Pages:
    """The templates, and errors in the shape that was asked for."""

    def __init__(self, assets: Assets) -> None:
        self._static = f"static/{assets.build}/"
        self._plotly_styles = assets.plotly_styles
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader(__package__ or "", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )

    def html(self, template: str, *, root: str, status: int = 200, **values: Any) -> Response:
        """A page; `root` leads from its address to the overview."""
        text = self._templates.get_template(template).render(
            root=root,
            static=root + self._static,
            slash=SLASH,
            plotly=PLOTLY,
            plotly_styles=self._plotly_styles,
            **values,
        )
        return HTMLResponse(text, status)

    def error(self, request: Request, status: int, said: str) -> Response:
        """The sentence: as HTML for someone who looks, as JSON for a program."""
        if "text/html" not in request.headers.get("accept", ""):
            return _json({"error": said}, status)
        path: str = request.scope["path"]
        return self.html("error.html", root="../" * (path.count("/") - 1) or "./", status=status, said=said)


async def _asked(board: Board, name: str, path: Literal["/predict", "/feedback"], request: Request) -> Response:
    """Pass a POST on. The model's refusal is an answer like any other: its status is in it, ours is 200."""
    return _json(asdict(await board.ask(name, path, await json_body(request))))


def _json(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
