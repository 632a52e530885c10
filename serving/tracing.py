"""Traces of predictions, for OpenTelemetry: an extra (`tenfold[tracing]`) that `TENFOLD_TRACING` turns on.

Where they go, how many are kept and under which name are OpenTelemetry's own settings: `OTEL_EXPORTER_OTLP_ENDPOINT`,
`OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`. A span is made of the times that were taken anyway, once its answer is
written; the exporter sends it from a thread of its own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from .errors import ModelUnloadable
from .metrics import STAGES

_CARRIED = ("traceparent", "tracestate")


class Tracer:
    """One per process."""

    def __init__(self, service: str) -> None:
        """
        Args:
            service: name of the service, unless OpenTelemetry's own settings say another.

        Raises:
            ModelUnloadable: the extra is not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.propagate import extract
            from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
        except ImportError as e:
            raise ModelUnloadable(
                f"Traces need more than is installed ({e}). Run: pip install 'tenfold[tracing]'"
            ) from e
        resource = Resource({SERVICE_NAME: service}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("tenfold")
        self._extract, self._within = extract, set_span_in_context
        self._kind, self._failed = SpanKind.SERVER, Status(StatusCode.ERROR)

    def prediction(
        self, headers: Mapping[bytes, bytes], attributes: Mapping[str, Any], status: int, times: Sequence[float]
    ) -> None:
        """A prediction was answered.

        Args:
            headers: of the request, which may name the trace that it belongs to.
            attributes: of the span.
            status: of the answer.
            times: of `time.monotonic()`: when the request arrived, and when each of its `STAGES` ended, or if the
                model was not called, when it was refused.
        """
        carried = {name: headers[name.encode()].decode("latin-1") for name in _CARRIED if name.encode() in headers}
        wall = time.time() - time.monotonic()
        stamps = [int((wall + moment) * 1e9) for moment in times]
        span = self._tracer.start_span(
            "predict",
            self._extract(carried),
            self._kind,
            {**attributes, "http.response.status_code": status},
            start_time=stamps[0],
        )
        if len(times) > len(STAGES):
            within = self._within(span)
            for stage, (start, end) in zip(STAGES, pairwise(stamps), strict=True):
                self._tracer.start_span(stage, within, start_time=start).end(end)
        if status >= 500:
            span.set_status(self._failed)
        span.end(stamps[-1])

    def close(self) -> None:
        """Send what is left. Blocks."""
        self._provider.shutdown()
