"""Who is measured: tenfold, the limits and the peers, each with how it is started and what it is asked. Data.

A peer is there once for each configuration worth having. The best of all at a workload is what tenfold is held against.
"""

from __future__ import annotations

import importlib.util
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...serving.settings import Settings
from . import protocols, workloads
from .environments import PEERS
from .models import Models
from .processes import Launch, free_port
from .protocols import GRPC, INVOCATIONS, PLAIN, PLAIN_LIST, PREDICT, V2, V2_BINARY, V2_BY_H2LOAD, Protocol
from .workloads import BOOSTING, FOREST, HUNDRED_ROWS, ONE_CONNECTION, ONE_ROW, Workload

Asks = Mapping[Workload, Sequence[Protocol]]
MOST_IN_A_BATCH = 32
"""Requests that a peer may batch: as many as there are connections."""
TENFOLD, LIMITS = "tenfold", "limits"


@dataclass(frozen=True)
class Place:
    """Where a server is started.

    Attributes:
        python: of its environment.
        model: the model's name.
        folder: its own, to work in.
        port, grpc_port: that it shall listen on.
    """

    python: Path
    environment: str
    models: Models
    model: str
    folder: Path
    port: int = field(default_factory=free_port)
    grpc_port: int = field(default_factory=free_port)

    @property
    def file(self) -> str:
        """The model as joblib wrote it in this environment."""
        return str(self.models.file(self.environment, self.model))

    @property
    def saved(self) -> str:
        """The model as MLflow wrote it."""
        return str(self.models.saved(self.model))

    def url(self, protocol: Protocol) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.grpc_port if protocol is GRPC else self.port}"

    def script(self, name: str) -> str:
        """A command of the environment."""
        return str(self.python.with_name(name))


@dataclass(frozen=True)
class Server:
    """One server in one configuration.

    Attributes:
        name: as in results and for --only.
        group: the project; `TENFOLD` and `LIMITS` are no peers.
        about: the configuration, for the table.
        launch: how it is started.
        asks: the workloads, and how it is asked in each.
        environment: its virtual environment; "" is the benchmark's own.
        packages: whose versions the result tells.
        missing: why it cannot be measured here; "" when it can.
        processes: that serve, for as many cores.
    """

    name: str
    group: str
    about: str
    launch: Callable[[Place], Launch]
    asks: Asks
    environment: str = ""
    packages: Sequence[str] = ()
    missing: Callable[[], str] = lambda: ""
    processes: int = 1


def everywhere(protocol: Protocol) -> Asks:
    """All workloads by one protocol."""
    return dict.fromkeys(workloads.ALL, (protocol,))


def tenfold(place: Place, **settings: Any) -> Launch:
    """`python -m tenfold.serving`."""
    given = {
        "MODEL": place.saved, "NAME": protocols.MODEL, "VERSION": 1, "PORT": place.port, "DRAIN_SECONDS": 0, **settings
    }  # fmt: skip
    environment = {f"TENFOLD_{name}": str(value) for name, value in given.items()}
    return Launch([str(place.python), "-m", "tenfold.serving"], [environment])


def _tenfold_with_grpc(place: Place) -> Launch:
    return tenfold(place, GRPC_PORT=place.grpc_port)


def _tenfold_with_log(place: Place) -> Launch:
    return tenfold(place, LOG_URL=f"sqlite:///{place.folder / 'log.db'}")


def tenfold_replicas(place: Place) -> Launch:
    """Two processes that share one listening socket, as those of the local target do."""
    shared = _bound(place.port)
    probes = [_bound(0), _bound(0)]
    replicas = [tenfold(place, LISTEN_FD=shared.fileno(), PROBE_FD=probe.fileno()) for probe in probes]
    return Launch(
        replicas[0].command,
        [environment for replica in replicas for environment in replica.environment],
        sockets=(shared, *probes),
        ready=[f"http://127.0.0.1:{probe.getsockname()[1]}/v2/health/ready" for probe in probes],
    )


def _limit(kind: str) -> Callable[[Place], Launch]:
    def launch(place: Place) -> Launch:
        return Launch(
            [str(place.python), "-m", "tenfold.loadtests.benchmark.limits", kind, str(place.port), place.file]
        )

    return launch


def _fastapi(place: Place) -> Launch:
    command = [
        str(place.python),
        "-m",
        "uvicorn",
        "--app-dir",
        str(PEERS),
        "fastapi_app:app",
        "--port",
        str(place.port),
    ]
    return Launch([*command, "--no-access-log", "--log-level", "warning"], [{"MODEL": place.file}])


def _litserve(most: int) -> Callable[[Place], Launch]:
    def launch(place: Place) -> Launch:
        app = str(PEERS / "litserve_app.py")
        return Launch([str(place.python), app, str(place.port), place.file, str(most)])

    return launch


def _bentoml(most: int) -> Callable[[Place], Launch]:
    def launch(place: Place) -> Launch:
        command = [place.script("bentoml"), "serve", "bentoml_app:Model", "--working-dir", str(PEERS)]
        command += ["--host", "127.0.0.1", "--port", str(place.port)]
        told = {"MODEL": place.file, "MOST": str(most)}
        return Launch(command, [{**told, "BENTOML_HOME": str(place.folder / "home"), "BENTOML_DO_NOT_TRACK": "True"}])

    return launch


def _mlserver(most: int) -> Callable[[Place], Launch]:
    def launch(place: Place) -> Launch:
        model = {
            "name": protocols.MODEL,
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": place.file, "version": "1"},
            **({"max_batch_size": most, "max_batch_time": 0.001} if most > 1 else {}),
        }
        server = {
            "host": "127.0.0.1",
            "http_port": place.port,
            "grpc_port": place.grpc_port,
            "metrics_port": free_port(),
            "parallel_workers": 0,
            "debug": False,
        }
        (place.folder / "model-settings.json").write_text(json.dumps(model))
        (place.folder / "settings.json").write_text(json.dumps(server))
        return Launch([place.script("mlserver"), "start", str(place.folder)])

    return launch


def _ray(most: int) -> Callable[[Place], Launch]:
    def launch(place: Place) -> Launch:
        app = str(PEERS / "ray_app.py")
        switches = ("RAY_SERVE_ENABLE_HA_PROXY", "RAY_SERVE_THROUGHPUT_OPTIMIZED")
        environment = {**dict.fromkeys(switches, "1"), "RAY_USAGE_STATS_ENABLED": "0"}
        return Launch([str(place.python), app, str(place.port), place.file, str(most)], [environment])

    return launch


def _mlflow(place: Place) -> Launch:
    command = [place.script("mlflow"), "models", "serve", "--model-uri", place.saved, "--env-manager", "local"]
    # It starts uvicorn by its name alone.
    path = f"{place.python.parent}:/usr/bin:/bin"
    return Launch([*command, "--host", "127.0.0.1", "--port", str(place.port), "--workers", "1"], [{"PATH": path}])


def _no_onnxruntime() -> str:
    for module in ("onnxruntime", "skl2onnx"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed"
    return ""


def _no_accelerator() -> str:
    return "" if "accelerate" in Settings.model_fields else "this tenfold has no setting 'accelerate'"


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


PLAIN_TENFOLD = Server(
    "tenfold",
    TENFOLD,
    "one process",
    _tenfold_with_grpc,
    {
        ONE_ROW: (V2, PREDICT, INVOCATIONS),
        ONE_CONNECTION: (V2,),
        HUNDRED_ROWS: (V2, V2_BINARY, V2_BY_H2LOAD, GRPC),
        FOREST: (V2,),
        BOOSTING: (V2,),
    },
    packages=("uvicorn", "scikit-learn", "numpy"),
)
TENFOLD_LOG = Server("tenfold-log", TENFOLD, "with the inference log in SQLite", _tenfold_with_log, {ONE_ROW: (V2,)})
TENFOLD_TWO = Server(
    "tenfold-two",
    TENFOLD,
    "two processes that share one socket",
    tenfold_replicas,
    {ONE_ROW: (V2,), FOREST: (V2,)},
    processes=2,
)
CONSTANT = Server(
    "constant",
    LIMITS,
    "raw ASGI app that parses JSON and answers a constant",
    _limit("constant"),
    {ONE_ROW: (PLAIN,), ONE_CONNECTION: (PLAIN,), HUNDRED_ROWS: (PLAIN,)},
)
DIRECT = Server("direct", LIMITS, "raw ASGI app that calls the model", _limit("direct"), everywhere(PLAIN))

ONNX = Server(
    "onnx", LIMITS, "raw ASGI app that calls onnxruntime", _limit("onnx"), everywhere(PLAIN), missing=_no_onnxruntime
)


def _peer(
    name: str,
    group: str,
    about: str,
    launch: Callable[[Place], Launch],
    protocol: Protocol,
    packages: Sequence[str] = (),
) -> Server:
    """A peer whose environment is named as its project, in small letters without spaces."""
    environment = name.partition("-")[0]
    return Server(name, group, about, launch, everywhere(protocol), environment, (*packages, "scikit-learn"))


TENFOLD_ONNX = Server(
    "tenfold-onnx",
    TENFOLD,
    "one process, the model compiled",
    lambda place: tenfold(place, ACCELERATE="onnx"),
    everywhere(V2),
    missing=lambda: _no_onnxruntime() or _no_accelerator(),
)
OURS = (CONSTANT, DIRECT, PLAIN_TENFOLD, TENFOLD_LOG, TENFOLD_TWO, ONNX, TENFOLD_ONNX)
BATCHES = f"batches of up to {MOST_IN_A_BATCH}"
PEERS_OF_TENFOLD = (
    _peer("fastapi", "FastAPI", "a handler that calls the model", _fastapi, PLAIN, ["fastapi", "uvicorn"]),
    _peer("mlserver", "MLServer", "no batches", _mlserver(1), V2, ["mlserver"]),
    _peer("mlserver-batches", "MLServer", BATCHES, _mlserver(MOST_IN_A_BATCH), V2, ["mlserver"]),
    _peer("bentoml", "BentoML", "no batches", _bentoml(1), PLAIN_LIST, ["bentoml"]),
    _peer("bentoml-batches", "BentoML", BATCHES, _bentoml(MOST_IN_A_BATCH), PLAIN_LIST, ["bentoml"]),
    _peer("litserve", "LitServe", "no batches", _litserve(1), PLAIN, ["litserve"]),
    _peer("litserve-batches", "LitServe", BATCHES, _litserve(MOST_IN_A_BATCH), PLAIN, ["litserve"]),
    _peer("ray", "Ray Serve", "behind HAProxy, no batches", _ray(1), PLAIN, ["ray"]),
    _peer("ray-batches", "Ray Serve", f"behind HAProxy, {BATCHES}", _ray(MOST_IN_A_BATCH), PLAIN, ["ray"]),
    _peer("mlflow", "mlflow models serve", "one worker", _mlflow, INVOCATIONS, ["mlflow"]),
)
ALL = (*OURS, *PEERS_OF_TENFOLD)
