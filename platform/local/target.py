"""The local target: services as processes on this machine, kept by one controller per state folder.

A command writes desired state into the folder and makes sure that a controller runs; the controller does the rest.
"""

from __future__ import annotations

import os
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx

from ..errors import KeysElsewhere, PlatformError, StateUnusable
from ..plan import differences
from ..spec import ServiceSpec
from ..target import Change, LogLine, Replica, Status, Traffic
from ..traffic import traffic_of
from .alarm import next_run
from .listener import bind
from .process import MARKS, Process, find, start, stop
from .replica import ReplicaProcess
from .state import ServiceFolder, State, lock_holder
from .verdict import judge

CONTROLLER_START_SECONDS = 20.0
STOP_SECONDS = 60.0
# Replicas answer plain HTTP. By default httpx reads all certificate authorities, anew for each question.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

Fetch = Callable[[str, str, Path], None]


class LocalTarget:
    """Implements `tenfold.platform.target.Target` on one state folder.

    Args:
        state: the folder.
        fetch: puts the files of a model version, by name and version, into a folder.
        background: whether `apply` starts a controller when none runs; `tenfold up` is one itself.
    """

    poll_seconds = 0.25

    def __init__(self, state: State, fetch: Fetch, *, background: bool = True) -> None:
        self.state = state
        self._fetch = fetch
        self._background = background

    @property
    def names(self) -> tuple[str, ...]:
        """The services that exist, sorted."""
        return self.state.names

    def plan(self, spec: ServiceSpec) -> tuple[Change, ...]:
        """What `apply(spec)` would change; empty when nothing."""
        _check_keys(spec)
        folder = self.state.service(spec.name)
        return differences(folder.current().spec if folder.exists else None, spec)

    def apply(self, spec: ServiceSpec) -> None:
        """Make `spec` the desired state, and make sure that a controller runs.

        Raises:
            AddressInUse: another program listens where the service should.
            StateUnusable: the state folder cannot be written.
            KeysElsewhere: the spec names keys in a Secret alone.
        """
        _check_keys(spec)
        self.state.create()
        folder = self.state.service(spec.name)
        self._await_deletion(folder)
        self._check_ports(folder, spec)
        self._fetch(spec.name, spec.version, self.state.model(spec.name, spec.version))
        with self.state.writing():
            if not folder.exists or folder.current().spec != spec:
                folder.write(spec)
        if self._background:
            self.ensure_controller()

    def status(self, name: str) -> Status:
        """Desired and actual state.

        Raises:
            UnknownService: no such service.
        """
        folder = self.state.existing(name)
        holder = lock_holder(self.state.controller_lock)
        supervised = holder is not None
        observed, revision, previous = folder.observed(), folder.current(), folder.previous()
        if observed and supervised and observed.controller != holder:
            observed = None  # What an earlier controller saw may be long gone; this one has not looked yet.
        replicas = observed.replicas if supervised and observed else () if supervised else self._orphans(name)
        verdict, reason = judge(revision, observed, replicas, supervised=supervised)
        spec = revision.spec
        registry = supervised and self.state.registry_uri.startswith("sqlite:") and spec.registry_port
        return Status(
            name=name,
            verdict=verdict,
            reason=reason,
            spec=spec,
            revision=revision.number,
            previous=previous.spec if previous else None,
            replicas=replicas,
            restarts=observed.restarts if observed else 0,
            url=f"http://{_reachable(spec.host)}:{spec.port}",
            page_url=f"http://127.0.0.1:{spec.page_port}/",
            registry_url=f"http://127.0.0.1:{spec.registry_port}" if registry else "",
            traffic=self._traffic(replicas),
            next_run=next_run(spec.retraining, datetime.now(UTC)),
        )

    def logs(self, name: str, *, follow: bool = False, previous: bool = False) -> Iterator[LogLine]:
        """What the replicas wrote, one after the other; with `follow`, then line by line as they write.

        With `previous`, only what those wrote that are no more.
        """
        folder = self.state.existing(name)
        read: dict[Path, int] = {}
        left_out = {r.id for r in self.status(name).replicas} if previous else set[str]()
        while True:
            for file in sorted(f for f in folder.logs.glob("*.log") if str(int(f.stem)) not in left_out):
                # The logs of the oldest replicas are removed as new ones start.
                with suppress(FileNotFoundError), file.open(errors="replace") as text:
                    text.seek(read.get(file, 0))
                    while (line := text.readline()).endswith("\n"):
                        read[file] = text.tell()
                        yield LogLine(replica=str(int(file.stem)), text=line.rstrip("\n"))
            if not follow or not folder.path.exists():
                return
            time.sleep(0.2)

    def delete(self, name: str) -> tuple[str, ...]:
        """Stop and forget the service. Returns what is kept."""
        folder = self.state.existing(name)
        with self.state.writing():
            folder.mark_deleted()
        self._await_deletion(folder)
        return (
            f"the versions of {name} in the registry",
            f"the predictions and labels of {name} in the inference log",
        )

    def ensure_controller(self) -> None:
        """Start a controller in the background unless one runs.

        Raises:
            StateUnusable: it did not start; the message quotes why.
        """
        if lock_holder(self.state.controller_lock) is not None:
            return
        self.state.create()
        process = start(
            self.state,
            "controller",
            ["-m", "tenfold.platform.local.controller", "--state", str(self.state.folder)],
            log=self.state.controller_log,
        )
        deadline = time.monotonic() + CONTROLLER_START_SECONDS
        while lock_holder(self.state.controller_lock) is None:
            if not process.alive or time.monotonic() > deadline:
                last = self.state.controller_log.read_text(errors="replace").strip().splitlines()[-1:]
                raise StateUnusable(
                    f"The controller did not start ({process.ending}): {' '.join(last)} "
                    f"Its log is {self.state.controller_log}"
                )
            time.sleep(0.05)

    def down(self) -> int:
        """Stop every process of this state folder, keep all desired state and data. Returns how many were stopped."""
        running = find(self.state)
        holder = lock_holder(self.state.controller_lock)
        if holder is not None:
            # A controller that has just begun holds the lock for a moment before it has written who it is.
            self._wait(lambda: lock_holder(self.state.controller_lock) != "", "the controller does not begin")
            holder = lock_holder(self.state.controller_lock)
        if holder:
            with suppress(ProcessLookupError):
                os.kill(int(holder), signal.SIGTERM)
            self._wait(lambda: lock_holder(self.state.controller_lock) is None, "the controller does not end")
        stop(find(self.state), grace=STOP_SECONDS)
        return len(running)

    def _await_deletion(self, folder: ServiceFolder) -> None:
        def gone() -> bool:
            if folder.deleted and lock_holder(self.state.controller_lock) is None:
                stop(self._replicas(folder.name), grace=STOP_SECONDS)
                folder.remove()
            return not folder.path.exists()

        if folder.deleted:
            self._wait(gone, f"the replicas of {folder.name} do not end")

    def _check_ports(self, folder: ServiceFolder, spec: ServiceSpec) -> None:
        """Refuse an address that is new to the service and taken by another program.

        Raises:
            AddressInUse: there is one.
        """
        before = folder.current().spec if folder.exists else None
        if before is None or (before.host, before.port) != (spec.host, spec.port):
            bind(spec.host, spec.port).close()
        # The page and the registry's server are shared: those of this platform may run already.
        shared = {p.marks[MARKS + "PORT"] for p in find(self.state) if p.role in {"page", "registry"}}
        for port in (spec.page_port, spec.registry_port):
            known = before and port in {before.page_port, before.registry_port}
            if port is not None and not known and str(port) not in shared:
                bind("127.0.0.1", port).close()

    def _wait(self, done: Callable[[], bool], problem: str) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise PlatformError(f"After {STOP_SECONDS:g} s {problem}. Look into {self.state.controller_log}")
            time.sleep(0.05)

    def _replicas(self, name: str) -> list[Process]:
        return [p for p in find(self.state) if p.role == "replica" and p.marks[MARKS + "SERVICE"] == name]

    def _orphans(self, name: str) -> tuple[Replica, ...]:
        """Replicas that nobody keeps, as they answer now."""
        seen: list[Replica] = []
        for process in self._replicas(name):
            replica = ReplicaProcess(process)
            with suppress(httpx.HTTPError):
                replica.state = "ready" if _ask(f"{replica.url}/v2/health/ready").is_success else "unready"
            seen.append(replica.seen())
        return tuple(seen)

    def _traffic(self, replicas: tuple[Replica, ...]) -> tuple[Traffic, ...]:
        """Counted over all replicas by any one of them: they share their counters."""
        for replica in replicas:
            if replica.state in {"ready", "draining"}:
                with suppress(httpx.HTTPError):
                    return traffic_of(_ask(f"{replica.url}/metrics").text)
        return ()


def _check_keys(spec: ServiceSpec) -> None:
    if spec.server.api_keys_secret and spec.server.api_keys_file is None:
        raise KeysElsewhere("api_keys_secret", "api_keys_file")


def _ask(url: str) -> httpx.Response:
    return httpx.get(url, timeout=2, trust_env=False, verify=NO_TLS)


def _reachable(host: str) -> str:
    """The host as it stands in an address: a wildcard can be listened on, but not be called."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{host}]" if ":" in host else host
