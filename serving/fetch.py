"""Fetches a registered version's files from an MLflow server by plain HTTP: three of its routes, and nothing of MLflow.

`locate` tries this first, since importing MLflow's client costs every replica half a second of CPU and 30 MB. What is
not this plain case (a login, an artifact store that the server does not stand before) is left to that client.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import urlopen

_API = "/api/2.0/mlflow"
_FILES = "/api/2.0/mlflow-artifacts/artifacts"
_KEPT_BY_THE_SERVER = "mlflow-artifacts:/"
_AGAIN_SECONDS = 1.0
_LATER = (408, 429, 500, 502, 503, 504)
_LOGIN = (401, 403)


class NotFetched(Exception):
    """The registry said no, and why."""


class LoginNeeded(NotFetched):
    """It did so because the request has no login."""


def is_plain(registry: str) -> bool:
    """Whether the registry is an HTTP server that nothing special is known of: no login, no certificate."""
    special = any(name.startswith("MLFLOW_TRACKING_") and name != "MLFLOW_TRACKING_URI" for name in os.environ)
    return registry.startswith(("http://", "https://")) and "@" not in registry and not special


def fetch(registry: str, name: str, version: str, into: Path) -> dict[str, str] | None:
    """Put the files of the version into the folder. Returns its tags; None where the server does not keep the files.

    A registry that does not answer is tried again every second, for as long as MLflow's client would try.

    Raises:
        NotFetched: there is no such version, or `LoginNeeded`.
        OSError: no answer, or a broken one; so do HTTPException and ValueError.
    """
    server = _Server(registry.rstrip("/"))
    asked = {"name": name, "version": version}
    source = str(server.json(f"{_API}/model-versions/get-download-uri", asked).get("artifact_uri"))
    folder = source.removeprefix(_KEPT_BY_THE_SERVER)
    if folder == source or folder.startswith("/"):
        return None
    for file in server.files(folder):
        target = into / file
        target.parent.mkdir(parents=True, exist_ok=True)
        server.save(f"{folder}/{file}", target)
    found = server.json(f"{_API}/model-versions/get", asked)["model_version"]
    return {tag["key"]: tag.get("value", "") for tag in found.get("tags") or []}


class _Server:
    """An MLflow server, and how long it may be silent."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._timeout = float(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"])
        # MLflow's client waits twice as long after each try.
        tries = int(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"])
        self._until = time.monotonic() + sum(2**n for n in range(1, tries + 1))

    def json(self, route: str, asked: dict[str, str]) -> dict[str, Any]:
        with self._answer(f"{route}?{urlencode(asked)}") as answer:
            return json.load(answer)

    def files(self, folder: str, below: str = "") -> Iterator[str]:
        """The paths of all files in the folder, relative to it."""
        for entry in self.json(_FILES, {"path": f"{folder}/{below}".rstrip("/")}).get("files") or []:
            name = str(entry["path"])
            if name in {"", ".", ".."} or "/" in name:
                raise NotFetched(f"it names a file outside of the model's folder, {name}")
            if entry.get("is_dir"):
                yield from self.files(folder, f"{below}{name}/")
            else:
                yield f"{below}{name}"

    def save(self, path: str, target: Path) -> None:
        with self._answer(f"{_FILES}/{quote(path)}") as answer, target.open("wb") as file:
            shutil.copyfileobj(answer, file)

    def _answer(self, route: str) -> HTTPResponse:
        while True:
            try:
                return urlopen(self._url + route, timeout=self._timeout)  # noqa: S310 - `is_plain` has looked
            except HTTPError as e:
                with e:
                    if e.code not in _LATER or time.monotonic() > self._until:
                        raise (LoginNeeded if e.code in _LOGIN else NotFetched)(_said(e)) from e
            except (OSError, HTTPException):
                if time.monotonic() > self._until:
                    raise
            time.sleep(_AGAIN_SECONDS)


def _said(error: HTTPError) -> str:
    try:
        return str(json.loads(error.read())["message"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"
