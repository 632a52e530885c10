"""A PostgreSQL server of one's own to measure or to test with: in a temporary folder, on a free port, ended by its id.

As root it runs as an unprivileged user, since PostgreSQL refuses root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import RunFailed
from .own import free_port

_INSTALL = "On Debian: apt-get install postgresql; on macOS: brew install postgresql@17"
_START_SECONDS = 60.0


@dataclass
class Postgres:
    """A server that can be stopped and started again on the same port with the same data.

    Attributes:
        bin: folder of PostgreSQL's programs.
        folder: of the data, the log and the socket.
        options: of its configuration, such as "fsync=off".
        prefix: command that pins it to a core.
    """

    bin: Path
    folder: Path
    options: Sequence[str] = ()
    prefix: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[Any] | None = None
    databases: int = 0

    @property
    def url(self) -> str:
        """URL of the server's first database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """URL of a database of it."""
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
        os.chown(password, *user_and_group())
        self._run(
            *("initdb", "--pgdata", str(self.folder / "data"), "--username", "tenfold", "--pwfile", str(password)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"),
        )

    def start(self) -> None:
        """Start the server, and wait until it answers.

        Raises:
            RunFailed: it does not; says what is in its log.
        """
        own = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        options = [word for option in (*own, *self.options) for word in ("-c", option)]
        command = [*self.prefix, str(self.bin / "postgres"), "-D", str(self.folder / "data"), *options]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, **self._as_user(), stdout=log, stderr=log)
        ask = [self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + _START_SECONDS
        while subprocess.run(ask, check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RunFailed(f"PostgreSQL does not start: {(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, connections included; what was committed is kept."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
            self.process = None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.bin / program, *arguments], **self._as_user(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RunFailed(f"{program} failed: {done.stderr.strip()}")

    def _as_user(self) -> dict[str, Any]:
        environment = {**os.environ, "PGPASSWORD": "secret-word", "LC_ALL": "C"}
        if os.geteuid() != 0:
            return {"cwd": self.folder, "env": environment}
        user, group = user_and_group()
        return {"cwd": self.folder, "env": environment, "user": user, "group": group, "extra_groups": []}


@contextmanager
def running_postgres(options: Sequence[str] = (), prefix: Sequence[str] = ()) -> Generator[Postgres]:
    """A running server, gone with its folder at the end. The arguments are those of `Postgres`.

    Raises:
        RunFailed: it does not start, or PostgreSQL is not installed.
    """
    # Not under pytest's own temporary folder: only root may enter that, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="tenfold-pg-"))
    os.chown(folder, *user_and_group())
    server = Postgres(_programs(), folder, options, prefix)
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
        RunFailed: there is none; says what to install.
    """
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "postgres").exists()]
    if debian:
        return max(debian, key=lambda path: int(path.parent.name))
    if (config := shutil.which("pg_config")) is not None:
        folder = Path(subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
        if (folder / "postgres").exists():
            return folder
    raise RunFailed(f"PostgreSQL's server is needed, and none is installed. {_INSTALL}")


def user_and_group() -> tuple[int, int]:
    """Ids of an unprivileged user: oneself, or whom root lets such programs run as.

    Raises:
        RunFailed: there is none.
    """
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise RunFailed("PostgreSQL refuses root, and there is neither a user postgres nor a user nobody to run it as")
