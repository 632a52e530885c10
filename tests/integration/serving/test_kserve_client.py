"""The clients of KServe's SDK against a server on a socket: v2 in JSON, in bytes and over gRPC, and v1."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from integration.serving.threads import running
from support.places import GUARD, wait_until
from unit.serving.stage import Folders, flower_model, flowers

TABLE = flowers()[0].iloc[::40]
PROBABILITIES = flower_model().predict_proba(TABLE).tolist()
LABELS = flower_model().predict(TABLE).tolist()
ANSWER = {
    "id": "mine",
    "model": "iris",
    "outputs": {"predict_proba": PROBABILITIES, "predict": LABELS},
}


@pytest.fixture(scope="module")
def said(folders: Folders) -> dict[str, Any]:
    """What the clients say."""
    with running(folders.iris, grpc_port=0) as (server, port):
        wait_until(lambda: server.grpc_port)
        where = f"http://127.0.0.1:{port}", f"127.0.0.1:{server.grpc_port}"
        script = Path(__file__).with_name("kserve_calls.py")
        done = subprocess.run(
            [sys.executable, script, *where, json.dumps(TABLE.to_numpy().tolist())],
            capture_output=True,
            text=True,
            timeout=GUARD,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_it_asks_about_a_server_and_its_model(said: dict[str, Any]) -> None:
    http, grpc = said["http"], said["grpc"]
    assert (http["live"], http["ready"], http["model"], http["v1 model"]) == (True, True, [True, False], True)
    assert (grpc["live"], grpc["ready"], grpc["model"]) == (True, True, True)


@pytest.mark.parametrize(("protocol", "way"), [("http", "json"), ("http", "binary"), ("grpc", "answer")])
def test_predictions_are_the_models(said: dict[str, Any], protocol: str, way: str) -> None:
    assert said[protocol][way] == ANSWER


def test_v1(said: dict[str, Any]) -> None:
    assert said["http"]["v1"]["predictions"] == LABELS
