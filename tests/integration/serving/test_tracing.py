"""Traces, sent by OpenTelemetry's own exporter to a collector that reads what it is sent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import grpc
import httpx
import pytest
from integration.serving.threads import running, served
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from support.places import wait_until
from tenfold.serving.rpc.messages import MESSAGES, SERVICE
from unit.serving.stage import Folders

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(HTTPServer):
    """Keeps the spans that arrive, and the name of the service that sent them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.spans: list[Any] = []
        self.services: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {a.key: a.value.string_value for a in resource.resource.attributes}
            self.server.services.add(named["service.name"])
            self.server.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_on")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_prediction_is_a_span_of_its_stages_in_the_trace_of_its_caller(
    folders: Folders, collector: Collector
) -> None:
    with (
        served(folders.line, tracing=True, name="line") as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "mine"}
        assert http.post("/predict", json={"rows": [[1.0]]}, headers=headers).status_code == 200
        assert http.post("/v2/models/line/infer", json={"inputs": []}).status_code == 400
        unsampled = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
        assert http.post("/predict", json={"rows": [[1.0]]}, headers=unsampled).status_code == 200
    # A server that has stopped has sent all of it.
    assert collector.services == {"line"}
    good, stages, refused = (
        [s for s in collector.spans if s.name == "predict" and s.parent_span_id.hex() == PARENT],
        [s for s in collector.spans if s.parent_span_id.hex() not in (PARENT, "")],
        [s for s in collector.spans if s.name == "predict" and not s.parent_span_id],
    )
    (span,) = good
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    told = {a.key: a.value.string_value or a.value.int_value for a in span.attributes}
    assert told == {"tenfold.protocol": "predict", "tenfold.request_id": "mine", "http.response.status_code": 200}
    assert [s.name for s in sorted(stages, key=lambda s: s.start_time_unix_nano)] == [
        "decode",
        "queue",
        "predict",
        "encode",
    ]
    assert {s.parent_span_id for s in stages} == {span.span_id}
    assert [{a.key: a.value.int_value for a in s.attributes}["http.response.status_code"] for s in refused] == [400]


def test_a_prediction_over_grpc_is_one_as_well(folders: Folders, collector: Collector) -> None:
    with running(folders.line, tracing=True, name="line", grpc_port=0) as (server, _):
        wait_until(lambda: server.grpc_port)
        message = MESSAGES["ModelInferRequest"](model_name="line")
        message.inputs.add(name="x", datatype="FP64", shape=[1, 1]).contents.fp64_contents.append(1)
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            metadata = [("traceparent", f"00-{TRACE}-{PARENT}-01"), ("x-request-id", "mine")]
            ask = channel.unary_unary(f"/{SERVICE}/ModelInfer")
            ask(message.SerializeToString(), metadata=metadata, timeout=10)
    (span,) = (s for s in collector.spans if s.name == "predict" and s.parent_span_id.hex() == PARENT)
    told = {a.key: a.value.string_value or a.value.int_value for a in span.attributes}
    assert told == {"tenfold.protocol": "grpc", "tenfold.request_id": "mine", "http.response.status_code": 200}
    stages = {s.name for s in collector.spans if s.parent_span_id == span.span_id}
    assert stages == {"decode", "queue", "predict", "encode"}
