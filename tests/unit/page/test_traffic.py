"""Rates from counters that only grow, and sometimes begin anew."""

from __future__ import annotations

from tenfold.platform.page.traffic import STEP, WINDOW, Rates, TrafficHistory
from tenfold.platform.target import Traffic


def rates(*samples: tuple[float, list[tuple[str, int, int]]]) -> Rates:
    history = TrafficHistory()
    for time, traffic in samples:
        history.add(time, [Traffic(version=v, requests=r, errors=e) for v, r, e in traffic])
    found = history.rates()
    assert found is not None
    return found


def test_one_sample_has_no_rate() -> None:
    history = TrafficHistory()
    history.add(1000, [Traffic(version="1", requests=5, errors=0)])
    history.add(1000, [Traffic(version="1", requests=9, errors=0)])
    assert history.rates() is None


def test_growth_is_spread_over_the_steps() -> None:
    found = rates((1000, [("1", 0, 0)]), (1010, [("1", 100, 10)]))
    assert found.start == 1010 - WINDOW
    assert len(found.errors) == WINDOW // STEP
    assert found.requests["1"][-2:] == [10.0, 10.0]
    assert found.requests["1"][-3] is None
    assert found.errors[-2:] == [1.0, 1.0]


def test_a_counter_that_fell_began_anew() -> None:
    assert rates((1000, [("1", 500, 0)]), (1005, [("1", 20, 0)])).requests["1"][-1] == 4.0


def test_versions_come_and_go() -> None:
    found = rates((1000, [("1", 10, 0)]), (1005, [("1", 20, 0), ("2", 5, 5)]), (1010, [("2", 15, 5)]))
    assert found.requests == {"1": [*[None] * 118, 2.0, 0.0], "2": [*[None] * 118, 1.0, 2.0]}
    assert found.errors[-2:] == [1.0, 0.0]


def test_a_clock_that_jumped_back_starts_a_new_curve() -> None:
    history = TrafficHistory()
    for time in (1000, 1005, 900):
        history.add(time, [Traffic(version="1", requests=int(time), errors=0)])
    assert history.rates() is None


def test_old_samples_are_forgotten() -> None:
    samples = [(float(t), [("1", t, 0)]) for t in range(0, 3000, 5)]
    found = rates(*samples)
    assert None not in found.requests["1"]
    assert found.start == 2995 - WINDOW
