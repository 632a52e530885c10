"""A signal interrupts a run, and no second one interrupts what puts it away."""

import signal

import pytest
from tenfold.loadtests.runner import signals_interrupt

HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("first", HEARD)
def test_only_the_first_signal_interrupts(first: signal.Signals) -> None:
    before = [signal.signal(each, signal.default_int_handler) for each in HEARD]
    put_away: list[signal.Signals] = []

    def interrupted() -> None:
        try:
            signal.raise_signal(first)
        finally:
            for each in HEARD:
                signal.raise_signal(each)
                put_away.append(each)

    try:
        with pytest.raises(KeyboardInterrupt), signals_interrupt():
            interrupted()
        assert put_away == list(HEARD)
        assert {signal.getsignal(each) for each in HEARD} == {signal.default_int_handler}
    finally:
        for each, handler in zip(HEARD, before, strict=True):
            signal.signal(each, handler)


def test_signals_that_come_at_once_interrupt_once() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with signals_interrupt():
            signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
            for each in HEARD:
                signal.raise_signal(each)
            with pytest.raises(KeyboardInterrupt):
                signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_interrupt():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
