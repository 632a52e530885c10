"""The logs of many pods as one stream of lines."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress

from ..target import LogLine
from .api import Api
from .errors import KubernetesError

LOOK_SECONDS = 2.0


def pod_logs(api: Api, selector: str, *, follow: bool, previous: bool = False) -> Iterator[LogLine]:
    """The lines of all pods, one pod after the other; with `follow`, as they come, of pods too that start later."""
    if follow:
        yield from _followed(api, selector)
        return
    options = {"previous": "true"} if previous else {}
    for pod in sorted(p["metadata"]["name"] for p in api.list("Pod", selector)):
        # A pod that has not begun, or never restarted, has nothing to say.
        with suppress(KubernetesError):
            for line in api.lines(pod, **options):
                yield LogLine(replica=pod, text=line)


def _followed(api: Api, selector: str) -> Iterator[LogLine]:
    lines: queue.Queue[LogLine] = queue.Queue(10_000)
    begun: set[tuple[str, int]] = set()

    def read(pod: str) -> None:
        with suppress(KubernetesError, OSError):
            for line in api.lines(pod, follow="true"):
                lines.put(LogLine(replica=pod, text=line))

    while True:
        for pod in api.list("Pod", selector):
            # A container that restarted in its pod begins a new log.
            for container in (pod.get("status") or {}).get("containerStatuses") or []:
                name, life = pod["metadata"]["name"], int(container.get("restartCount") or 0)
                if (container.get("state") or {}).keys() & {"running", "terminated"} and (name, life) not in begun:
                    begun.add((name, life))
                    threading.Thread(target=read, args=(name,), daemon=True).start()
        with suppress(queue.Empty):
            while True:
                yield lines.get(timeout=LOOK_SECONDS)
