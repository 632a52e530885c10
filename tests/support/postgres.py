"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port, ended by its process id.

As root it runs as an unprivileged user, since PostgreSQL refuses root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .places import free_port, wait_until

_INSTALL = "On Debian: apt-get install postgresql; on macOS: brew install postgresql@17"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@dataclass
class Postgres:
    """A server that can be stopped and started again on the same port with the same data."""

    bin: Path
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[Any] | None = None
    databases: int = 0

    @property
    def url(self) -> str:
        """URL of the server's first database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql://tenfold:secret-word@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """URL of a fresh, empty database."""
        self.databases += 1
        name = f"test_{self.databases}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tenfold", name)
        return self.url_of(name)

    def create(self) -> None:
        """Make the data folder."""
        password = self.folder / "password"
        password.write_text("secret-word\n")
        os.chown(password, *_user_and_group())
        self._run(
            *("initdb", "--pgdata", str(self.folder / "data"), "--username", "tenfold", "--pwfile", str(password)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"),
        )

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", *_FAST]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.folder / "data", *(w for o in options for w in ("-c", o))],
                **self._as_user(),
                stdout=log,
                stderr=log,
            )
        ask = [self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        try:
            wait_until(
                lambda: subprocess.run(ask, check=False).returncode == 0 or self._ended(), what="PostgreSQL's answer"
            )
        finally:
            if self._ended():
                raise RuntimeError(f"PostgreSQL ended: {(self.folder / 'server.log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it at once, connections included; what was committed is kept."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
            self.process = None

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.bin / program, *arguments], **self._as_user(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")

    def _as_user(self) -> dict[str, Any]:
        environment = {**os.environ, "PGPASSWORD": "secret-word", "LC_ALL": "C"}
        if os.geteuid() != 0:
            return {"cwd": self.folder, "env": environment}
        user, group = _user_and_group()
        return {"cwd": self.folder, "env": environment, "user": user, "group": group, "extra_groups": []}


@contextmanager
def running_postgres() -> Generator[Postgres]:
    """A running server, gone with its folder at the end."""
    # Not under pytest's own temporary folder: only root may enter that, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="tenfold-pg-"))
    os.chown(folder, *_user_and_group())
    server = Postgres(_programs(), folder)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _programs() -> Path:
    """The folder of the newest installed PostgreSQL.

    Raises:
        RuntimeError: there is none; says what to install.
    """
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "postgres").exists()]
    if debian:
        return max(debian, key=lambda path: int(path.parent.name))
    if (config := shutil.which("pg_config")) is not None:
        folder = Path(subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
        if (folder / "postgres").exists():
            return folder
    raise RuntimeError(f"These tests need PostgreSQL's server, and none is installed. {_INSTALL}")


def _user_and_group() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise RuntimeError("PostgreSQL refuses root, and there is neither a user postgres nor a user nobody to run it as")
