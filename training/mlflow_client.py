"""Opens MLflow quietly, quickly and without its global state; what it says then becomes a `RegistryError`.

`registry` is the only user. MLflow is imported here at the first call, since that takes seconds, and told to send
nothing home, to draw no progress bars, and to give up in seconds on a server that does not answer.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import sqlite3
import tempfile
import warnings
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from .errors import RegistryUnreachable

if TYPE_CHECKING:
    from mlflow import MlflowClient

CONNECT_SECONDS = 5.0
# Its own defaults try for four minutes. What the operator has set stays.
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
_PORTS = {"http": 80, "https": 443, "postgresql": 5432}


def place(uri: str) -> str:
    """Where the registry is, for people: no user, no password, no options."""
    file = sqlite_file(uri)
    if file is not None:
        return str(file)
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def sqlite_file(uri: str) -> Path | None:
    """The file of an SQLite registry; None for any other."""
    return Path(unquote(uri.removeprefix("sqlite:///"))) if uri.startswith("sqlite:///") else None


def open_client(uri: str, artifacts: Path | None) -> MlflowClient:
    """Connect to the registry; a new SQLite file gets its tables, and keeps files under `artifacts`.

    Raises:
        RegistryUnreachable: within seconds.
    """
    _check_reachable(uri)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with said(uri), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow about SQLAlchemy and pydantic: nothing that we could change
        from mlflow import MlflowClient

        file = sqlite_file(uri)
        if file is not None and artifacts is not None and not (file.exists() and file.stat().st_size):
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

            # Whoever makes the tables decides where MLflow's own default experiment writes; else that is ./mlruns.
            SqlAlchemyStore(uri, artifacts.as_uri())
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def said(uri: str) -> Generator[None]:
    """What MLflow, its database and its server say becomes a `RegistryUnreachable`, without secrets."""
    try:
        yield
    except Exception as e:
        if not _is_of_registry(e):
            raise
        raise RegistryUnreachable(place(uri), _first_line(e), _remedy(uri)) from e


def is_missing(error: Exception) -> bool:
    """Whether MLflow says that what was asked for does not exist."""
    return getattr(error, "error_code", None) in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def _check_reachable(uri: str) -> None:
    """MLflow tries a database ten times and a server for minutes: look first."""
    file = sqlite_file(uri)
    try:
        if file is not None:
            _check_file(file)
        else:
            parts = urlsplit(uri)
            port = parts.port or _PORTS.get(parts.scheme.partition("+")[0])
            if parts.hostname and port:
                socket.create_connection((parts.hostname, port), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError, sqlite3.Error) as e:
        raise RegistryUnreachable(place(uri), _first_line(e), _remedy(uri)) from e


def _check_file(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as e:
        raise NotADirectoryError(None, f"{file.parent} is not a folder") from e
    if not file.exists():
        with tempfile.TemporaryFile(dir=file.parent):  # asking for permission says nothing of a disk or a user's rights
            return
    if file.is_dir() or not os.access(file, os.W_OK):
        raise PermissionError(None, "it cannot be written")
    if file.stat().st_size:
        with closing(sqlite3.connect(file, timeout=CONNECT_SECONDS)) as database:
            database.execute("PRAGMA schema_version")


def _remedy(uri: str) -> str:
    if sqlite_file(uri) is not None:
        return "Check that its folder can be written and has room, or name another in TENFOLD_REGISTRY_URI"
    return "Check that the server runs and that TENFOLD_REGISTRY_URI names it with the right user and password"


def _is_of_registry(error: Exception) -> bool:
    modules = {base.__module__.partition(".")[0] for base in type(error).__mro__}
    return isinstance(error, OSError) or not modules.isdisjoint({"mlflow", "sqlalchemy", "requests", "urllib3"})


def _first_line(error: Any) -> str:
    text = getattr(error, "strerror", None) or str(getattr(error, "orig", None) or error)
    if "Max retries exceeded" in text:  # by urllib3, in a sentence of 300 characters
        return "it does not answer"
    lines = text.strip().splitlines() or [type(error).__name__]
    return re.sub(r"://[^/@\s]+@", "://", lines[0]).rstrip(". ")
