"""Which core the server has and which the load, so that they do not take turns. Needs `taskset` and two cores."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass


@dataclass(frozen=True)
class Cores:
    """Commands that pin what follows them; empty ones leave it to the system."""

    server: tuple[str, ...] = ()
    load: tuple[str, ...] = ()

    @property
    def pinned(self) -> bool:
        """Whether the server has a core to itself."""
        return bool(self.server)


def share(servers: int = 1) -> Cores:
    """A core for each of the server's processes, and the next one for the load.

    Where there are not enough, several processes of a server share all cores with the load.
    """
    mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if shutil.which("taskset") is None or len(mine) <= servers:
        return Cores()
    return Cores(_taskset(mine[:servers]), _taskset(mine[servers : servers + 1]))


def _taskset(cores: list[int]) -> tuple[str, ...]:
    return ("taskset", "--cpu-list", ",".join(map(str, cores)))
