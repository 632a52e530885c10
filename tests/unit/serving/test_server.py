"""What the process of a server that stands alone makes of a fault that nobody thought of."""

from __future__ import annotations

import socket

import pytest
from tenfold.serving.errors import ModelUnloadable
from tenfold.serving.server import ModelServer
from unit.serving.stage import Folders, settings


def test_it_does_not_stay_for_ever_with_a_model_that_will_never_come(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault() -> None:
        raise MemoryError("too large")

    server = ModelServer(settings(model=str(folders.line), drain_seconds=0))
    monkeypatch.setattr(server.core, "load", fault)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(ModelUnloadable, match="the server's log has the reason"):
            server.run_on(listener)
    assert "MemoryError: too large" in caplog.text
