"""Models are saved once a session; nothing of the environment reaches a server under test."""

from __future__ import annotations

import os

import pytest
from unit.serving.stage import Folders


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return Folders(tmp_path_factory.mktemp("models"))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("TENFOLD_", "MLFLOW_")):
            monkeypatch.delenv(name)
