"""Keeps one service as its newest revision wishes: the reconcile round of the controller, for one service.

Each round reads desired state from the folder, probes what runs, starts and drains what `next_steps` says, and writes
what it saw. Nothing is remembered that a new controller could not find out again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Sequence

import httpx

from ..errors import AddressInUse
from ..spec import ServiceSpec
from ..target import ReplicaState
from .forks import ForkServer, ForkServers
from .listener import bind
from .process import Process
from .replica import ReplicaProcess, import_environment, log_file, start_replica
from .rollout import Candidate, next_steps
from .state import Observed, Revision, ServiceFolder, State

log = logging.getLogger(__name__)

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0
CRASHES_THAT_FAIL = 3
LOGS_KEPT = 50
# Longer than a server takes to finish what is in flight after its clients had time to move away.
DRAIN_GRACE = 30.0


class Supervisor:
    """One service. `step()` is one round; `stop()` drains everything."""

    def __init__(
        self,
        state: State,
        folder: ServiceFolder,
        found: Sequence[Process],
        http: httpx.AsyncClient,
        fork_servers: ForkServers,
    ) -> None:
        self.name = folder.name
        self._state, self._folder, self._http, self._fork_servers = state, folder, http, fork_servers
        self._replicas = [ReplicaProcess(p) for p in found]
        # Replicas of an earlier controller listen on a socket that we do not have: they serve until ours are ready.
        self._inherited = {r.id for r in self._replicas}
        self._listener: tuple[str, int, socket.socket] | None = None
        self._next_id = max([r.id for r in self._replicas] + [int(p.stem) for p in folder.logs.glob("*.log")] + [0]) + 1
        self._revision: int = 0
        self._template = ""
        self._completed = False
        self._failure = ""
        self._crashes = 0
        self._restarts = 0
        self._not_before = 0.0
        self._most_ready, self._progressed = 0, time.monotonic()
        self._observed: Observed | None = None

    @property
    def gone(self) -> bool:
        """Whether the service is deleted and nothing of it runs any more."""
        return self._folder.deleted and not self._replicas

    async def step(self) -> None:
        """One round."""
        await asyncio.gather(*(r.probe(self._http) for r in self._replicas))
        self._reap()
        if self._folder.deleted:
            self._drain({r.id for r in self._replicas})
            return
        revision = self._folder.current()
        self._follow(revision)
        self._converge(revision)
        self._judge(revision)
        self._write(revision)

    async def stop(self) -> None:
        """Drain every replica and wait until all have ended."""
        self._drain({r.id for r in self._replicas})
        while self._replicas:
            self._reap()
            await asyncio.sleep(0.05)
        self._close_listener()
        if not self._folder.deleted:
            self._write(self._folder.current())

    def _reap(self) -> None:
        for replica in list(self._replicas):
            if replica.process.alive:
                self._end_if_stuck(replica)
                continue
            self._replicas.remove(replica)
            if replica.state == "draining":
                continue
            log.warning("replica %s of %s: %s", replica.id, self._folder.name, replica.process.ending)
            self._restarts += 1
            if replica.state == "starting":
                self._crashes += 1
                self._not_before = time.monotonic() + min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (self._crashes - 1))
                if self._crashes >= CRASHES_THAT_FAIL:
                    self._failure = f"{replica.process.ending} before it was ready: {self._last_words(replica.id)}"

    def _end_if_stuck(self, replica: ReplicaProcess) -> None:
        draining = replica.draining_since and time.monotonic() - replica.draining_since
        overdue = draining and draining > self._drain_seconds() + DRAIN_GRACE
        if overdue or (replica.state != "draining" and replica.hung):
            log.warning("replica %s of %s answers no more and is killed", replica.id, self._folder.name)
            replica.process.kill()

    def _drain_seconds(self) -> float:
        return self._folder.current().spec.server.drain_seconds

    def _follow(self, revision: Revision) -> None:
        if revision.number == self._revision:
            return
        if revision.spec.template != self._template:
            self._crashes, self._not_before = 0, 0.0
        self._revision, self._template = revision.number, revision.spec.template
        self._completed, self._failure = False, ""
        self._most_ready, self._progressed = 0, time.monotonic()

    def _converge(self, revision: Revision) -> None:
        spec = revision.spec
        if not spec.replicas and not self._replicas:
            # A socket on which nobody is left to accept would keep clients waiting; without it they are refused.
            self._close_listener()
        if not self._listen(spec.host, spec.port, spec.replicas):
            return
        # An inherited replica counts as made from an older template: it is replaced by one on our socket.
        candidates: list[Candidate] = [_Inherited(r) if r.id in self._inherited else r for r in self._replicas]
        steps = next_steps(candidates, spec.template, spec.replicas)
        if steps.start and time.monotonic() >= self._not_before:
            forks = self._fork_servers.of(import_environment(spec))
            for _ in range(steps.start if forks is None or forks.ready else 0):
                self._start(spec, forks)
        self._drain(steps.drain)

    def _start(self, spec: ServiceSpec, forks: ForkServer | None) -> None:
        assert self._listener
        replica_id, self._next_id = self._next_id, self._next_id + 1
        self._replicas.append(
            start_replica(self._state, self._folder, spec, replica_id, self._listener[2].fileno(), forks)
        )
        for old in sorted(self._folder.logs.glob("*.log"))[:-LOGS_KEPT]:
            old.unlink(missing_ok=True)

    def _drain(self, ids: frozenset[int] | set[int]) -> None:
        for replica in self._replicas:
            if replica.id in ids and replica.state != "draining":
                replica.drain()

    def _listen(self, host: str, port: int, replicas: int) -> bool:
        if self._listener and self._listener[:2] != (host, port):
            # The address changed: those on the old one are replaced like those of an earlier controller.
            self._inherited |= {r.id for r in self._replicas}
            self._close_listener()
        if self._listener or not replicas:
            return True
        try:
            self._listener = (host, port, bind(host, port, shared=bool(self._replicas)))
        except AddressInUse as e:
            self._failure = str(e)
            return False
        return True

    def _close_listener(self) -> None:
        if self._listener:
            self._listener[2].close()
            self._listener = None

    def _judge(self, revision: Revision) -> None:
        wanted = revision.spec.replicas
        # One that failed and is on its way out says nothing of a later try with the same template.
        staying = [r for r in self._replicas if r.state != "draining"]
        current = [r for r in staying if r.template == self._template and r.id not in self._inherited]
        ready = sum(r.state == "ready" for r in current)
        if ready > self._most_ready:
            self._most_ready, self._progressed, self._crashes = ready, time.monotonic(), 0
        others = [r for r in staying if r not in current]
        if ready >= wanted and not others:
            self._completed, self._failure = True, ""
            return
        hopeless = next((r for r in current if r.hopeless), None)
        if hopeless:
            self._failure = hopeless.reason
        deadline = revision.spec.progress_deadline_seconds
        if not self._completed and not self._failure and time.monotonic() - self._progressed > deadline:
            why = next((r.reason for r in current if r.state != "ready"), "no replica could be started")
            self._failure = f"{ready} of {wanted} replicas are ready after {deadline:g} s: {why}"

    def _last_words(self, replica_id: int) -> str:
        file = log_file(self._folder, replica_id)
        lines = file.read_text(errors="replace").splitlines() if file.exists() else []
        return next((line for line in reversed(lines) if line.strip()), "it wrote nothing")

    def _write(self, revision: Revision) -> None:
        observed = Observed(
            controller=str(os.getpid()),
            revision=revision.number,
            replicas=tuple(r.seen() for r in self._replicas),
            restarts=self._restarts,
            completed=self._completed,
            failure=self._failure,
        )
        if observed != self._observed:
            self._folder.observe(observed)
            self._observed = observed


class _Inherited:
    """A replica whose template counts as another one, whatever it is."""

    def __init__(self, replica: ReplicaProcess) -> None:
        self.id, self.template = replica.id, ""
        self.state: ReplicaState = replica.state
