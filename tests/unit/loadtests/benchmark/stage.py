"""A result of two rounds in which few were measured."""

from tenfold.loadtests.benchmark.load import Measured
from tenfold.loadtests.benchmark.result import Cell, Failure, Replicas, Result, Start

RATES = {
    ("tenfold", "one row", "v2 JSON"): (12000, 10000),
    ("tenfold", "one row", "/predict"): (9000, 11000),
    ("tenfold", "one row", "/invocations"): (8000, 8000),
    ("tenfold-log", "one row", "v2 JSON"): (10000, 9800),
    ("tenfold-two", "one row", "v2 JSON"): (10000, 9000),
    ("direct", "one row", "rows as JSON"): (3000, 3000),
    ("fastapi", "one row", "rows as JSON"): (2000, 2000),
    ("mosec", "one row", "rows as JSON"): (8000, 10000),
    ("ray", "one row", "rows as JSON"): (900, 1000),
    ("ray-batches", "one row", "rows as JSON"): (2400, 2600),
}


def measured(rate: float, *, refused: int = 0) -> Measured:
    """Of a load of two seconds on a server without rest; the slowest took five times as long as most."""
    return Measured(round(rate * 2), 2, 32000 / rate, 160000 / rate, refused, cpu_us=1e6 / rate)


def result() -> Result:
    return Result(
        machine={"cores": 2},
        versions={"ray": {"ray": "2.60.0"}},
        skipped={"onnx": "onnxruntime is not installed"},
        cells=[
            Cell(number, server, workload, protocol, measured(rate))
            for (server, workload, protocol), rates in RATES.items()
            for number, rate in enumerate(rates, start=1)
        ],
        starts=[
            Start(1, "tenfold", "logistic", 1.5, 120),
            Start(2, "tenfold", "logistic", 1.7, 140),
            Start(1, "tenfold-log", "logistic", 1.7, 140, {"accepted": 9000, "written": 8000, "dropped": 0}),
        ],
        replicas=[Replicas(1, 42), Replicas(2, 44)],
        failures=[Failure(1, "mlflow", "logistic", "It ended with exit code 1.")],
    )
