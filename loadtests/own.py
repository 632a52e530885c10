"""A model server of one's own to attack or to measure: a model that was just fitted, in a process that is watched.

The fuzzer and the measurement of overload use it; `tenfold loadtest` is for services that run already.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ..serving import trust
from .errors import RunFailed

START_SECONDS, STOP_SECONDS = 60.0, 40.0
_OURS = ("TENFOLD_", "MLFLOW_", "PROMETHEUS_")


@dataclass
class OwnServer:
    """The process, where it answers, and what it did wrong."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    fault: str = ""

    @property
    def port(self) -> int:
        """Where it listens on the loopback."""
        return int(self.url.rpartition(":")[2])


@contextmanager
def running(folder: Path, model: Path, settings: Mapping[str, str], *, core: int | None = None) -> Generator[OwnServer]:
    """A ready server of `model`; when the context is left it is stopped, and its `fault` says what it did wrong.

    Args:
        folder: takes its log.
        model: that it serves.
        settings: of the server, without their TENFOLD_.
        core: the only one that it may run on; None: any.

    Raises:
        RunFailed: it does not become ready.
    """
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    told = {"MODEL": str(model), "PORT": str(port), "VERSION": "1", **settings}
    environment |= {f"TENFOLD_{key}": value for key, value in told.items()}
    # Inherited by all threads of the server, which those that it starts while it imports would not be later.
    command = [*(["taskset", "-c", str(core)] if core is not None else []), sys.executable, "-m", "tenfold.serving"]
    log = folder / "server.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
    server = OwnServer(process, f"http://127.0.0.1:{port}", log)
    try:
        _await_ready(server)
        yield server
        _stop(server)
    finally:
        process.kill()
        process.wait()


def save(model: Any, example: Any, folder: Path) -> None:
    """Write a fitted model as MLflow does; `example` is a DataFrame of a few rows, and becomes its signature."""
    from mlflow import sklearn
    from mlflow.models import infer_signature

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about integers and about the format
        sklearn.save_model(
            model,
            str(folder),
            serialization_format="skops",
            skops_trusted_types=trust.types_to_trust(model, source=folder.name, extra=()),
            signature=infer_signature(example, model.predict(example)),
            input_example=example,
            pip_requirements=["scikit-learn"],
        )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _await_ready(server: OwnServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if httpx.get(f"{server.url}/v2/health/ready", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        if server.process.poll() is not None or time.monotonic() > deadline:
            last = server.log.read_text(errors="replace").strip().splitlines()[-1:]
            raise RunFailed(f"The model server does not become ready: {' '.join(last) or 'it says nothing'}")
        time.sleep(0.1)


def _stop(server: OwnServer) -> None:
    if server.process.poll() is not None:
        server.fault = f"the server ended by itself ({server.process.returncode}); see {server.log}"
        return
    server.process.terminate()
    try:
        code = server.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.fault = f"the server does not stop within {STOP_SECONDS:g} s"
        return
    tracebacks = server.log.read_text(errors="replace").count("Traceback (most recent call last)")
    if code:
        server.fault = f"the server stopped with exit code {code}"
    elif tracebacks:
        server.fault = f"{tracebacks} tracebacks in the server's log"
