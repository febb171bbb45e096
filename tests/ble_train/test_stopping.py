"""Signals during a training."""

import os
import signal

import pytest

from ble_train.commands.stopping import StopRequests


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_and_the_next_one_stops(number, capsys):
    before = signal.getsignal(number)
    with StopRequests() as signals:
        signals.at_once = False
        os.kill(os.getpid(), number)
        assert signals.requested
        assert signals.status == 128 + number
        assert "Ctrl-C again stops at once" in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(number) is before


def test_where_nothing_is_lost_the_first_signal_stops():
    with StopRequests() as signals, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    assert signals.requested


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopRequests() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
        assert not signals.requested
    finally:
        signal.signal(signal.SIGHUP, before)
