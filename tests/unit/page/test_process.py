"""`python -m tenfold.platform.page` as a process: it starts, stops, and says in one sentence what was wrong."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from support.places import GUARD, answers, free_port, wait_until

COMMAND = (sys.executable, "-m", "tenfold.platform.page")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=GUARD, check=False)


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run("--state", str(tmp_path), "--port", str(port))
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith(f"Nothing can listen on 127.0.0.1:{port} (Address already in use)")
    assert "choose another port" in sentence


def test_an_address_of_another_machine_is_one_sentence(tmp_path: Path) -> None:
    ended = run("--state", str(tmp_path), "--host", "192.0.2.1", "--port", str(free_port()))
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert "Nothing can listen on 192.0.2.1" in sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--port", "70000"), "'70000' is not a port"),
        (("--prefix", "app"), "'app' is not a path prefix; write one like /app"),
    ],
)
def test_wrong_options(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    ended = run("--state", str(tmp_path), *arguments)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_an_empty_platform_until_it_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    arguments = ("--state", str(tmp_path / "state"), "--port", str(port), "--prefix", "/app/")
    with subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True) as page:
        try:
            wait_until(lambda: ready(page, port), what="the page")
            assert httpx.get(f"http://127.0.0.1:{port}/app/data/overview").json()["services"] == []
            page.send_signal(number)
            _, errors = page.communicate(timeout=GUARD)
        finally:
            page.kill()
    assert (page.returncode, errors) == (0, "")


def ready(page: subprocess.Popen[str], port: int) -> bool:
    assert page.poll() is None, page.stderr and page.stderr.read()
    return answers(f"http://127.0.0.1:{port}/app/health/ready")
