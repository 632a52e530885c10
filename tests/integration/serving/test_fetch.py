"""A version comes from an MLflow server by plain HTTP, and by MLflow's client where that is not enough."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from integration.serving.processes import environment
from support.bad_server import BadServer, Do, Handler, resets, says
from support.places import GUARD
from support.registry import registry_server
from tenfold.serving.digest import digest
from tenfold.serving.errors import ModelUnloadable
from tenfold.serving.fetch import is_plain
from tenfold.serving.locate import located
from tenfold.serving.settings import Settings
from tenfold.training.registry import Registry
from unit.serving.stage import Folders, settings

KEPT = "/api/2.0/mlflow-artifacts/artifacts/"
LOCATE = """
import json, sys
from tenfold.serving.digest import digest
from tenfold.serving.locate import located
from tenfold.serving.settings import Settings
with located(Settings()) as found:
    print(json.dumps([found.name, found.version, found.digest, digest(found.folder), "mlflow" in sys.modules]))
"""


def test_a_version_is_fetched_from_a_real_server_without_mlflow(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry_server(tmp_path) as uri:
        registry = Registry(uri)
        registry.register_folder(folders.iris, "iris", tags={"why": "a test"})
        registry.promote("iris", "1")
        wanted = digest(folders.iris)
        for model, by_mlflow in (("models:/iris/1", False), ("models:/iris@champion", True)):
            told = environment(model=model, registry_uri=uri)
            said = subprocess.run([sys.executable, "-c", LOCATE], env=told, capture_output=True, text=True, check=True)
            assert json.loads(said.stdout) == ["iris", "1", wanted, wanted, by_mlflow]
        monkeypatch.setattr("tenfold.serving.fetch._AGAIN_SECONDS", 2 * GUARD)  # nobody asks again
        with pytest.raises(ModelUnloadable, match=r"NotFetched: .*[Vv]ersion.*7"), located(told_of(uri, "7")):
            pass


def told_of(uri: str, version: str = "1") -> Settings:
    return settings(model=f"models:/iris/{version}", registry_uri=uri)


@pytest.fixture
def server() -> Iterator[BadServer]:
    """A server that keeps version 1 of iris: one file, and one in a folder."""
    server = BadServer()
    server.usual = registry_of({"1/model": [file("MLmodel"), file("data", is_dir=True)], "1/model/data": [file("a b")]})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def file(name: str, *, is_dir: bool = False) -> dict[str, Any]:
    return {"path": name, "is_dir": is_dir}


def registry_of(folders: dict[str, list[dict[str, Any]]], source: str = "mlflow-artifacts:/1/model") -> Do:
    def do(handler: Handler) -> None:
        path, _, asked = handler.path.partition("?")
        if path.endswith("get-download-uri"):
            answer: Any = {"artifact_uri": source}
        elif path.endswith("model-versions/get"):
            answer = {"model_version": {"tags": [{"key": "why", "value": "a test"}]}}
        elif path.endswith("mlflow-artifacts/artifacts"):
            answer = {"files": folders[parse_qs(asked)["path"][0]]}
        else:
            answer = unquote(path).encode() if path.startswith(KEPT) else {}
        says(200, answer)(handler)

    return do


def test_files_in_folders_and_with_any_name(server: BadServer) -> None:
    with located(told_of(server.url)) as found:
        files = {f.relative_to(found.folder).as_posix(): f.read_text() for f in found.folder.rglob("*") if f.is_file()}
    assert files == {"MLmodel": f"{KEPT}1/model/MLmodel", "data/a b": f"{KEPT}1/model/data/a b"}


def test_a_server_that_starts_meanwhile_is_waited_for(server: BadServer) -> None:
    server.script = [resets, says(503, b"not yet"), says(429, b"too many")]
    with located(told_of(server.url)) as found:
        assert (found.folder / "MLmodel").exists()


@pytest.mark.parametrize("name", ["../up", "..", "", "/etc/passwd"])
def test_a_file_outside_of_the_folder_is_refused(server: BadServer, name: str) -> None:
    server.usual = registry_of({"1/model": [file(name)]})
    with pytest.raises(ModelUnloadable, match="outside of the model's folder"), located(told_of(server.url)):
        pass


@pytest.mark.parametrize("no", [says(401, b"who are you?"), says(403, b"not you")])
def test_a_server_that_wants_a_login_is_asked_by_mlflow(
    server: BadServer, no: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.usual = no
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ModelUnloadable, match="MlflowException"), located(told_of(server.url)):
        pass


def test_files_that_the_server_does_not_keep_are_left_to_mlflow(server: BadServer, folders: Folders) -> None:
    server.usual = registry_of({}, source=folders.iris.as_uri())
    with located(told_of(server.url)) as found:
        assert digest(found.folder) == digest(folders.iris)


def test_what_is_known_of_a_login_is_left_to_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_plain("http://mlflow:5000")
    assert not is_plain("http://me:secret@mlflow:5000")
    assert not is_plain("sqlite:///registry.db")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    assert not is_plain("http://mlflow:5000")
