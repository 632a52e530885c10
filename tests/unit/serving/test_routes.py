"""The route table: matched to the end of a path, once; and every route of the server needs what it says it needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tenfold.serving.routes import OTHER, Operation, Route, RouteTable
from unit.serving.stage import Folders, InProcess, in_process

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


async def test_the_docs_have_the_same_table(folders: Folders) -> None:
    async with in_process(folders.iris) as server:
        lines = [
            f"| `{each.method} {each.path}` | {each.protocol.name if each.counted else ''} | {NEEDS[each.access]} |"
            for each in server.app.state.routes
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
        other = await server.http.options("/predict", headers={**asks, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
    async with in_process(folders.iris) as server:
        closed = await server.http.options("/predict", headers=asks)
        assert closed.headers["allow"] == "POST, OPTIONS"
        assert "access-control-allow-origin" not in closed.headers
