"""Every verdict, with the sentence that goes with it, and what the rollout's history tells."""

import pytest
from tenfold.platform.kubernetes.verdict import Seen, judge, previous, replicas, restarts, revision_of
from unit.kubernetes.objects import SPEC, Object, container, crashed, live, pod, replica_set, unschedulable

NEW, OLD = replica_set("2", 3), replica_set("1", 2)
OVER, LATE, GOING = "NewReplicaSetAvailable", "ProgressDeadlineExceeded", "ReplicaSetUpdated"
BROKEN = pod(containerStatuses=[crashed("no such model", restarts=2)])
ONCE = pod(containerStatuses=[crashed("no such model", restarts=1)])
FULL = pod(conditions=[unschedulable("Insufficient memory")])
SERVING = [pod("o-1", "1", ready=True), pod("o-2", "1", ready=True)]


@pytest.mark.parametrize(
    ("deployment", "pods", "verdict", "words"),
    [
        (live(2, 2, 2, 2, generation=2), [], "progressing", "about to begin"),
        (live(2, 2, 2, 2, progressing=OVER), [], "ready", "2 of 2 replicas are ready"),
        (live(0, 0, 0, 0, spec=SPEC.changed(replicas=0)), [], "ready", "0 of 0"),
        # Everything new is ready, but an old one is still there.
        (live(3, 2, 3, 3, progressing=GOING), [pod(ready=True)], "progressing", "1 of 2 replicas of version 2"),
        # Ready, but not for minReadySeconds yet.
        (live(2, 2, 2, 0, progressing=GOING), [], "progressing", "of version 2"),
        (live(3, 1, 2, 2, progressing=GOING), [*SERVING, ONCE], "progressing", "no such model"),
        (live(3, 1, 2, 2, progressing=GOING), [*SERVING, BROKEN], "failed", "2 replicas go on serving: It ends by"),
        (live(3, 1, 2, 2, progressing=LATE), [*SERVING, FULL], "failed", "Insufficient memory"),
        (live(3, 1, 2, 2, progressing=LATE), SERVING, "failed", "no progress within its deadline"),
        (live(1, 1, 0, 0, progressing=GOING), [BROKEN], "failed", "nothing is served"),
        (live(2, 2, 1, 1, progressing=OVER), [pod("n", ready=True), BROKEN], "degraded", "1 of 2 replicas are ready"),
        (live(2, 2, 1, 1, progressing=OVER), [pod("n", ready=True)], "progressing", "1 of 2 replicas are ready"),
        (live(2, 2, 2, 2, deletionTimestamp="2026-01-01T00:00:00Z"), [], "stopped", "being deleted"),
    ],
)
def test_verdicts(deployment: Object, pods: list[Object], verdict: str, words: str) -> None:
    found, reason = judge(Seen(deployment, [OLD, NEW], pods), SPEC)
    assert (found, words in reason) == (verdict, True), reason


def test_pods_that_the_namespace_refuses_are_a_failure_at_once() -> None:
    refused = replica_set("2", 3, failure='violates PodSecurity "restricted:latest": runAsNonRoot')
    verdict, reason = judge(Seen(live(2, 0, 2, 2, progressing=GOING), [OLD, refused], SERVING), SPEC)
    assert verdict == "failed"
    assert "runAsNonRoot" in reason


def test_a_broken_old_replica_is_not_the_new_versions_fault() -> None:
    old_broken = pod("o-3", "1", containerStatuses=[crashed("old trouble", restarts=9)])
    verdict, reason = judge(Seen(live(3, 1, 2, 2, progressing=GOING), [OLD, NEW], [old_broken, pod()]), SPEC)
    assert verdict == "progressing"
    assert "old trouble" not in reason


def test_replicas_as_they_are() -> None:
    pods = [
        pod("a", ready=True),
        pod("b", "1", ready=True, leaving=True),
        {**BROKEN},
        pod("c"),
        pod("d", phase="Failed"),
    ]
    seen = replicas(Seen(live(), [OLD, NEW], pods))
    assert {(r.id, r.state, r.version) for r in seen} == {
        ("a", "ready", "2"),
        ("b", "draining", "1"),
        ("m-1", "crashed", "2"),
        ("c", "starting", "2"),
    }
    assert next(r.reason for r in seen if r.id == "m-1").startswith("It ends by itself with exit code 1")


def test_the_version_before_is_that_of_the_newest_other_revision() -> None:
    found = previous(Seen(live(), [replica_set("1", 1), NEW, replica_set("5", 2)]), SPEC)
    assert found
    assert found.model == "models:/m/5"
    assert previous(Seen(live(), [NEW]), SPEC) is None


def test_numbers() -> None:
    assert revision_of(live()) == 3
    pods = [pod(containerStatuses=[container({"running": {}}, restarts=n)]) for n in (0, 2, 1)]
    assert restarts(Seen(live(), (), pods)) == 3
