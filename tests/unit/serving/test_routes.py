"""The route table: matched to the end of a path, once; and every route of the server needs what it says it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tenfold.serving.app import create_app
from tenfold.serving.context import Context
from tenfold.serving.core import Core
from tenfold.serving.metrics import Metrics
from tenfold.serving.routes import GRPC, OTHER, Operation, Route, RouteTable
from tenfold.serving.rpc import frames
from tenfold.serving.rpc.frames import Flag, Kind
from tenfold.serving.rpc.service import ROUTES as RPC_ROUTES
from tenfold.serving.rpc.service import Service
from unit.serving.rpc.peer import Peer, framed
from unit.serving.stage import Folders, InProcess, in_process, settings

NEEDS = {"key": "yes", "probe": "only with `TENFOLD_API_KEYS_FOR_PROBES`", "page": "no"}
PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text()


async def _nothing(*_: object) -> None: ...


TABLE = RouteTable(
    (
        Route("GET", "/models/first", OTHER, handler=_nothing),  # pyright: ignore[reportArgumentType]
        Route("POST", "/models/{name}:ask", OTHER, handler=_nothing),  # pyright: ignore[reportArgumentType]
        Route("GET", "/models/{name}", OTHER, handler=_nothing),  # pyright: ignore[reportArgumentType]
    )
)


@pytest.mark.parametrize("end", ["\n", "\r", "\0", " ", "/", "//", "?", "\u2028", "%0A"])
@pytest.mark.parametrize("path", ["/models/first", "/models/m:ask"])
def test_a_path_is_matched_to_its_end(path: str, end: str) -> None:
    method = "POST" if path.endswith(":ask") else "GET"
    assert TABLE.match(method, path).route is not None
    match = TABLE.match(method, path + end)
    assert match.route is not TABLE.match(method, path).route
    if match.route is not None:  # as a model of that name, which there is not
        assert match.parameters == {"name": f"first{end}"}


def test_a_fixed_path_goes_first_and_head_is_a_get() -> None:
    assert TABLE.match("GET", "/models/first").route is TABLE.routes[0]
    assert TABLE.match("GET", "/models/second").parameters == {"name": "second"}
    assert TABLE.match("HEAD", "/models/first").route is TABLE.routes[0]
    assert TABLE.match("GET", "/models/m:ask").route is TABLE.routes[2]
    assert TABLE.match("PUT", "/models/first").allowed == ("GET", "HEAD", "OPTIONS")
    assert TABLE.match("GET", "/nothing").allowed == ()


def test_paths_that_a_client_makes_up_are_not_remembered_without_end() -> None:
    for n in range(300):
        assert TABLE.match("GET", f"/models/{n}").route is TABLE.routes[2]
        TABLE.match("GET", "/models/" + "x" * (n + 200))
    assert len(TABLE._known) == 100
    assert max(len(path) for _, path in TABLE._known) <= 200


def _path(route: Route, server: InProcess) -> str:
    return route.path.format(name=server.core.model.name, version=server.core.model.version, file="swagger-ui.css")


async def test_every_route_asks_for_a_key_or_says_that_it_is_open(folders: Folders, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("right\n")
    for probes in (False, True):
        async with in_process(folders.iris, api_keys_file=keys, api_keys_for_probes=probes) as server:
            routes: tuple[Route, ...] = server.app.state.routes
            assert len(routes) > 20
            for route in routes:
                answer = await server.http.request(route.method, _path(route, server))
                closed = route.access == "key" or (route.access == "probe" and probes)
                assert (answer.status_code == 401) == closed, route.path
                known = await server.http.request(
                    route.method, _path(route, server), headers={"Authorization": "Bearer right"}
                )
                assert known.status_code not in (401, 404, 405), route.path
                if route.method == "GET" and not closed:
                    head = await server.http.head(_path(route, server))
                    assert head.status_code == answer.status_code
    assert {r.path for r in routes if r.access == "page"} == {"/docs", "/docs/{file}"}
    assert {r.path for r in routes if r.access == "probe"} == {
        *("/ping", "/health", "/version", "/metrics", "/v2/health/live", "/v2/health/ready"),
        *("/v1/models/{name}", "/v2/models/{name}/ready", "/v2/models/{name}/versions/{version}/ready"),
    }


KEY = ("authorization", "Bearer right")


@pytest.fixture(params=[False, True], ids=["open probes", "probes with keys"])
async def rpc(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Context]:
    """Of a server with keys, whose model is not loaded."""
    keys = tmp_path / "keys"
    keys.write_text("right\n")
    chosen, metrics = settings(api_keys_file=keys, api_keys_for_probes=request.param), Metrics()
    core = Core(chosen, asked=metrics.predicted)
    yield create_app(core, chosen, metrics)[1]
    core.close(1)


def _rpc_peer(context: Context) -> Peer:
    return Peer(context=context, open_call=Service(context).open_call)


def _rpc_status(context: Context, path: str, *headers: tuple[str, str]) -> str | None:
    """How a call of one empty message ended; None: it goes on."""
    peer = _rpc_peer(context)
    peer.feed(peer.call(1, framed(b""), path, *headers))
    fields = peer.answers().get(1, (b"", {}))[1]
    peer.connection.connection_lost(None)
    return fields.get("grpc-status")


def _counted(context: Context) -> Counter[tuple[str, str]]:
    """Requests by protocol and code."""
    context.publish()
    found = Counter[tuple[str, str]]()
    for sample in context.metrics.samples():
        if sample.name == "tenfold_requests_total":
            found[sample.labels["protocol"], sample.labels["code"]] += int(sample.value)
    return found


@pytest.mark.parametrize("route", RPC_ROUTES, ids=lambda route: route.path)
async def test_every_method_of_grpc_asks_for_a_key_and_is_counted_as_the_table_says(rpc: Context, route: Route) -> None:
    closed = route.access == "key" or rpc.settings.api_keys_for_probes
    assert (_rpc_status(rpc, route.path) == "16") == closed
    name = route.protocol.name
    assert _counted(rpc) == ({(name, "401"): 1} if route.counted else {})
    assert _rpc_status(rpc, route.path, KEY) not in ("12", "16")
    counted = _counted(rpc)
    assert counted.total() == (2 if route.counted else 0)
    assert {protocol for protocol, _ in counted} == ({name} if route.counted else set())


async def test_what_no_route_of_grpc_takes_is_counted_as_in_http(rpc: Context) -> None:
    for end in ("", "/", "%0A"):
        assert _rpc_status(rpc, f"{RPC_ROUTES[0].path}s{end}") == "16"
        assert _rpc_status(rpc, f"{RPC_ROUTES[0].path}s{end}", KEY) == "12"
    assert _counted(rpc) == {("other", "401"): 3, ("other", "501"): 3}


async def test_a_call_whose_client_goes_away_is_counted_once(rpc: Context) -> None:
    for route, counted in ((RPC_ROUTES[0], {("grpc", "499"): 1}), (RPC_ROUTES[1], {})):  # no message of the stream came
        peer, before = _rpc_peer(rpc), _counted(rpc)
        peer.feed(frames.frame(Kind.HEADERS, Flag.END_HEADERS, 1, peer.block(KEY, path=route.path)))
        peer.feed(frames.frame(Kind.RST_STREAM, 0, 1, bytes(4)))
        peer.connection.connection_lost(None)
        assert _counted(rpc) - before == counted


def test_predictions_over_grpc_are_of_a_protocol_of_their_own() -> None:
    """Triton's statistics take all of it for predictions."""
    assert {r.path.rpartition("/")[2] for r in RPC_ROUTES if r.protocol is GRPC} == {"ModelInfer", "ModelStreamInfer"}
    assert {r.protocol for r in RPC_ROUTES} == {GRPC, OTHER}


async def test_the_first_page_names_paths_that_there_are(folders: Folders) -> None:
    async with in_process(folders.iris) as server:
        for path in (await server.http.get("/")).json()["paths"].values():
            assert RouteTable(server.app.state.routes).match("GET", path).allowed, path


async def test_the_docs_have_the_same_table(folders: Folders) -> None:
    async with in_process(folders.iris) as server:
        lines = [
            f"| `{each.method} {each.path}` | {each.protocol.name if each.counted else ''} | {NEEDS[each.access]} |"
            for each in (*server.app.state.routes, *RPC_ROUTES)
        ]
    section = PAGE[PAGE.index("## Every path") :].split("\n## ")[0]
    found = [line for line in section.splitlines() if line.startswith("| `")]
    assert found == lines, "docs/serving.md should say:\n" + "\n".join(lines)


async def test_every_route_has_its_place_in_openapi(folders: Folders, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("right\n")
    async with in_process(folders.iris, api_keys_file=keys) as server:
        routes: tuple[Route, ...] = server.app.state.routes
        document = (await server.http.get("/openapi.json", headers={"Authorization": "Bearer right"})).json()
        for route in routes:
            operation: Operation | None = route.operation
            if operation is None:
                assert route.method.lower() not in document["paths"].get(route.path, {})
                continue
            told = document["paths"][route.path][route.method.lower()]
            assert told["tags"] == [operation.tag]
            assert {int(code) for code in told["responses"]} - {401} == {200, *operation.errors}
            assert ("security" in told) == (route.access == "key")
            assert ("requestBody" in told) == bool(operation.request)


async def test_every_prediction_has_the_limits_of_a_body(folders: Folders) -> None:
    async with in_process(folders.iris, max_body_bytes=100) as server:
        for route in server.app.state.routes:
            if route.method == "POST":
                answer = await server.http.post(_path(route, server), content=b" " * 101)
                assert answer.status_code == 413, route.path


async def test_a_newline_at_the_end_opens_nothing(folders: Folders, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("right\n")
    async with in_process(folders.iris, api_keys_file=keys) as server:
        for path in ("/v1/models/iris:predict%0A", "/predict%0A", "/v2/models/iris/infer%0A", "/v2/health/ready%0A"):
            assert (await server.http.post(path, json={})).status_code == 401
            assert (await server.http.get(path)).status_code in (401, 404), path


async def test_a_browser_of_an_allowed_origin_may_ask(folders: Folders) -> None:
    asks = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    async with in_process(folders.iris, cors_origins=("https://shop.example",)) as server:
        preflight = await server.http.options("/predict", headers=asks)
        assert preflight.status_code == 204
        assert "content-length" not in preflight.headers
        assert preflight.headers["access-control-allow-origin"] == "https://shop.example"
        assert "POST" in preflight.headers["access-control-allow-methods"]
        long = await server.http.options("/predict", headers={**asks, "Access-Control-Request-Headers": "x" * 1001})
        assert "x" * 100 not in str(long.headers)
        other = await server.http.options("/predict", headers={**asks, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
    async with in_process(folders.iris) as server:
        closed = await server.http.options("/predict", headers=asks)
        assert closed.headers["allow"] == "POST, OPTIONS"
        assert "access-control-allow-origin" not in closed.headers
