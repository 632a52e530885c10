"""How each server is started for a model: tenfold and the limits from here, the peers from their own environments."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .environments import PEERS
from .models import Models
from .processes import Launch, free_port
from .protocols import GRPC, MODEL, Protocol


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
        """The model as it is registered."""
        return str(self.models.saved(self.model))

    def url(self, protocol: Protocol) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.grpc_port if protocol is GRPC else self.port}"

    def script(self, name: str) -> str:
        """A command of the environment."""
        return str(self.python.with_name(name))


Launcher = Callable[[Place], Launch]


def tenfold(place: Place, **settings: Any) -> Launch:
    """`python -m tenfold.serving` with some more settings."""
    given = {"MODEL": place.saved, "NAME": MODEL, "VERSION": 1, "PORT": place.port, "DRAIN_SECONDS": 0}
    environment = {f"TENFOLD_{name}": str(value) for name, value in {**given, **settings}.items()}
    return Launch([str(place.python), "-m", "tenfold.serving"], [environment])


def tenfold_with_grpc(place: Place) -> Launch:
    """On its two ports."""
    return tenfold(place, GRPC_PORT=place.grpc_port)


def tenfold_with_log(place: Place) -> Launch:
    """With an inference log in a new SQLite file."""
    return tenfold(place, LOG_URL=f"sqlite:///{place.folder / 'log.db'}")


def tenfold_compiled(place: Place) -> Launch:
    """With the model's compiled form."""
    return tenfold(place, ACCELERATE="onnx")


def two_of_tenfold(place: Place) -> Launch:
    """Two processes that share one listening socket, as those of the local target do."""
    shared, probes = _bound(place.port), [_bound(0), _bound(0)]
    replicas = [tenfold(place, LISTEN_FD=shared.fileno(), PROBE_FD=probe.fileno()) for probe in probes]
    return Launch(
        replicas[0].command,
        [environment for replica in replicas for environment in replica.environment],
        sockets=(shared, *probes),
        ready=[f"http://127.0.0.1:{probe.getsockname()[1]}/v2/health/ready" for probe in probes],
    )


def limit(kind: str) -> Launcher:
    """One of `limits`."""

    def launch(place: Place) -> Launch:
        model = str(place.models.compiled(place.model)) if kind == "onnx" else place.file
        return Launch([str(place.python), "-m", "tenfold.loadtests.benchmark.limits", kind, str(place.port), model])

    return launch


def granian(place: Place) -> Launch:
    """A raw ASGI app on granian with uvloop, in one process."""
    command = [place.script("granian"), "--interface", "asgi", "--loop", "uvloop", "--workers", "1", "--no-access-log"]
    address = ["--host", "127.0.0.1", "--port", str(place.port)]
    return Launch([*command, *address, "--working-dir", str(PEERS), "granian_app:app"])


def fastapi(place: Place) -> Launch:
    """On uvicorn, with uvloop and httptools, which it takes when they are installed."""
    command = [place.script("uvicorn"), "--app-dir", str(PEERS), "fastapi_app:app", "--port", str(place.port)]
    return Launch([*command, "--no-access-log", "--log-level", "warning"], [{"MODEL": place.file}])


def mlserver(most: int) -> Launcher:
    """Its own server for scikit-learn, in one process, with up to `most` requests in a batch, or 1 for none."""

    def launch(place: Place) -> Launch:
        model: dict[str, Any] = {
            "name": MODEL,
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": place.file, "version": "1"},
        }
        if most > 1:
            model |= {"max_batch_size": most, "max_batch_time": 0.001}
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


def bentoml(most: int) -> Launcher:
    """`bentoml serve`, with up to `most` rows in a batch, or 1 for none."""

    def launch(place: Place) -> Launch:
        command = [place.script("bentoml"), "serve", "bentoml_app:Model", "--working-dir", str(PEERS)]
        command += ["--host", "127.0.0.1", "--port", str(place.port)]
        told = {"MODEL": place.file, "MOST": str(most)}
        return Launch(command, [{**told, "BENTOML_HOME": str(place.folder / "home"), "BENTOML_DO_NOT_TRACK": "True"}])

    return launch


def litserve(most: int) -> Launcher:
    """Its server in Python, with up to `most` requests in a batch, or 1 for none."""
    return lambda place: Launch(_app(place, "litserve_app.py", most))


def ray(most: int) -> Launcher:
    """Ray Serve behind the HAProxy that comes with it, with up to `most` requests in a batch, or 1 for none."""
    switches = dict.fromkeys(("RAY_SERVE_ENABLE_HA_PROXY", "RAY_SERVE_THROUGHPUT_OPTIMIZED"), "1")
    environment = {**switches, "RAY_USAGE_STATS_ENABLED": "0"}
    return lambda place: Launch(_app(place, "ray_app.py", most), [environment])


def mosec(most: int, wait: int) -> Launcher:
    """Its HTTP in Rust and one worker, with up to `most` requests in a batch, for which it waits up to `wait` ms."""

    def launch(place: Place) -> Launch:
        given = {"ADDRESS": "127.0.0.1", "PORT": place.port, "PATH": place.folder / "ipc", "LOG_LEVEL": "warning"}
        command = [str(place.python), str(PEERS / "mosec_app.py"), place.file, str(most), str(wait)]
        return Launch(command, [{f"MOSEC_{name}": str(value) for name, value in given.items()}])

    return launch


def mlflow(place: Place) -> Launch:
    """`mlflow models serve` in one process."""
    command = [place.script("mlflow"), "models", "serve", "--model-uri", place.saved, "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", str(place.port), "--workers", "1"]
    # It starts uvicorn by its name alone, and leaves its options to the environment.
    return Launch(command, [{"PATH": f"{place.python.parent}:/usr/bin:/bin", "UVICORN_ACCESS_LOG": "0"}])


def _app(place: Place, file: str, most: int) -> list[str]:
    return [str(place.python), str(PEERS / file), str(place.port), place.file, str(most)]


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
