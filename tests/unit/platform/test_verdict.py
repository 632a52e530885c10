"""Every verdict, with the sentence that goes with it."""

from datetime import UTC, datetime

import pytest
from tenfold.platform.local.state import Observed, Revision
from tenfold.platform.local.verdict import judge
from tenfold.platform.spec import ServiceSpec
from tenfold.platform.target import Replica, ReplicaState

SPEC = ServiceSpec.of(name="m", model="models:/m/2", replicas=2)
REVISION = Revision(number=3, created=datetime(2026, 1, 1, tzinfo=UTC), spec=SPEC)


def replica(state: ReplicaState, version: str = "2", reason: str = "") -> Replica:
    return Replica(id="1", state=state, version=version, reason=reason)


def observed(*replicas: Replica, revision: int = 3, completed: bool = False, failure: str = "") -> Observed:
    seen = {"restarts": 0, "completed": completed, "failure": failure}
    return Observed.model_validate({"controller": "1", "revision": revision, "replicas": replicas, **seen})


@pytest.mark.parametrize(
    ("seen", "verdict", "words"),
    [
        (None, "progressing", "about to begin"),
        (observed(revision=2), "progressing", "about to begin"),
        (observed(replica("starting", reason="the model is being loaded")), "progressing", "the model is being loaded"),
        (observed(replica("ready"), replica("ready"), completed=True), "ready", "2 of 2"),
        (observed(replica("ready"), completed=True), "degraded", "1 of 2"),
        (observed(replica("ready", "1"), failure="type x is not trusted"), "failed", "type x is not trusted"),
        (observed(replica("ready", "1"), failure="x"), "failed", "1 replicas go on serving"),
        (observed(failure="x"), "failed", "nothing is served"),
    ],
)
def test_supervised(seen: Observed | None, verdict: str, words: str) -> None:
    found, reason = judge(REVISION, seen, seen.replicas if seen else (), supervised=True)
    assert found == verdict
    assert words in reason


def test_nothing_runs() -> None:
    verdict, reason = judge(REVISION, None, (), supervised=False)
    assert verdict == "stopped"
    assert "tenfold deploy m" in reason


def test_replicas_without_a_controller() -> None:
    verdict, reason = judge(REVISION, None, (replica("ready"),), supervised=False)
    assert verdict == "degraded"
    assert "controller does not run" in reason
