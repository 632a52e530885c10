"""The start of a server process: live at once, ready later, and a sentence where it cannot be."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from integration.serving.processes import COMMAND, Server, environment, failed, started
from support.places import GUARD, free_port, wait_until
from tenfold.serving.__main__ import serve
from unit.serving.stage import Folders


class Held:
    """A model whose file can only be read to its end when the test lets it."""

    def __init__(self, model: Path, copy: Path) -> None:
        shutil.copytree(model, copy)
        self.folder, self._file = copy, copy / "model.skops"
        self._content = self._file.read_bytes()
        self._file.unlink()
        os.mkfifo(self._file)

    def release(self) -> None:
        self._file.write_bytes(self._content)


@pytest.fixture
def held(folders: Folders, tmp_path: Path) -> Held:
    return Held(folders.line, tmp_path / "line")


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The service's and the probe's, bound as the local target does it."""
    with socket.socket() as service, socket.socket() as probe:
        service.bind(("127.0.0.1", 0))
        probe.bind(("127.0.0.1", 0))
        yield service, probe


def port_of(bound: socket.socket) -> int:
    return bound.getsockname()[1]


def connects(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def reason(server: Server, state: str) -> str:
    answer = server.get("/v2/health/ready")
    assert answer is not None
    assert answer.status_code == 503
    assert answer.json()["state"] == state
    return answer.json()["reason"]


def test_live_at_once_and_ready_when_the_model_is_loaded(held: Held, tmp_path: Path) -> None:
    with started(tmp_path, model=held.folder) as server:
        wait_until(lambda: server.answers("/v2/health/live", 200), what="a live server")
        assert reason(server, "loading") == "the model is being loaded"
        early = httpx.post(f"http://127.0.0.1:{server.port}/predict", json={"rows": [{"x": 1}]}, trust_env=False)
        assert early.status_code == 503
        held.release()
        server.until_ready()
        assert f'"HTTP listens on 127.0.0.1:{server.port}"' in server.said
        late = httpx.post(f"http://127.0.0.1:{server.port}/predict", json={"rows": [{"x": 1}]}, trust_env=False)
        assert late.json()["predictions"] == pytest.approx([3])
        assert late.json()["model"] == {"name": "line", "version": "7"}


def test_a_replica_accepts_on_the_shared_socket_only_when_it_is_ready(
    held: Held, sockets: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    service, probe = sockets
    fds = {"listen_fd": service.fileno(), "probe_fd": probe.fileno()}
    with started(tmp_path, model=held.folder, port=port_of(probe), pass_fds=tuple(fds.values()), **fds) as server:
        wait_until(lambda: server.answers("/v2/health/live", 200), what="a live replica")
        assert not connects(port_of(service))
        reason(server, "loading")
        held.release()
        server.until_ready()
        url = f"http://127.0.0.1:{port_of(service)}/predict"
        answer = httpx.post(url, json={"rows": [{"x": 1}]}, trust_env=False)
        assert answer.json()["predictions"] == pytest.approx([3])
        server.process.terminate()
        assert server.ended() == 0
        assert '"level":"error"' not in server.said


def test_a_replica_whose_model_cannot_be_loaded_stays_and_says_why(
    folders: Folders, sockets: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    service, probe = sockets
    fds = {"listen_fd": service.fileno(), "probe_fd": probe.fileno()}
    with started(tmp_path, model=folders.pickled, port=port_of(probe), pass_fds=tuple(fds.values()), **fds) as server:
        wait_until(lambda: (a := server.get("/v2/health/ready")) and a.json()["state"] == "failed", what="a failure")
        assert "loading a pickle can run any code" in reason(server, "failed")
        assert server.answers("/v2/health/live", 200)
        assert not connects(port_of(service))
        server.process.terminate()
        assert server.ended() == 0


def test_a_port_in_use() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = port_of(other)
        sentence = failed(model="anything", port=port)
    assert f"Nothing can listen on 127.0.0.1:{port} (Address already in use)" in sentence
    assert "choose another port" in sentence


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    sentence = failed(str(tmp_path / "nowhere"), "--port", str(free_port()), program=COMMAND)
    assert f"There is no model at {tmp_path / 'nowhere'}" in sentence
    assert "models:/name/7" in sentence


def test_a_model_that_needs_pickle(folders: Folders) -> None:
    sentence = failed(model=folders.pickled, port=free_port())
    assert str(folders.pickled) in sentence
    assert "set TENFOLD_ALLOW_PICKLE=true" in sentence


def test_a_registry_that_cannot_be_reached() -> None:
    """MLflow alone would try for minutes; `failed` waits for half a one. It takes 7 s on a machine that is not busy."""
    registry = f"http://127.0.0.1:{free_port()}"
    sentence = failed(model="models:/iris/1", port=free_port(), registry_uri=registry)
    assert "The model models:/iris/1 cannot be fetched from the registry" in sentence
    assert "TENFOLD_REGISTRY_URI names a registry that can be reached from here" in sentence


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "model: Field required"),
        ({"model": "m", "port": 99999}, "port: Input should be less than or equal to 65535"),
        ({"model": "m", "max_rows": "many"}, "max_rows: Input should be a valid integer"),
        ({"model": "m", "log_url": 7}, "log_url: Input should be a valid string"),
    ],
)
def test_settings_that_are_wrong(settings: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(settings) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: The server's settings are wrong: ")
    assert words in said
    assert said.endswith("Each is TENFOLD_<NAME> in the environment, or a flag\n")


def test_a_log_of_another_kind_of_database() -> None:
    sentence = failed(model="m", port=free_port(), log_url="mysql://user:secret@host/database")
    assert "'mysql' is neither sqlite nor postgresql" in sentence
    assert "secret" not in sentence


def test_threads_follow_the_share_of_the_cpu() -> None:
    code = (
        "from tenfold.serving.__main__ import limit_threads; limit_threads(1.5)\n"
        "import numpy, sklearn.neighbors, threadpoolctl\n"
        "print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})"
    )
    bare = {key: value for key, value in environment().items() if not key.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=True)
    assert done.stdout == "{1}\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the heaps are glibc's")
@pytest.mark.parametrize(("before", "shared"), [("share_heap()", True), ("", False)])
def test_all_threads_share_a_heap(before: str, shared: bool, tmp_path: Path) -> None:
    code = f"""
import ctypes, threading
from tenfold.serving.__main__ import share_heap
{before}
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
together = threading.Barrier(4)
def allocate():
    together.wait()
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
file = ctypes.c_void_p(libc.fopen({str(tmp_path / "heaps.xml")!r}.encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=GUARD)
    assert ((tmp_path / "heaps.xml").read_text().count("<heap nr=") == 1) is shared


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the heap is glibc's")
@pytest.mark.parametrize(("before", "outside"), [("share_heap()", True), ("", False)])
def test_a_large_body_lies_outside_of_the_heap(before: str, outside: bool) -> None:
    code = f"""
import ctypes
from tenfold.serving.__main__ import share_heap
{before}
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.sbrk.restype, libc.sbrk.argtypes = ctypes.c_void_p, ctypes.c_void_p, [ctypes.c_ssize_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.free(libc.malloc(20 << 20))  # from here on glibc by itself takes as much from the heap
print(libc.malloc(16 << 20) > libc.sbrk(0))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=GUARD)
    assert done.stdout == f"{outside}\n"
