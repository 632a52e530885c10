"""The OpenAPI document is valid, its examples work, /docs needs no other host, and docs/serving.md is true."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI
from tenfold.serving import errors, reference
from tenfold.serving.settings import Settings
from unit.serving.stage import Folders, InProcess, flowers, in_process

PAGE = (Path(__file__).parents[3] / "docs" / "serving.md").read_text()


def violations(value: Any, schema: dict[str, Any], document: dict[str, Any], where: str = "$") -> list[str]:
    """What of the JSON schema (as much of it as the document uses) `value` does not keep."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        return violations(value, document["components"]["schemas"][name], document, where)
    if "anyOf" in schema:
        tried = [violations(value, s, document, where) for s in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    if "oneOf" in schema and "properties" not in schema:
        fitting = [s for s in schema["oneOf"] if not violations(value, s, document, where)]
        return [] if len(fitting) == 1 else [f"{where}: {len(fitting)} of oneOf"]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{where}: {value!r} not in {schema['enum']}"]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        return [f"{where}: {value!r} is no {kinds}"]
    found: list[str] = []
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{where}: no {name}" for name in schema.get("required", ()) if name not in value]
        if schema.get("additionalProperties") is False:
            found += [f"{where}: {name} is too much" for name in value if name not in known]
        for name in value.keys() & known.keys():
            found += violations(value[name], known[name], document, f"{where}.{name}")
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            found.append(f"{where}: too few items")
        for number, item in enumerate(value):
            found += violations(item, schema.get("items", {}), document, f"{where}[{number}]")
    return found


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    types = {"string": str, "integer": int, "number": (int, float), "object": dict, "array": list, "null": type(None)}
    return isinstance(value, types.get(kind, ()))


async def check_document(server: InProcess) -> None:
    """Valid, each example keeps its schema and works when it is posted, each answer keeps the schema it is said to."""
    document = (await server.http.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    OpenAPI.model_validate(document)
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        assert name in document["components"]["schemas"]
    operations = [o["operationId"] for item in document["paths"].values() for o in item.values()]
    assert len(set(operations)) == len(operations)
    (identity,) = (await server.post("/predict", {"rows": [await example(server)]})).json()["ids"]
    for path, item in document["paths"].items():
        if "post" not in item:
            continue
        content = item["post"]["requestBody"]["content"]["application/json"]
        assert not violations(content["example"], content["schema"], document)
        body = {**content["example"], "id": identity} if path == "/feedback" else content["example"]
        address = path
        for parameter in item["post"].get("parameters", ()):
            address = address.replace(f"{{{parameter['name']}}}", parameter["example"])
        answer = await server.post(address, body)
        assert answer.status_code == 200 or (path == "/feedback" and answer.status_code == 501), answer.text
        if answer.status_code == 200:
            said = item["post"]["responses"]["200"]["content"]["application/json"]["schema"]
            assert not violations(answer.json(), said, document)
        refused = await server.post(address, {"broken": 1})
        said = item["post"]["responses"][str(refused.status_code)]["content"]["application/json"]["schema"]
        assert not violations(refused.json(), said, document)


async def example(server: InProcess) -> dict[str, Any]:
    document = (await server.http.get("/openapi.json")).json()
    return document["components"]["schemas"]["Row"]["example"]


@pytest.mark.parametrize("name", ["iris", "trips", "departures", "matrix", "line"])
async def test_the_openapi_document(folders: Folders, tmp_path: Path, name: str) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with in_process(getattr(folders, name), log_url=url) as server:
        await check_document(server)


async def test_rows_and_predictions_are_typed_from_the_model(folders: Folders) -> None:
    async with in_process(folders.departures) as server:
        schemas = (await server.http.get("/openapi.json")).json()["components"]["schemas"]
    row = schemas["Row"]["properties"]
    assert row["carrier"] == {"type": ["string", "null"], "examples": ["DL", "UA", "AA"]}
    assert (row["day"]["type"], row["day"]["format"], row["day"]["examples"][0]) == (
        "string",
        "date-time",
        "2013-01-01T00:00:00",
    )
    assert row["holiday"] == {"type": "boolean"}
    assert row["seats"] == {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
    assert row["wind"]["type"] == ["number", "null"]
    assert schemas["Row"]["required"] == ["day", "holiday", "seats"]
    assert schemas["PredictAnswer"]["properties"]["predictions"]["items"] == {"type": ["number", "null"]}
    async with in_process(folders.trips) as server:
        schemas = (await server.http.get("/openapi.json")).json()["components"]["schemas"]
    outputs = schemas["PredictAnswer"]["properties"]["outputs"]["properties"]
    assert outputs["predict"]["items"] == {"type": "string"}
    assert outputs["predict_proba"]["items"] == {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "items": {"type": ["number", "null"]},
        "description": "One for each class, in this order: in time, late",
    }


async def test_a_model_without_signature_and_example_has_a_document_that_works(folders: Folders) -> None:
    async with in_process(folders.pickled, allow_pickle=True) as server:
        await check_document(server)


async def test_while_the_model_is_loaded_the_document_has_the_paths_and_then_the_model(loading: InProcess) -> None:
    early = (await loading.http.get("/openapi.json")).json()
    OpenAPI.model_validate(early)
    assert "/predict" in early["paths"]
    loading.core.load()
    late = (await loading.http.get("/openapi.json")).json()
    assert "sepal_length" in late["components"]["schemas"]["Row"]["properties"]


async def test_the_order_of_the_classes_is_said(folders: Folders) -> None:
    async with in_process(folders.trips) as server:
        schemas = (await server.http.get("/openapi.json")).json()["components"]["schemas"]
        about = (await server.http.get("/")).json()
    items = schemas["PredictAnswer"]["properties"]["outputs"]["properties"]["predict_proba"]["items"]
    assert items["description"] == "One for each class, in this order: in time, late"
    assert about["model"]["classes"] == ["in time", "late"]


async def test_operations_have_titles_of_their_own(iris: InProcess) -> None:
    paths = (await iris.http.get("/openapi.json")).json()["paths"]
    assert paths["/predict"]["post"]["summary"] == "Predict rows"
    titles: dict[str, set[str]] = {}
    for item in paths.values():
        for operation in item.values():
            titles.setdefault(operation["summary"], set()).add(operation["description"])
    assert all(len(described) == 1 for described in titles.values())


async def test_the_documentation_needs_no_other_host(iris: InProcess) -> None:
    page = await iris.http.get("/docs")
    assert page.status_code == 200
    linked = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert linked
    for link in linked:
        assert not re.match(r"(https?:)?//", link), link
        if not link.startswith("data:"):
            assert (await iris.http.get(link)).status_code == 200, link
        assert not link.startswith("/"), f"{link} would leave a proxy's prefix"
    assert '"openapi.json"' in page.text


def test_the_page_of_settings_is_made_of_them() -> None:
    page = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()
    assert page == reference.reference(), "make docs writes it anew"
    assert all(field.description for field in Settings.model_fields.values())


def curls() -> list[tuple[str, bytes, dict[str, str]]]:
    """The curl examples as path, body and headers."""
    found: list[tuple[str, bytes, dict[str, str]]] = []
    for block in re.findall(r"```sh\n(curl.*?)```", PAGE, re.DOTALL):
        for command in re.split(r"\n(?=curl)", block.replace("\\\n", "")):
            words = shlex.split(command, comments=True)
            body, headers = b"", {}
            for option, value in pairwise(words):
                if option == "--json":
                    body, headers = value.encode(), {**headers, "Content-Type": "application/json"}
                elif option == "--data-binary":
                    body = value.encode()
                elif option == "--header":
                    key, _, content = value.partition(": ")
                    headers[key] = content
            (url,) = [word for word in words if word.startswith("http://127.0.0.1:8080")]
            found.append((url.removeprefix("http://127.0.0.1:8080"), body, headers))
    return found


async def test_the_curl_examples_work(iris: InProcess) -> None:
    commands = curls()
    assert {path for path, _, _ in commands} >= {
        "/predict",
        "/feedback",
        "/invocations",
        "/v2/models/iris/infer",
        "/v1/models/iris:predict",
    }
    rows = flowers()[0].head(1).to_dict("records")
    (identity,) = (await iris.post("/predict", {"rows": rows})).json()["ids"]
    for path, body, headers in commands:
        body = re.sub(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}", identity.encode(), body)
        answer = await iris.http.request("POST" if body else "GET", path, content=body, headers=headers)
        assert answer.status_code == 200, (path, answer.text)


def test_the_table_of_errors_is_complete() -> None:
    table = PAGE[PAGE.index("## Errors") : PAGE.index("## Stopping")]
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.ServingError)]
    for status in {c.status for c in classes}:
        assert f"| {status} |" in table
