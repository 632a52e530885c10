"""What a service may choose of its model servers: the settings that its spec has too, with the same names and defaults.

`Settings` inherits them, so that they come from the environment or from flags; `tenfold.platform.spec` has them as
`server`, and hands them to replicas as `environment`. Imports nothing that only a server needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

PREFIX = "TENFOLD_"
"""Of the environment's variables."""


class ServerOptions(BaseModel):
    """The one place of these settings, their defaults and their bounds. Frozen; an unknown one is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_rows: int = Field(
        default=10_000,
        ge=1,
        description="Rows in one request, or labels; more, or more values than these can have, get 413.",
    )
    max_body_bytes: int = Field(
        default=16 * 2**20, ge=1, description="Bytes in one request body; more are refused with 413."
    )
    max_head_bytes: int = Field(
        default=32 * 2**10, ge=1024, description="Bytes in the head of a request; more are refused with 431."
    )
    max_held_bytes: int = Field(
        default=64 * 2**20,
        ge=1,
        description="Bytes of requests that are not answered yet (more get 503), and of answers that are not taken.",
    )
    max_connections: int = Field(
        default=10_000, ge=1, description="Connections at a time; more are refused with 503 and closed."
    )
    max_connections_per_address: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Connections at a time from one address, of IPv6 from one network of 64 bits. "
            "None: no limit, since all clients of a proxy share one."
        ),
    )
    max_streams: int = Field(
        default=100, ge=1, description="Concurrent calls on one gRPC connection; the client queues further calls."
    )
    max_batch_rows: int = Field(
        default=10_000,
        ge=1,
        description="Rows of concurrent requests in one call of the model; 1: each request has its own call.",
    )
    max_waiting_rows: int = Field(
        default=10_000, ge=1, description="Rows that may wait for the model; what finds no room is refused with 503."
    )
    deadline_seconds: float = Field(
        default=60, gt=0, description="From the head of a request to its answer; later it is answered with 504."
    )
    receive_seconds: float = Field(
        default=30,
        gt=0,
        description="A request must have arrived whole so long after its first byte; else it gets 408.",
    )
    write_seconds: float = Field(
        default=30,
        gt=0,
        description="A client that takes nothing of its answers for so long is cut off.",
    )
    connection_seconds: float = Field(
        default=300,
        gt=0,
        description="How long a connection is kept; clients then make a new one, which may reach another replica.",
    )
    keep_alive_seconds: int = Field(
        default=75,
        ge=1,
        description="How long HTTP keeps a connection after an answer; give it more than a load balancer in front has.",
    )
    api_keys_file: Path | None = Field(
        default=None, description="File with one API key per line, re-read when it changes. None: nobody needs a key."
    )
    cors_origins: tuple[str, ...] = Field(
        default=(),
        description="Origins whose pages may send requests from a browser, separated by commas; *: all. Empty: none.",
    )
    allow_pickle: bool = Field(default=False, description="Load models that need pickle, which can run any code.")
    trusted_types: tuple[str, ...] = Field(
        default=(), description="Types of your own that a skops model may contain, full names separated by commas."
    )
    accept_event_time: bool = Field(
        default=False, description="Accept a Tenfold-Event-Time header, to replay past traffic."
    )
    accelerate: Literal["onnx"] | None = Field(
        default=None, description="onnx: answer by the model's compiled form, where it has one. None: never."
    )
    drain_seconds: float = Field(
        default=5, ge=0, description="How long keep-alive clients may move away before a stop."
    )
    log_queue_rows: int = Field(
        default=100_000,
        ge=1,
        description="Rows that may wait for the inference log; when it is full, rows are dropped.",
    )
    log_queue_bytes: int = Field(
        default=64 * 2**20,
        ge=1,
        description="Bytes of the rows that may wait for the inference log; when it is full, rows are dropped.",
    )
    max_waiting_labels: int = Field(
        default=20_000,
        ge=1,
        description="Labels that may wait for the log, half of them for predictions that may still come; more get 503.",
    )

    @field_validator("accelerate", mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        return value or None

    @field_validator("trusted_types", "cors_origins", mode="before")
    @classmethod
    def _commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in (p.strip() for p in value.split(",")) if part)
        return value

    def environment(self, *, changed_only: bool = False) -> dict[str, str]:
        """The variables that say the same to a model server; of `changed_only`, those that are not the default."""
        values = {name: getattr(self, name) for name in ServerOptions.model_fields}
        return {
            PREFIX + name.upper(): _text(value)
            for name, value in values.items()
            if not changed_only or value != ServerOptions.model_fields[name].default
        }


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)  # pyright: ignore[reportUnknownArgumentType]
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
