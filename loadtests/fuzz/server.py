"""A model server of the fuzzer's own, with a model that has every kind of column, and limits that come soon.

`--start` uses it: its memory is known, and what it writes is looked at when it has ended.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ...serving import trust
from ..errors import RunFailed

START_SECONDS, STOP_SECONDS = 60.0, 40.0
NAME = "fuzzed"
# A client that sends half a request is told so after the first; its connection is renewed after the last.
SETTINGS = {"RECEIVE_SECONDS": "3", "DEADLINE_SECONDS": "10", "CONNECTION_SECONDS": "20", "DRAIN_SECONDS": "1"}


@dataclass
class Server:
    """The process, where it answers, and what is to be said of it at the end."""

    process: subprocess.Popen[bytes]
    url: str
    rpc: str
    log: Path
    fault: str = ""


@contextmanager
def started(folder: Path, *, rpc: bool) -> Generator[Server]:
    """A ready server in `folder`; when the context is left it is stopped, and its `fault` says what it did wrong.

    Raises:
        RunFailed: it does not become ready.
    """
    _save_model(folder / NAME)
    port, rpc_port = _free_port(), _free_port() if rpc else None
    ours = ("TENFOLD_", "MLFLOW_", "PROMETHEUS_")
    settings = {
        "MODEL": str(folder / NAME),
        "NAME": NAME,
        "VERSION": "1",
        "PORT": str(port),
        "LOG_URL": f"sqlite:///{folder / 'log.db'}",
        **({"GRPC_PORT": str(rpc_port)} if rpc_port else {}),
        **SETTINGS,
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    environment |= {f"TENFOLD_{key}": value for key, value in settings.items()}
    log = folder / "server.log"
    with log.open("wb") as said:
        process = subprocess.Popen([sys.executable, "-m", "tenfold.serving"], env=environment, stdout=said, stderr=said)
    server = Server(process, f"http://127.0.0.1:{port}", f"127.0.0.1:{rpc_port}" if rpc_port else "", log)
    try:
        _await_ready(server)
        yield server
        _stop(server)
    finally:
        process.kill()
        process.wait()


def _await_ready(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if httpx.get(f"{server.url}/v2/health/ready", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        if server.process.poll() is not None or time.monotonic() > deadline:
            last = server.log.read_text(errors="replace").strip().splitlines()[-1:]
            raise RunFailed(f"The server to fuzz does not become ready: {' '.join(last) or 'it says nothing'}")
        time.sleep(0.1)


def _stop(server: Server) -> None:
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


def _save_model(folder: Path) -> None:
    """A text, an integer, a number with gaps, a boolean; the label is a text."""
    import numpy as np
    import pandas as pd
    from mlflow import sklearn
    from mlflow.models import infer_signature
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    drawn = np.random.default_rng(7)
    delay = np.where(np.arange(300) % 5 == 3, np.nan, drawn.normal(10, 5, 300))
    carriers = ["AA", "DL", "ÜA"]
    X = pd.DataFrame(
        {
            "carrier": [carriers[n % 3] for n in range(300)],
            "distance": range(100, 400),
            "delay": delay,
            "weekend": [n % 7 > 4 for n in range(300)],
        }
    )
    columns = make_column_transformer(
        (OneHotEncoder(), ["carrier"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["distance", "delay"]),
        ("passthrough", ["weekend"]),
    )
    model: Any = make_pipeline(columns, LogisticRegression())
    model.fit(X, ["late" if distance > 250 else "in time" for distance in X["distance"]])
    example = X.head(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own, about integers and about the format
        sklearn.save_model(
            model,
            str(folder),
            serialization_format="skops",
            skops_trusted_types=trust.types_to_trust(model, source=NAME, extra=()),
            signature=infer_signature(example, model.predict(example)),
            input_example=example,
            pip_requirements=["scikit-learn"],
        )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
