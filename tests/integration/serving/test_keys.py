"""API keys: who is let in, what stays open, and a file that changes under a running server."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest
from tenfold.serving import keys
from tenfold.serving.errors import KeysUnreadable
from tenfold.serving.keys import ApiKeys
from tenfold.serving.server import ModelServer
from unit.serving.stage import Folders, InProcess, in_process, settings

ROWS = {"rows": [[1.0]]}
OPEN = ("/ping", "/health", "/v2/health/live", "/v2/health/ready", "/v2/models/line/ready", "/metrics")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text("# of the shop\nfirst-key\n\n  second-key  \n")
    return file


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def predict(server: InProcess, path: str = "/predict", **headers: str) -> tuple[int, dict[str, str]]:
    answer = await server.http.post(path, json=ROWS, headers=headers)
    return answer.status_code, answer.json()


async def test_several_keys_are_valid_at_once_and_nothing_else_is(folders: Folders, file: Path) -> None:
    async with in_process(folders.line, api_keys_file=file) as server:
        for key in ("first-key", "second-key"):
            assert (await predict(server, **bearer(key)))[0] == 200
        for given in (
            bearer("first-ke"),
            bearer("# of the shop"),
            bearer(""),
            {"Authorization": "Basic first-key"},
            {},
        ):
            status, said = await predict(server, **given)
            assert status == 401, given
            assert said["error"].endswith("Send a valid one in the header Authorization: Bearer KEY")
            assert "key" not in said["error"].replace("API key", "").replace("KEY", "").lower()
        refused = await server.http.get("/openapi.json")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        status, said = await predict(server, "/invocations")
        assert (status, said["error_code"]) == (401, "UNAUTHENTICATED")
        assert await server.metric("tenfold_requests_total", protocol="mlflow", code="401") == 1
        for path in OPEN:
            assert (await server.http.get(path)).status_code == 200, path


async def test_the_openapi_document_says_where_a_key_is_needed(folders: Folders, file: Path) -> None:
    async with in_process(folders.line, api_keys_file=file) as server:
        document = (await server.http.get("/openapi.json", headers=bearer("first-key"))).json()
    assert document["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    predict, ready = document["paths"]["/predict"]["post"], document["paths"]["/v2/health/ready"]["get"]
    assert (predict["security"], "401" in predict["responses"]) == ([{"key": []}], True)
    assert ("security" in ready, "401" in ready["responses"]) == (False, False)


async def test_probes_can_be_closed_too(folders: Folders, file: Path) -> None:
    async with in_process(folders.line, api_keys_file=file, api_keys_for_probes=True) as server:
        for path in OPEN:
            assert (await server.http.get(path)).status_code == 401, path
            assert (await server.http.get(path, headers=bearer("first-key"))).status_code == 200, path


@pytest.fixture(params=["utf-8", "latin-1", "utf-8-sig"])  # by most editors, by old ones, and by Windows' own
def foreign(file: Path, request: pytest.FixtureRequest) -> Path:
    file.write_text("schlüssel\n", encoding=request.param)
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])  # of curl and our own client; of Node and browsers
async def test_a_key_that_is_not_ascii_is_taken_as_clients_write_it(
    folders: Folders, foreign: Path, encoding: str
) -> None:
    async with in_process(folders.line, api_keys_file=foreign) as server:
        for key, status in (("schlüssel", 200), ("schlössel", 401)):
            sent = {b"Authorization": f"Bearer {key}".encode(encoding)}
            assert (await server.http.post("/predict", json=ROWS, headers=sent)).status_code == status


def test_the_file_is_read_again(file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(keys, "_LOOK_SECONDS", 0)
    known = ApiKeys(file)
    assert known.accept(b"first-key")
    now = time.time()
    file.write_text("")
    os.utime(file, (now + 60, now + 60))
    monkeypatch.setattr(time, "time", lambda: now + 60.1)  # another program may go on writing into it
    assert known.accept(b"first-key")
    file.write_text("third-key\n")
    os.utime(file, (now, now))  # a while ago: nobody may have asked since
    assert known.accept(b"third-key")
    assert not known.accept(b"first-key")
    file.unlink()
    assert known.accept(b"third-key")
    assert "those read before stay valid" in caplog.messages[-1]
    assert "third-key" not in caplog.text


def test_a_file_that_is_not_there_is_a_sentence(folders: Folders, tmp_path: Path) -> None:
    with pytest.raises(KeysUnreadable) as caught:
        ModelServer(settings(model=str(folders.line), api_keys_file=tmp_path / "none"))
    assert str(caught.value) == (
        f"The API keys in {tmp_path}/none cannot be read (No such file or directory). "
        f"Write one key per line into it, or unset TENFOLD_API_KEYS_FILE"
    )
