"""A PostgreSQL server of the tests' own, and PgBouncer before it: in temporary folders, on free ports.

Quick, since what is lost with the machine matters to no test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tenfold.loadtests import postgres
from tenfold.loadtests.postgres import Postgres, user_and_group

from .places import free_port, wait_until

__all__ = ["Postgres", "running_pgbouncer", "running_postgres"]

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
_SBIN = "/usr/sbin/pgbouncer"
PGBOUNCER = _SBIN if Path(_SBIN).exists() else shutil.which("pgbouncer")


@contextmanager
def running_postgres() -> Generator[Postgres]:
    """A running server, gone with its folder at the end."""
    with postgres.running_postgres(_FAST) as server:
        yield server


@contextmanager
def running_pgbouncer(server: Postgres) -> Generator[Postgres]:
    """PgBouncer before a running server, in transaction mode: its clients take turns in two connections."""
    assert PGBOUNCER
    folder = Path(tempfile.mkdtemp(prefix="tenfold-pgbouncer-"))
    port = free_port()
    (folder / "users").write_text('"tenfold" "secret-word"\n')
    (folder / "pgbouncer.ini").write_text(
        f"""
[databases]
* = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder / "users"}
pool_mode = transaction
default_pool_size = 2
"""
    )
    user, group = user_and_group()
    for path in (folder, *folder.iterdir()):
        os.chown(path, user, group)
    switched = {"user": user, "group": group, "extra_groups": []} if os.geteuid() == 0 else {}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PGBOUNCER, folder / "pgbouncer.ini"], stdout=log, stderr=log, **switched)
    ask = [server.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    try:
        wait_until(lambda: subprocess.run(ask, check=False).returncode == 0, what="PgBouncer's answer")
        yield Postgres(server.bin, folder, port=port)
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)
