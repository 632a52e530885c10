"""What Triton adds to the Open Inference Protocol v2 and its tools read: a model's statistics and configuration. Pure.

perf_analyzer asks for both. The statistics are the server's own metrics in Triton's words, so they cost nothing until
somebody asks, and count whatever protocol a request came by.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from prometheus_client.samples import Sample

from ..model import Model
from ..schema import v2_inputs

Json = dict[str, Any]


def config(model: Model, max_rows: int) -> Json:
    """The model's configuration; as in Triton, dims leave out the dimension of the rows."""
    return {
        "name": model.name,
        "platform": model.platform,
        "backend": model.platform.partition("_")[0],
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": max_rows,
        "input": [_tensor(tensor) for tensor in v2_inputs(model.signature)],
        "output": [_tensor(spec.v2()) for spec in model.output_specs],
        "dynamic_batching": {},
    }


def statistics(model: Model, samples: Iterable[Sample], last: float, protocols: Collection[str]) -> Json:
    """The model's statistics since the server started; what is not measured is 0.

    Args:
        model: which is served.
        samples: of all metrics.
        last: when the model was last asked, in seconds since the epoch.
        protocols: whose requests ask the model.
    """
    known = list(samples)

    def total(name: str, wanted: Callable[[Mapping[str, str]], bool] = lambda _: True) -> float:
        return sum(s.value for s in known if s.name == name and wanted(s.labels))

    def predicting(labels: Mapping[str, str]) -> bool:
        return labels["protocol"] in protocols

    answered = total("tenfold_requests_total", lambda s: predicting(s) and s["version"] == model.version)
    good = total(
        "tenfold_requests_total", lambda s: predicting(s) and s["version"] == model.version and s["code"] == "200"
    )
    # Seconds are not kept apart by what the answer was. A refusal takes next to none of them.
    seconds = total("tenfold_request_seconds_sum", predicting)
    calls = total("tenfold_predict_seconds_count")
    nothing = _duration(0, 0)

    def stage(wanted: str) -> Json:
        of_stage = (total(f"tenfold_stage_seconds_{kind}", lambda s: s["stage"] == wanted) for kind in ("count", "sum"))
        return _duration(*of_stage)

    return {
        "name": model.name,
        "version": model.version,
        "last_inference": int(last * 1000),
        "inference_count": int(total("tenfold_rows_total", lambda s: s["version"] == model.version)),
        "execution_count": int(calls),
        "inference_stats": {
            "success": _duration(good, seconds),
            "fail": _duration(answered - good, 0),
            "queue": stage("queue"),
            "compute_input": stage("decode"),
            "compute_infer": _duration(calls, total("tenfold_predict_seconds_sum")),
            "compute_output": stage("encode"),
            "cache_hit": nothing,
            "cache_miss": nothing,
        },
        "batch_stats": [],
    }


def _duration(count: float, seconds: float) -> Json:
    return {"count": int(count), "ns": int(seconds * 1e9)}


def _tensor(described: Json) -> Json:
    datatype = "STRING" if described["datatype"] == "BYTES" else described["datatype"]
    return {"name": described["name"], "data_type": f"TYPE_{datatype}", "dims": described["shape"][1:]}
