"""One replica: a model server process, started on inherited sockets and probed on its own port."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from ..spec import ServiceSpec
from ..target import Replica, ReplicaState
from .listener import bind, port_of
from .process import MARKS, Forks, Process, start
from .state import ServiceFolder, State

PROBE_TIMEOUT = 2.0
# One slow answer on a busy machine is no illness; so many in a row are.
MISSED_PROBES_UNREADY = 3
HUNG_AFTER_SECONDS = 30.0


class ReplicaProcess:
    """A model server as the controller sees it. `state` and `reason` are what the newest probe said."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.id = int(process.marks[MARKS + "ID"])
        self.template = process.marks[MARKS + "TEMPLATE"]
        self.version = process.marks[MARKS + "VERSION"]
        self.url = process.marks[MARKS + "URL"]
        self.state: ReplicaState = "starting"
        self.reason = "the model is being loaded"
        self.hopeless = False
        self.draining_since: float | None = None
        self._answered = time.monotonic()
        self._missed = 0

    async def probe(self, http: httpx.AsyncClient) -> None:
        """Ask it whether it is ready."""
        if self.state == "draining":
            return
        try:
            answer = await http.get(f"{self.url}/v2/health/ready", timeout=PROBE_TIMEOUT)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as e:
            self._missed += 1
            if self.state == "ready" and self._missed >= MISSED_PROBES_UNREADY:
                self.state, self.reason = "unready", f"it does not answer probes ({type(e).__name__})"
            return
        self._missed, self._answered = 0, time.monotonic()
        if answer.is_success:
            self.state, self.reason = "ready", ""
        else:
            self.state = "starting" if self.state == "starting" else "unready"
            self.reason = str(body.get("reason") or "it is not ready")
            self.hopeless = body.get("state") == "failed"

    @property
    def hung(self) -> bool:
        """Whether it has not answered a probe for so long that only a restart helps."""
        return time.monotonic() - self._answered > HUNG_AFTER_SECONDS

    def drain(self) -> None:
        """Let its clients move away and end."""
        self.state, self.reason, self.draining_since = "draining", "it lets its clients move away", time.monotonic()
        self.process.terminate()

    def seen(self) -> Replica:
        """It as a value."""
        return Replica(
            id=str(self.id),
            state=self.state,
            version=self.version,
            reason=self.reason,
            pid=self.process.pid,
            url=self.url,
            started=self.process.started,
        )


def log_file(folder: ServiceFolder, replica_id: int) -> Path:
    """Where the replica of that number writes."""
    return folder.logs / f"{replica_id:06}.log"


def import_environment(spec: ServiceSpec) -> dict[str, str]:
    """What the model server's libraries read only once, while they are imported."""
    threads = str(max(1, int(spec.resources.cpu)))
    return {f"{library}_NUM_THREADS": threads for library in ("OMP", "OPENBLAS", "MKL")}


def start_replica(
    state: State, folder: ServiceFolder, spec: ServiceSpec, replica_id: int, listen_fd: int, forks: Forks | None
) -> ReplicaProcess:
    """Start a replica that accepts on `listen_fd` as soon as it is ready."""
    folder.metrics.mkdir(parents=True, exist_ok=True)
    with bind("127.0.0.1", 0) as probe:
        process = start(
            state,
            "replica",
            ["-m", "tenfold.serving"],
            log=log_file(folder, replica_id),
            marks={
                "service": spec.name,
                "id": str(replica_id),
                "template": spec.template,
                "version": spec.version,
                "url": f"http://127.0.0.1:{port_of(probe)}",
            },
            environment={
                "TENFOLD_MODEL": str(state.model(spec.name, spec.version)),
                "TENFOLD_NAME": spec.name,
                "TENFOLD_VERSION": spec.version,
                "TENFOLD_LISTEN_FD": str(listen_fd),
                "TENFOLD_PROBE_FD": str(probe.fileno()),
                "TENFOLD_LOG_URL": state.log_url,
                "TENFOLD_CPU": str(spec.resources.cpu),
                "PROMETHEUS_MULTIPROC_DIR": str(folder.metrics),
                **import_environment(spec),
                **spec.server.environment(),
            },
            pass_fds=(listen_fd, probe.fileno()),
            forks=forks,
        )
    return ReplicaProcess(process)
