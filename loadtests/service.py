"""What the service under test says of itself: whether it is ready, and which rows its model takes.

Asked by `runner.py` before anything starts and by each Locust process once. Reading the answers is pure; only
`describe` sends requests, each with a time limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from . import access
from .errors import RowsUnusable, ServiceUnreachable
from .rows import Column, Kind

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Tensor:
    """One v2 input; -1 in `shape` is the number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def named(self) -> dict[str, Any]:
        """Its name and type, as a request repeats them."""
        return {"name": self.name, "datatype": self.datatype}


@dataclass(frozen=True)
class ServedModel:
    """The model behind a URL: its name, its columns as /predict takes them, its inputs as v2 does."""

    name: str
    columns: tuple[Column, ...]
    inputs: tuple[Tensor, ...]

    @property
    def one_tensor(self) -> bool:
        """True for a model of unnamed columns: v2 takes them as one tensor of [rows, columns]."""
        return len(self.inputs) == 1 and len(self.inputs[0].shape) == 2


def describe(url: str) -> ServedModel:
    """Ask the service at `url` what it serves. One row is predicted on the way: the answer to it names the model.

    Raises:
        ServiceUnreachable: nothing answers, what answers is no tenfold service, or it is not ready.
        RowsUnusable: the service describes no row, or refuses its own example.
    """
    key = access.headers()
    with httpx.Client(base_url=url.rstrip("/"), headers=key, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        ready = _ask(client, url, "GET", "/v2/health/ready")
        if ready.status_code == 503:
            raise ServiceUnreachable(f"The service at {url} is not ready: {said(ready)}. Try again when it is")
        found = columns(_document(url, _ask(client, url, "GET", "/openapi.json")))
        example = {column.name: column.example for column in found}
        answer = _ask(client, url, "POST", "/predict", {"rows": [example]})
        if answer.is_client_error:
            raise RowsUnusable(f"The service at {url} refuses the example that it gives itself: {said(answer)}")
        name = _document(url, answer).get("model", {}).get("name", "")
        metadata = _document(url, _ask(client, url, "GET", f"/v2/models/{quote(name, safe='')}"))
    return ServedModel(name, found, inputs(metadata))


def columns(openapi: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns of a row of `/predict`, from the service's OpenAPI document.

    Raises:
        RowsUnusable: it describes no row.
    """
    try:
        request = openapi["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        rows = _resolved(openapi, _resolved(openapi, request)["properties"]["rows"])
        row = _resolved(openapi, rows["items"])
        properties: Mapping[str, Any] = row["properties"]
    except (KeyError, TypeError) as e:
        raise RowsUnusable(f"The service's /openapi.json describes no row of /predict ({e}); is it a tenfold?") from e
    example = row.get("example") or {}
    required = row.get("required", ())
    return tuple(
        Column(
            name,
            _kind(schema, example.get(name)),
            name in required,
            example.get(name),
            tuple(choice for choice in schema.get("enum", ()) if choice is not None),
            schema.get("minimum", -math.inf),
            schema.get("maximum", math.inf),
        )
        for name, schema in properties.items()
    )


def inputs(metadata: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """The v2 inputs, from the model's v2 metadata."""
    return tuple(Tensor(each["name"], each["datatype"], tuple(each["shape"])) for each in metadata["inputs"])


def said(answer: httpx.Response) -> str:
    """Why the service says no, in its own words where it has some."""
    try:
        content = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        content = None
    if isinstance(content, dict):
        for key in ("reason", "error", "message"):
            if content.get(key):
                return str(content[key])
    return f"it answers {answer.status_code}"


def _ask(client: httpx.Client, url: str, method: str, path: str, document: Any = None) -> httpx.Response:
    try:
        answer = client.request(method, path, json=document)
    except (httpx.TransportError, httpx.InvalidURL) as e:
        reason = str(e) or type(e).__name__
        remedy = "Check the address, and that the service runs: tenfold status"
        raise ServiceUnreachable(f"Nothing answers at {url} ({reason}). {remedy}") from e
    if answer.status_code == 401:
        raise ServiceUnreachable(f"The service at {url} asks for an API key; set {access.VARIABLE} to a valid one")
    return answer


def _document(url: str, answer: httpx.Response) -> dict[str, Any]:
    try:
        content = orjson.loads(answer.content) if answer.is_success else None
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        asked = f"{answer.request.method} {answer.request.url.path}"
        raise ServiceUnreachable(
            f"What answers at {url} is not a working tenfold service: to {asked} {said(answer)}. "
            f"Give the base address of a service, as tenfold status shows it"
        )
    return content


def _resolved(openapi: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, where it is only a reference to one."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Any = openapi
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def _kind(schema: Mapping[str, Any], example: Any) -> Kind:
    """The kind of a column. One that takes several is drawn as its example is."""
    given = schema.get("type", "string")
    kinds = [kind for kind in ([given] if isinstance(given, str) else given) if kind != "null"]
    if len(kinds) > 1:
        return "boolean" if isinstance(example, bool) else "number" if isinstance(example, int | float) else "string"
    if kinds == ["string"] and schema.get("format") == "date-time":
        return "datetime"
    return next(kind for kind in ("boolean", "integer", "number", "string") if kind in [*kinds, "string"])
