"""Packed bodies are unpacked within the limits of all others, and bodies give back what they held."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from unit.serving.stage import FLOWER, Folders, InProcess, in_process

ROW = dict(zip(FLOWER, [5.1, 3.5, 1.4, 0.2], strict=True))
BODY = json.dumps({"rows": [ROW] * 50}).encode()


async def sent(server: InProcess, body: bytes, encoding: str) -> tuple[int, Any]:
    answer = await server.http.post("/predict", content=body, headers={"Content-Encoding": encoding})
    assert server.core.loaded
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("GZip", gzip.compress)],
)
async def test_a_packed_body_is_unpacked(folders: Folders, encoding: str, pack: Any) -> None:
    async with in_process(folders.iris) as server:
        status, said = await sent(server, pack(BODY), encoding)
        assert (status, len(said["predictions"])) == (200, 50)


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (gzip.compress(b" " * 2_000_000), 413, "the limit is 1000000 bytes"),
        (gzip.compress(BODY)[:-9], 400, "ends too early"),
        (gzip.compress(BODY) + b"more", 400, "goes on after its end"),
        (gzip.compress(BODY) * 2, 400, "goes on after its end"),
        (b"", 400, "ends too early"),
        (BODY, 400, "not compressed as its Content-Encoding says"),
    ],
)
async def test_a_body_that_is_packed_wrongly_is_a_sentence(
    folders: Folders, body: bytes, status: int, why: str
) -> None:
    async with in_process(folders.iris, max_body_bytes=1_000_000) as server:
        found, said = await sent(server, body, "gzip")
        assert found == status
        assert why in said["error"]


async def test_bodies_hold_bytes_until_they_are_answered(folders: Folders) -> None:
    async with in_process(folders.iris, max_held_bytes=len(BODY) + 10) as server:
        assert (await sent(server, BODY, "identity"))[0] == 200
        answer = await server.http.post("/predict", content=BODY + b" " * 11)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "TENFOLD_MAX_HELD_BYTES" in answer.json()["error"]
        assert (await sent(server, BODY, "identity"))[0] == 200
