"""What one model server process is told, once, at its start. Frozen; passed in, never looked up again.

Comes from the environment (`TENFOLD_MODEL`, `TENFOLD_PORT`, ...), from flags of `python -m tenfold.serving`, or
from `tenfold serve`. The names that `tenfold.platform.spec.ServerOptions` has too mean the same here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """The one table of settings of the model server."""

    model_config = SettingsConfigDict(env_prefix="TENFOLD_", frozen=True, extra="forbid", protected_namespaces=())

    model: str = Field(description="MLflow model URI (models:/name/7, models:/name@champion) or a model folder.")
    name: str = Field(
        default="", description="Name of the model in URLs. Empty: its registered name, else its folder's."
    )
    version: str = Field(
        default="", description="Version in answers. Empty: its registered version, else a digest of MLmodel."
    )
    model_digest: str = Field(
        default="",
        pattern="^(sha256:[0-9a-f]{64})?$",
        description="Digest that the model's files must have, sha256:... Empty: the one that the registry says.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on, when no socket is inherited.")
    port: int = Field(
        default=8080, ge=0, le=65535, description="Port to listen on, when no socket is inherited; 0: any free."
    )
    grpc_port: int | None = Field(default=None, ge=0, le=65535, description="Port of gRPC; 0: any free. None: no gRPC.")
    listen_fd: int | None = Field(
        default=None,
        ge=0,
        description="Inherited, bound socket of the service, shared with siblings. None: host and port.",
    )
    probe_fd: int | None = Field(
        default=None,
        ge=0,
        description="Inherited, bound loopback socket for probes and metrics of this process. None: none.",
    )
    log_url: SecretStr = Field(
        default=SecretStr(""), description="SQLAlchemy URL of the inference log. Empty: nothing kept."
    )
    registry_uri: str = Field(
        default="", description="MLflow registry that models:/ URIs refer to. Empty: MLflow's default."
    )
    cpu: float = Field(default=1.0, gt=0, description="CPU share in cores; BLAS and OpenMP threads follow it.")
    max_rows: int = Field(default=10_000, ge=1, description="Rows in one request; more are refused with 413.")
    max_body_bytes: int = Field(
        default=16 * 2**20, ge=1, description="Bytes in one request body; more are refused with 413."
    )
    max_head_bytes: int = Field(
        default=32 * 2**10, ge=1024, description="Bytes in the head of a request; more are refused with 431."
    )
    max_held_bytes: int = Field(
        default=64 * 2**20,
        ge=1,
        description="Bytes of the bodies of all requests that are not answered yet; more are refused with 503.",
    )
    max_connections: int = Field(
        default=10_000, ge=1, description="Connections at a time; more are refused with 503 and closed."
    )
    max_connections_per_address: int | None = Field(
        default=None,
        ge=1,
        description="Of them, of one address. None: no bound, since all clients of a proxy have its address.",
    )
    max_streams: int = Field(
        default=100, ge=1, description="Calls at a time on one connection of gRPC; clients wait with more."
    )
    max_batch_rows: int = Field(
        default=10_000,
        ge=1,
        description="Rows of concurrent requests in one call of the model; 1: each request is asked by itself.",
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
    api_keys_file: Path | None = Field(
        default=None, description="File with an API key a line, re-read when it changes. None: nobody needs a key."
    )
    api_keys_for_probes: bool = Field(default=False, description="Health checks and /metrics need a key as well.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may ask from a browser, separated by commas; *: all. Empty: none.",
    )
    tracing: bool = Field(
        default=False, description="Send traces of predictions; OpenTelemetry's own OTEL_... settings say where to."
    )
    allow_pickle: bool = Field(default=False, description="Load models that need pickle, which can run any code.")
    trusted_types: Annotated[tuple[str, ...], NoDecode] = Field(
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
        description="Labels that may wait for the inference log; what finds no room is refused with 503.",
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
