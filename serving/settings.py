"""The settings of one model server process, read once at its start. Frozen; passed in, never looked up again.

Comes from the environment (`TENFOLD_MODEL`, `TENFOLD_PORT`, ...), from flags of `python -m tenfold.serving`, or
from `tenfold serve`. Those that a service's spec may set stand in `options`, the others here.
"""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from .options import PREFIX, ServerOptions


class Settings(ServerOptions, BaseSettings):
    """The one table of settings of the model server."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        enable_decoding=False,
        env_ignore_empty=True,
    )

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
    cpu: float = Field(
        default=1.0,
        gt=0,
        description="CPU share in cores; BLAS and OpenMP threads follow it, and whether the model runs in a thread.",
    )
    api_keys_for_probes: bool = Field(default=False, description="Health checks and /metrics need a key as well.")
    tracing: bool = Field(
        default=False, description="Send traces of predictions; OpenTelemetry's own OTEL_... settings say where to."
    )
