"""One verdict and one sentence from desired and observed state: a pure function, so every case can be tested."""

from __future__ import annotations

from collections.abc import Sequence

from ..target import Replica, Verdict
from .state import Observed, Revision


def judge(
    revision: Revision, observed: Observed | None, replicas: Sequence[Replica], *, supervised: bool
) -> tuple[Verdict, str]:
    """How the service does, and why in one sentence with the next command where one helps.

    Args:
        revision: what should be.
        observed: what the controller saw last.
        replicas: what there is now.
        supervised: whether a controller runs.
    """
    spec = revision.spec
    name, wanted = spec.name, spec.replicas
    ready = sum(r.state == "ready" for r in replicas)
    current = sum(r.state == "ready" and r.version == spec.version for r in replicas)
    if not supervised:
        if not replicas:
            return "stopped", f"Nothing of it runs. Start it with: tenfold deploy {name}"
        return "degraded", (
            f"{ready} replicas answer, but the controller does not run, so none that dies is replaced. "
            f"Heal it with: tenfold deploy {name}"
        )
    if observed is None or observed.revision < revision.number:
        return "progressing", "The change has been accepted and is about to begin."
    if observed.failure and not observed.completed:
        still = f"{ready} replicas go on serving" if ready else "nothing is served"
        return "failed", f"Version {spec.version} does not become ready, {still}: {observed.failure}"
    if observed.completed:
        if current >= wanted:
            return "ready", f"{current} of {wanted} replicas are ready."
        why = observed.failure or next((r.reason for r in replicas if r.state != "ready" and r.reason), "one has ended")
        return "degraded", f"{current} of {wanted} replicas are ready, and more are being started: {why}"
    why = next((r.reason for r in replicas if r.state == "starting"), "")
    return "progressing", f"{current} of {wanted} replicas of version {spec.version} are ready" + (
        f": {why}." if why else "."
    )
