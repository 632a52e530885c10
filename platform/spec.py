"""`ServiceSpec`: what should be. Plain, frozen data that both targets make so.

Host and ports are the local target's; images, ingress, autoscaling, database and registry are Kubernetes'.

Who uses it: the Python API and the CLI build one, a target stores and realises it, retraining writes a new one
with the next pinned version. Nothing here opens a file or a socket.
"""

from __future__ import annotations

import hashlib
import re
from datetime import time
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..serving import options
from ..training.options import TrainingOptions
from .errors import InvalidSpec

NAME = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"


class Frozen(BaseModel):
    """A value: compared by content, never changed in place, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Resources(Frozen):
    """What one replica may use."""

    cpu: float = Field(
        default=1.0, gt=0, description="CPU share of one replica in cores; BLAS and OpenMP threads follow it."
    )
    memory: str = Field(default="512Mi", pattern=r"^[0-9]+(Mi|Gi)$", description="Memory of one replica, e.g. 512Mi.")


class Retraining(TrainingOptions):
    """When the night runs, and on what. The fields of `TrainingOptions` say how it trains."""

    at: time | None = Field(default=None, description="Local time of the nightly run, e.g. 02:00. None: no schedule.")
    paused: bool = Field(default=False, description="True keeps the schedule but starts nothing.")
    catch_up_days: int = Field(
        default=7, ge=1, le=366, description="How many missed nights are made up for, oldest first."
    )
    watch_seconds: float = Field(
        default=10, ge=0, description="How long a new version is watched for failing requests."
    )


class ServerOptions(options.ServerOptions):
    """Settings of every replica's model server; `api_keys_file` is a local service's."""

    api_keys_secret: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$",
        description="Secret on the cluster whose `keys` has one API key per line; None: nobody needs a key.",
    )

    @field_validator("api_keys_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        # Replicas have a folder of their own.
        if value is not None and not value.is_absolute():
            raise ValueError(f"'{value}' depends on the folder that one is in; write the whole path, /...")
        return value


class Images(Frozen):
    """What the pods on a cluster are made from."""

    serving: str = Field(default="ml-serving:1.0", description="Image of the model server.")
    training: str = Field(default="ml-training:1.0", description="Image of the nights and of the registry's server.")
    user_interface: str = Field(default="user-interface:1.0", description="Image of the page.")
    postgres: str = Field(default="postgres:17", description="Image of the small database that comes with it.")


class Ingress(Frozen):
    """Where people reach the page of a cluster, from outside of it. The model is never reachable there."""

    kind: Literal["ingress", "httproute", "none"] = Field(
        default="ingress", description="ingress, httproute (Gateway API), or none."
    )
    path: str = Field(default="/app", pattern=r"^(/[\w.~-]+)+$", description="Path of the page.")
    class_name: str = Field(default="nginx", description="Class of the Ingress; for an httproute the Gateway's name.")
    host: str | None = Field(default=None, description="Host name; None: every one.")
    tls_secret: str | None = Field(default=None, description="Secret with the certificate of the host; None: no TLS.")


class Autoscaling(Frozen):
    """How many replicas the cluster may choose, and by what. Where it is set, `replicas` is only where it starts."""

    min_replicas: int = Field(default=2, ge=1, description="Never fewer.")
    max_replicas: int = Field(default=20, ge=1, description="Never more.")
    cpu_percent: int = Field(default=70, ge=1, le=1000, description="Use of the requested CPU that it aims at.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(f"min_replicas {self.min_replicas} is more than max_replicas {self.max_replicas}")
        return self


class ServiceSpec(Frozen):
    """The desired state of one service: a pinned model version on a number of replicas.

    Raises:
        tenfold.platform.errors.InvalidSpec: from `ServiceSpec.of` and `changed`, naming each wrong field.
    """

    name: str = Field(pattern=NAME, description="Service and registered model; lower case, digits and dashes, <= 40.")
    model: str = Field(description="The pinned version to serve, e.g. models:/flight-delay/7.")
    replicas: int = Field(default=10, ge=0, le=1000, description="Model servers behind the one address.")
    host: str = Field(default="127.0.0.1", description="Address the local service listens on.")
    port: int = Field(default=8080, ge=1, le=65535, description="Port the local service listens on.")
    page_port: int = Field(
        default=8081, ge=1, le=65535, description="Port of the local web page, shared by all services."
    )
    registry_port: int | None = Field(
        default=8082,
        ge=1,
        le=65535,
        description="Port of the local registry's server, shared by all services; None: no server.",
    )
    progress_deadline_seconds: float = Field(
        default=120, gt=0, description="A rollout without progress for this long failed."
    )
    resources: Resources = Resources()
    server: ServerOptions = ServerOptions()
    retraining: Retraining = Retraining()
    images: Images = Images()
    ingress: Ingress = Ingress()
    autoscaling: Autoscaling | None = Field(
        default=None, description="min_replicas, max_replicas and cpu_percent on a cluster; None: `replicas` stay."
    )
    database: str | None = Field(
        default=None,
        description="Secret on the cluster whose `url` names an existing PostgreSQL; None: a small one is made.",
    )
    registry: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Address of an existing MLflow server, for the pods of a cluster; None: one is made.",
    )

    @field_validator("model")
    @classmethod
    def _pinned(cls, value: str) -> str:
        if not re.fullmatch(r"models:/[^/@]+/[0-9]+", value):
            raise ValueError(
                f"'{value}' is not a pinned version; write models:/NAME/VERSION, e.g. models:/flight-delay/7"
            )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        # Rows and nights are kept by the model's name, so a service that served another one would train on its data.
        if self.model.split("/")[1] != self.name:
            raise ValueError(f"the service '{self.name}' cannot serve {self.model}; write models:/{self.name}/VERSION")
        ports = [p for p in (self.port, self.page_port, self.registry_port) if p is not None]
        if len(set(ports)) < len(ports):
            raise ValueError(
                f"port {self.port}, page_port {self.page_port} and registry_port {self.registry_port} must differ"
            )
        return self

    @classmethod
    def of(cls, **fields: Any) -> Self:
        """Build a spec, or raise `InvalidSpec` with one sentence per wrong field."""
        try:
            return cls.model_validate(fields)
        except ValidationError as e:
            raise InvalidSpec(e) from e

    def changed(self, **fields: Any) -> Self:
        """A copy with `fields` replaced; nested ones by a dict of what changes, e.g. retraining={"paused": True}."""
        content = self.model_dump()
        for key, value in fields.items():
            nested = isinstance(value, dict) and isinstance(content.get(key), dict)
            content[key] = {**content[key], **value} if nested else value
        return type(self).of(**content)

    @property
    def version(self) -> str:
        """The pinned version alone, e.g. "7"."""
        return self.model.rsplit("/", 1)[1]

    @property
    def template(self) -> str:
        """A digest of what a replica is made from: replicas with another digest are replaced, not kept."""
        made_from = self.model_dump_json(include={"model", "resources", "server"})
        return hashlib.sha256(made_from.encode()).hexdigest()[:12]
