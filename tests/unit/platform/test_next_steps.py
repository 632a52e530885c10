"""The rollout decision, played to its end against simulated replicas: its promises hold in every state on the way."""

from dataclasses import dataclass

import pytest
from tenfold.platform.local.rollout import next_steps
from tenfold.platform.target import ReplicaState


@dataclass
class Fake:
    id: int
    template: str
    state: ReplicaState = "ready"


def play(replicas: list[Fake], template: str, wanted: int, *, never_ready: bool = False) -> list[list[Fake]]:
    """Round after round: what was started becomes ready one round later, what drains is gone one round later."""
    history: list[list[Fake]] = []
    next_id = max((r.id for r in replicas), default=0) + 1
    for _ in range(200):
        steps = next_steps(replicas, template, wanted)
        replicas = [r for r in replicas if r.state != "draining"]
        for replica in replicas:
            if replica.state == "starting" and not (never_ready and replica.template == template):
                replica.state = "ready"
            if replica.id in steps.drain:
                replica.state = "draining"
        for _ in range(steps.start):
            replicas.append(Fake(next_id, template, "starting"))
            next_id += 1
        history.append([Fake(r.id, r.template, r.state) for r in replicas])
        if len(history) > 1 and history[-1] == history[-2]:
            break
    return history


@pytest.mark.parametrize("wanted", [1, 2, 3, 4, 10, 17])
def test_replacement_keeps_all_ready_and_surges_by_a_quarter(wanted: int) -> None:
    history = play([Fake(n, "old") for n in range(wanted)], "new", wanted)
    for now in history:
        assert sum(r.state == "ready" for r in now) >= wanted
        assert sum(r.state != "draining" for r in now) <= wanted + max(1, -(-wanted // 4))
    assert [r.template for r in history[-1]] == ["new"] * wanted


@pytest.mark.parametrize(("before", "after"), [(0, 3), (3, 10), (10, 3), (3, 0), (1, 1)])
def test_scaling_ends_with_the_wished_number(before: int, after: int) -> None:
    history = play([Fake(n, "t") for n in range(before)], "t", after)
    assert len(history[-1]) == after
    assert all(sum(r.state == "ready" for r in now) >= min(before, after) for now in history)


def test_scaling_down_keeps_the_oldest() -> None:
    assert next_steps([Fake(n, "t") for n in (1, 2, 3)], "t", 1).drain == {2, 3}


def test_a_version_that_never_becomes_ready_leaves_the_old_one_whole() -> None:
    history = play([Fake(n, "old") for n in range(4)], "bad", 4, never_ready=True)
    assert sum(r.template == "old" and r.state == "ready" for r in history[-1]) == 4
    assert sum(r.template == "bad" for r in history[-1]) == 1


def test_going_back_from_a_version_that_never_becomes_ready_drains_it_at_once() -> None:
    replicas = [*(Fake(n, "old") for n in range(4)), Fake(5, "bad", "starting")]
    assert next_steps(replicas, "old", 4).drain == {5}


def test_an_old_replica_that_misses_a_probe_is_not_dropped_while_it_is_needed() -> None:
    replicas = [Fake(1, "old", "unready"), Fake(2, "old"), Fake(3, "new", "starting")]
    assert next_steps(replicas, "new", 2).drain == frozenset()


def test_a_dead_replica_is_replaced_without_surge() -> None:
    assert next_steps([Fake(1, "t"), Fake(2, "t")], "t", 3).start == 1
