"""Who is measured: tenfold, the limits and the peers, each in its configurations, and what each is asked. Data.

A peer is there once for each configuration worth having. The best of all at a workload is what tenfold is held against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import launches, workloads
from .launches import Launcher
from .models import not_compilable
from .protocols import GRPC, INVOCATIONS, PLAIN, PLAIN_LIST, PREDICT, V2, V2_BINARY, V2_BY_H2LOAD, V2_WITH_IDS, Protocol
from .workloads import BOOSTING, FOREST, HUNDRED_ROWS, ONE_CONNECTION, ONE_ROW, VECTORS, Workload

Asks = Mapping[Workload, Sequence[Protocol]]
TENFOLD, LIMITS = "tenfold", "limits"


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
        constant: whether its answers are no predictions, so that nothing but their number can be right.
        processes: that serve, for as many cores.
    """

    name: str
    group: str
    about: str
    launch: Launcher
    asks: Asks
    environment: str = ""
    packages: Sequence[str] = ()
    missing: Callable[[], str] = lambda: ""
    constant: bool = False
    processes: int = 1


def everywhere(protocol: Protocol) -> Asks:
    """All workloads by one protocol."""
    return dict.fromkeys(workloads.ALL, (protocol,))


CONSTANT = Server(
    "constant",
    LIMITS,
    "raw ASGI app that parses JSON and answers a constant",
    launches.limit("constant"),
    {ONE_ROW: (PLAIN,), ONE_CONNECTION: (PLAIN,), HUNDRED_ROWS: (PLAIN,)},
    constant=True,
)
GRANIAN = Server(
    "constant-granian",
    LIMITS,
    "the same app on granian",
    launches.granian,
    CONSTANT.asks,
    "granian",
    ("granian",),
    constant=True,
)
DIRECT = Server("direct", LIMITS, "raw ASGI app that calls the model", launches.limit("direct"), everywhere(PLAIN))
ONNX = Server(
    "onnx",
    LIMITS,
    "raw ASGI app that calls onnxruntime",
    launches.limit("onnx"),
    everywhere(PLAIN),
    missing=not_compilable,
)
PLAIN_TENFOLD = Server(
    "tenfold",
    TENFOLD,
    "one process",
    launches.tenfold,
    {
        ONE_ROW: (V2, V2_WITH_IDS, PREDICT, INVOCATIONS),
        ONE_CONNECTION: (V2, PREDICT),
        HUNDRED_ROWS: (V2, PREDICT, V2_BINARY),
        FOREST: (V2, PREDICT),
        BOOSTING: (V2,),
        VECTORS: (V2,),
    },
    packages=("tenfold", "uvicorn", "scikit-learn", "numpy"),
)
TENFOLD_LOG = Server(
    "tenfold-log", TENFOLD, "one process, inference log in SQLite", launches.tenfold_with_log, {ONE_ROW: (V2,)}
)
TENFOLD_GRPC = Server(
    "tenfold-grpc", TENFOLD, "one process, with gRPC", launches.tenfold_with_grpc, {HUNDRED_ROWS: (V2_BY_H2LOAD, GRPC)}
)
TENFOLD_TWO = Server(
    "tenfold-two",
    TENFOLD,
    "two processes that share one socket",
    launches.two_of_tenfold,
    # Not the forest: a call of it takes as long for half of the rows, so that two processes answer no more of them.
    {ONE_ROW: (V2,), HUNDRED_ROWS: (V2,), VECTORS: (V2,)},
    processes=2,
)
TENFOLD_ONNX = Server(
    "tenfold-onnx",
    TENFOLD,
    "one process, the model compiled",
    launches.tenfold_compiled,
    {**everywhere(V2), ONE_CONNECTION: (V2, PREDICT)},
    missing=not_compilable,
)


def _peers(
    name: str, group: str, asks: Asks, packages: Sequence[str], **configurations: tuple[str, Launcher]
) -> list[Server]:
    """A peer in its configurations, named `name` or `name`-batches, in the environment `name`.

    A forest takes as long for 32 rows as for one, so nobody who can batch is asked for one without.
    """
    quick = {workload: asked for workload, asked in asks.items() if workload.model == ONE_ROW.model}
    return [
        Server(
            name if kind == "plain" else f"{name}-{kind}",
            group,
            about,
            launch,
            quick if kind == "plain" and len(configurations) > 1 else asks,
            name,
            (*packages, "scikit-learn"),
        )
        for kind, (about, launch) in configurations.items()
    ]


_MOST = 32
"""Requests that a peer may batch: as many as there are connections."""
_ONE_BY_ONE, _BATCHES = "no batches", f"batches of up to {_MOST}"
# As many as there are connections, so that batches are full, and the shortest wait there is for what is left of one. Of
# 8 to 64 requests (`tune`), fewer cost more CPU each, and of more every batch waits in vain.
(MOSEC,) = _peers("mosec", "mosec", everywhere(PLAIN), ["mosec"], plain=(_BATCHES, launches.mosec(_MOST, 1)))
PEERS = (
    *_peers("fastapi", "FastAPI", everywhere(PLAIN), ["fastapi"], plain=("a handler", launches.fastapi)),
    *_peers(
        "mlserver",
        "MLServer",
        everywhere(V2),
        ["mlserver"],
        plain=(_ONE_BY_ONE, launches.mlserver(1)),
        batches=(_BATCHES, launches.mlserver(_MOST)),
    ),
    *_peers(
        "bentoml",
        "BentoML",
        everywhere(PLAIN_LIST),
        ["bentoml"],
        plain=(_ONE_BY_ONE, launches.bentoml(1)),
        batches=(f"batches of up to {_MOST * HUNDRED_ROWS.rows:,} rows", launches.bentoml(_MOST * HUNDRED_ROWS.rows)),
    ),
    *_peers(
        "litserve",
        "LitServe",
        everywhere(PLAIN),
        ["litserve"],
        plain=(_ONE_BY_ONE, launches.litserve(1)),
        batches=(_BATCHES, launches.litserve(_MOST)),
    ),
    *_peers(
        "ray",
        "Ray Serve",
        everywhere(PLAIN),
        ["ray"],
        plain=(f"behind HAProxy, {_ONE_BY_ONE}", launches.ray(1)),
        batches=(f"behind HAProxy, {_BATCHES}", launches.ray(_MOST)),
    ),
    MOSEC,
    *_peers(
        "mlflow", "mlflow models serve", everywhere(INVOCATIONS), ["mlflow"], plain=("one worker", launches.mlflow)
    ),
)
# What is compared most closely is measured one after the other.
ALL = (CONSTANT, GRANIAN, ONNX, TENFOLD_ONNX, DIRECT, PLAIN_TENFOLD, TENFOLD_LOG, TENFOLD_GRPC, TENFOLD_TWO, *PEERS)
