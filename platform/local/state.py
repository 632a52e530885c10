"""The state folder: desired states as numbered files, locks that die with their holder, paths of all the rest.

Written by the target (desired state) and by the controller (what it observed); read by every command. Files appear by
an atomic rename, so a reader sees the old or the new one whatever is killed in between.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

from pydantic import Field

from ..errors import StateUnusable, UnknownService
from ..spec import NAME, Frozen, ServiceSpec
from ..target import Replica


class Revision(Frozen):
    """One desired state; the newest is the one in force. Older ones stay, so that a rollback can name them."""

    number: int
    created: datetime
    spec: ServiceSpec


class Observed(Frozen):
    """What the controller saw last of one service."""

    controller: str = Field(description="Which controller saw it: what its lock holds.")
    revision: int
    replicas: tuple[Replica, ...]
    restarts: int
    completed: bool = Field(description="Whether all wished replicas of this revision have been ready at once.")
    failure: str = Field(description="Why the revision cannot be reached, in a sentence; empty while it can.")


class ServiceFolder:
    """Everything that belongs to one service."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.revisions = path / "revisions"
        self.logs = path / "logs"
        self.metrics = path / "metrics"
        self.retraining_lock = path / "retraining.lock"
        self._observed = path / "observed.json"
        self._deleted = path / "deleted"

    @property
    def numbers(self) -> list[int]:
        """Numbers of the revisions, oldest first."""
        return sorted(int(p.stem) for p in self.revisions.glob("*.json"))

    @property
    def exists(self) -> bool:
        """Whether the service is wished for."""
        return not self.deleted and bool(self.numbers)

    @property
    def deleted(self) -> bool:
        """Whether it is to be stopped and forgotten."""
        return self._deleted.exists()

    def mark_deleted(self) -> None:
        """From now on it is to be stopped and forgotten."""
        self._deleted.touch()

    def remove(self) -> None:
        """Forget it, once nothing of it runs."""
        # Its wishes first: whatever is left when this is interrupted, it is no service any more.
        shutil.rmtree(self.revisions, ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)

    def current(self) -> Revision:
        """The desired state in force.

        Raises:
            UnknownService: there is none, or no longer.
        """
        numbers = self.numbers
        if not numbers:
            raise UnknownService(self.name, ())
        return self.revision(numbers[-1])

    def revision(self, number: int) -> Revision:
        """The desired state of that number."""
        return Revision.model_validate_json((self.revisions / f"{number:06}.json").read_bytes())

    def previous(self) -> Revision | None:
        """The newest desired state with another model version than the current one, or None."""
        current = self.current()
        older = (self.revision(n) for n in reversed(self.numbers) if n < current.number)
        return next((r for r in older if r.spec.model != current.spec.model), None)

    def write(self, spec: ServiceSpec) -> Revision:
        """Make `spec` the desired state in force. The caller holds `State.writing()`."""
        self.revisions.mkdir(parents=True, exist_ok=True)
        number = max(self.numbers, default=0) + 1
        revision = Revision(number=number, created=datetime.now(UTC), spec=spec)
        write_atomically(self.revisions / f"{number:06}.json", revision.model_dump_json(indent=2))
        return revision

    def observed(self) -> Observed | None:
        """What the controller saw last, or None before it looked."""
        try:
            return Observed.model_validate_json(self._observed.read_bytes())
        except FileNotFoundError:
            return None

    def observe(self, observed: Observed) -> None:
        """Keep what the controller sees."""
        write_atomically(self._observed, observed.model_dump_json())


class State:
    """The folder under which everything of a local platform lies. Constructing it touches nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        self.controller_lock = self.folder / "controller.lock"
        self.controller_log = self.folder / "controller.log"
        self.artifacts = self.folder / "artifacts"

    @classmethod
    def default(cls) -> Self:
        """The folder that `TENFOLD_STATE` names, else `~/.tenfold`."""
        return cls(Path(os.environ.get("TENFOLD_STATE") or "~/.tenfold"))

    @property
    def registry_uri(self) -> str:
        """Where model versions are kept: `TENFOLD_REGISTRY_URI`, else an SQLite file here."""
        return os.environ.get("TENFOLD_REGISTRY_URI") or f"sqlite:///{self.folder / 'registry.db'}"

    @property
    def log_url(self) -> str:
        """Where predictions and labels are kept: `TENFOLD_LOG_URL`, else an SQLite file here."""
        return os.environ.get("TENFOLD_LOG_URL") or f"sqlite:///{self.folder / 'log.db'}"

    def create(self) -> None:
        """Make the folder, or say why it cannot be used.

        Raises:
            StateUnusable: it cannot be made or written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as e:
            raise StateUnusable(
                f"The state folder {self.folder} cannot be written ({e.strerror}). "
                "Make it writable, or choose another with --state or TENFOLD_STATE"
            ) from e

    def model(self, name: str, version: str) -> Path:
        """Where the files of that model version lie for the replicas."""
        return self.folder / "models" / name / version

    def service(self, name: str) -> ServiceFolder:
        """The folder of the service, which may not exist."""
        return ServiceFolder(self.folder / "services" / name)

    def existing(self, name: str) -> ServiceFolder:
        """The folder of a service that exists.

        Raises:
            UnknownService: it does not.
        """
        folder = self.service(name)
        if not re.fullmatch(NAME, name) or not folder.exists:
            raise UnknownService(name, self.names)
        return folder

    @property
    def folders(self) -> list[ServiceFolder]:
        """All services, those to be deleted too."""
        return [ServiceFolder(p) for p in sorted((self.folder / "services").glob("*")) if p.is_dir()]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the services that are wished for, sorted."""
        return tuple(f.name for f in self.folders if f.exists)

    @contextmanager
    def writing(self) -> Generator[None]:
        """Only one process at a time changes desired state; others wait."""
        self.create()
        with (self.folder / "writing.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def write_atomically(path: Path, text: str) -> None:
    """Write `text` so that a reader, or a restart after kill -9, sees all of it or the former content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


def try_lock(path: Path, text: str = "") -> IO[str] | None:
    """Hold the lock at `path` until the returned file is closed or the process dies; None when another holds it."""
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.truncate(0)
    file.write(text)
    file.flush()
    return file


def lock_holder(path: Path) -> str | None:
    """What the process that holds the lock at `path` wrote into it; None when nobody holds it."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except BlockingIOError:
        return path.read_text()
    return None
