"""What differs between SQLite and PostgreSQL: the URL, the engine, the start of a transaction, making the tables.

`store` speaks to both through what this module and `statements` return, and knows neither. Nothing here is opened
before it is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from .errors import InvalidLogUrl
from .tables import metadata

READS: Final = "tenfold_reads"
"""Execution option of a transaction that only reads: on SQLite it takes no write lock."""

_ADVISORY_LOCK = 0x74656E666F6C64  # "tenfold" in ASCII: any number that every replica knows and nobody else uses
_POSTGRESQL_DEFAULTS: dict[str, Any] = {
    "application_name": "tenfold",
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",  # a server that vanished without a word counts as unreachable after 10 s
    "prepare_threshold": None,  # behind PgBouncer the next transaction may meet a server that has prepared nothing
}
# PgBouncer refuses or forgets the settings of a session, so each transaction begins with its own, in one message.
# In UTC, since in another zone the first and the last day of the calendar lie outside of what Python can read.
_POSTGRESQL_BEGIN = "BEGIN; SET LOCAL timezone = 'UTC'"
_POSTGRESQL_LOCK_TIMEOUT = "; SET LOCAL lock_timeout = '10s'"


def parse_url(url: str) -> URL:
    """The URL with the driver that tenfold brings.

    Raises:
        InvalidLogUrl: no URL, another database, or an SQLite database in memory.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidLogUrl("what was given is not a URL") from None  # the cause would quote it, password included
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.database in (None, "", ":memory:"):
                raise InvalidLogUrl("an SQLite database in memory is lost with the process, so it needs a file")
            return parsed.set(drivername="sqlite+pysqlite")
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise InvalidLogUrl(f"'{other}' is neither sqlite nor postgresql")


def place(url: URL) -> str:
    """Where the database is, for people: no user, no password, no options."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"postgresql://{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"


def remedy(url: URL) -> str:
    """What to look at when it does not answer."""
    if url.get_backend_name() == "sqlite":
        return "Check that its folder exists, can be written and has room, and that no other program holds the file"
    return "Check that the server runs and that host, port, user, password and database of the URL are right"


def open_engine(url: URL, busy_seconds: float) -> Engine:
    """An engine that has connected nowhere yet. Rows never appear in its error messages."""
    # Ten replicas share one server that by default takes 100 connections.
    options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": True, "pool_size": 2, "max_overflow": 2}
    if url.get_backend_name() == "postgresql":
        given = {k: v for k, v in _POSTGRESQL_DEFAULTS.items() if k not in url.query}
        engine = create_engine(url, connect_args=given, isolation_level="AUTOCOMMIT", **options)
        own = "lock_timeout" in str(url.query.get("options", ""))
        event.listen(engine, "begin", _begins_with(_POSTGRESQL_BEGIN + ("" if own else _POSTGRESQL_LOCK_TIMEOUT)))
        return engine
    engine = create_engine(url, connect_args={"timeout": busy_seconds}, **options)
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def create_tables(engine: Engine, busy_seconds: float) -> None:
    """Make what is missing; ten processes may do this at once."""
    if engine.dialect.name == "sqlite":
        _use_wal(engine, time.monotonic() + busy_seconds)
    with engine.begin() as connection:  # SQLite: the transaction itself is the lock
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        metadata.create_all(connection)


def _begins_with(statements: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statements)

    return begin


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself: `_on_sqlite_begin` does
    # Of a new file only; a row then costs SQLite a fifth less.
    connection.execute("PRAGMA page_size = 16384")
    # With WAL a crash of the process loses nothing and a power cut at most the last moments; never the whole file.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _on_sqlite_begin(connection: Connection) -> None:
    # A transaction that starts as a reader and then writes fails at once when another one wrote meanwhile; one
    # that takes the write lock first waits for it.
    reads = connection.get_execution_options().get(READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _use_wal(engine: Engine, deadline: float) -> None:
    """Readers and the writer no longer wait for each other; a property of the file, so set once.

    SQLite does not wait for the lock that this change needs, whatever its busy timeout: so try again.
    """
    while True:
        try:
            connection = engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA journal_mode = WAL")
                return
            finally:
                connection.close()
        except engine.dialect.loaded_dbapi.Error as e:
            if "locked" not in str(e) or time.monotonic() > deadline:
                raise OperationalError("PRAGMA journal_mode = WAL", None, e) from e
            time.sleep(0.01)
