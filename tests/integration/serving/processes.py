"""Model servers as processes of their own, and connections to them that forgive nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import orjson
from support.load import get, post
from support.places import GUARD, asked, free_port, wait_until

MODULE = (sys.executable, "-m", "tenfold.serving")
COMMAND = (str(Path(sys.executable).with_name("tenfold")), "serve")


def environment(**settings: Any) -> dict[str, str]:
    """That of the tests without what is meant for servers, and these settings."""
    ours = ("TENFOLD_", "MLFLOW_", "PROMETHEUS_")
    bare = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**bare, **{key if key.isupper() else f"TENFOLD_{key.upper()}": str(v) for key, v in settings.items()}}


@dataclass
class Server:
    """One server; `port` is where it answers from the start."""

    process: subprocess.Popen[Any]
    port: int
    stderr: Path

    @property
    def said(self) -> str:
        return self.stderr.read_text()

    def get(self, path: str) -> httpx.Response | None:
        """The answer, None where nobody answers."""
        return asked(f"http://127.0.0.1:{self.port}{path}")

    def answers(self, path: str, status: int) -> bool:
        assert self.process.poll() is None, self.said
        answer = self.get(path)
        return answer is not None and answer.status_code == status

    def until_ready(self) -> Self:
        wait_until(lambda: self.answers("/v2/health/ready", 200), what="a ready server")
        return self

    def ended(self) -> int:
        return self.process.wait(GUARD)


@contextmanager
def started(
    folder: Path,
    *,
    program: Sequence[str] = MODULE,
    arguments: Sequence[str] = (),
    port: int | None = None,
    pass_fds: Sequence[int] = (),
    **settings: Any,
) -> Generator[Server]:
    """A server that runs while the context is open; its output goes into `folder`."""
    port = port or free_port()
    stderr = folder / f"server-{port}.log"
    with stderr.open("wb") as log:
        process = subprocess.Popen(
            [*program, *arguments],
            env=environment(**{"version": 7, **settings}, **({} if pass_fds else {"port": port})),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=pass_fds,
        )
    try:
        yield Server(process, port, stderr)
    finally:
        process.kill()
        process.wait(GUARD)


def failed(*arguments: str, program: Sequence[str] = MODULE, **settings: Any) -> str:
    """Run a server that cannot: its last line, having checked that it is a sentence and the exit code 1."""
    done = subprocess.run(
        [*program, *arguments], env=environment(**settings), capture_output=True, text=True, timeout=GUARD, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("Error: ")
    return last


class Connection:
    """A connection that is kept: one request after the other, and what HTTP says about its end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, path: str, document: Any) -> None:
        self.writer.write(post(path, document))

    async def answer(self) -> tuple[int, bool, Any]:
        """Status, whether the server announced to close, and the document."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        at = head.index(b"content-length:") + 15
        body = await self.reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
        return int(head[9:12]), b"\r\nconnection: close\r\n" in head, orjson.loads(body)

    async def ask(self, path: str, document: Any) -> tuple[int, bool, Any]:
        self.send(path, document)
        return await self.answer()

    async def get(self, path: str) -> tuple[int, bool, Any]:
        self.writer.write(get(path))
        return await self.answer()

    async def closed(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()
