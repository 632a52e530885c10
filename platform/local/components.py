"""What runs beside the replicas: the web page and the registry's server, one process each, restarted when they end."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..spec import ServiceSpec
from .process import Process, start, stop
from .state import State

log = logging.getLogger(__name__)

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0
STOP_GRACE = 10.0


@dataclass(frozen=True)
class Component:
    """A process that should run, told apart by its role and port."""

    role: str
    port: int
    arguments: tuple[str, ...]


def wanted_components(state: State, specs: Iterable[ServiceSpec]) -> list[Component]:
    """The page and registry servers that the services ask for."""
    specs = list(specs)
    pages = [
        Component("page", port, ("-m", "tenfold.platform.page", "--state", str(state.folder), "--port", str(port)))
        for port in sorted({spec.page_port for spec in specs})
    ]
    if not state.registry_uri.startswith("sqlite:"):
        return pages
    return pages + [
        Component("registry", port, _registry_server(state, port))
        for port in sorted({spec.registry_port for spec in specs if spec.registry_port})
    ]


def _registry_server(state: State, port: int) -> tuple[str, ...]:
    # One worker: SQLite has one writer.
    command = ("-m", "mlflow", "server", "--backend-store-uri", state.registry_uri, "--workers", "1")
    return (*command, "--artifacts-destination", str(state.artifacts), "--host", "127.0.0.1", "--port", str(port))


class Components:
    """Keeps the wanted components running. A component that an earlier controller left is replaced: it is stateless."""

    def __init__(self, state: State, found: Sequence[Process]) -> None:
        self._state = state
        stop([p for p in found if p.role in {"page", "registry"}], grace=STOP_GRACE)
        self._running: dict[Component, Process] = {}
        self._ending: list[Process] = []
        self._ends: dict[Component, int] = {}
        self._not_before: dict[Component, float] = {}

    def step(self, wanted: Sequence[Component]) -> None:
        """One round: start what is missing, stop what is no longer wanted."""
        for component in [c for c in self._running if c not in wanted]:
            process = self._running.pop(component)
            process.terminate()
            self._ending.append(process)
        for component in wanted:
            process = self._running.get(component)
            if process and process.alive:
                continue
            if process:
                self._ended(component, process)
            if time.monotonic() >= self._not_before.get(component, 0):
                self._running[component] = start(
                    self._state,
                    component.role,
                    component.arguments,
                    log=self._state.folder / f"{component.role}-{component.port}.log",
                    marks={"port": str(component.port)},
                    # MLflow's job workers evaluate language models; there are none here.
                    environment={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                )

    def stop(self) -> None:
        """End them all."""
        stop([*self._running.values(), *self._ending], grace=STOP_GRACE)
        self._running.clear()

    def _ended(self, component: Component, process: Process) -> None:
        del self._running[component]
        ends = self._ends[component] = self._ends.get(component, 0) + 1
        pause = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** (ends - 1))
        self._not_before[component] = time.monotonic() + pause
        log.warning("the %s on port %s: %s; again in %g s", component.role, component.port, process.ending, pause)
