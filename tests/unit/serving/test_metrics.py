"""Metrics that processes share, read while one of them starts."""

from __future__ import annotations

import struct
import threading
from pathlib import Path

import pytest
from tenfold.serving.metrics import Metrics


def test_a_file_that_a_sibling_has_just_made_is_read_when_there_is_something_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    made = tmp_path / "counter_4242.db"
    made.touch()
    metrics = Metrics()
    writes = threading.Timer(0.1, lambda: made.write_bytes(struct.pack("ii", 8, 0).ljust(1024, b"\0")))
    writes.start()
    assert metrics.render() == b""
    assert metrics.samples() == []
    writes.join()


def test_a_file_that_stays_empty_is_an_error_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr("tenfold.serving.metrics._READ_SECONDS", 0.05)
    (tmp_path / "counter_4242.db").touch()
    with pytest.raises(struct.error):
        Metrics().render()
