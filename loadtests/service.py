"""What the service under test says of itself: whether it is ready, and which rows its model takes.

Asked by `runner.py` before anything starts and by each Locust process once. Reading the answers is pure; only
`describe` sends requests, each with a time limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from .errors import RowsUnusable, ServiceUnreachable
from .rows import Column, Kind

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Tensor:
    """One v2 input; -1 in `shape` is the number of rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def named(self) -> dict[str, Any]:
        """Its name and type, as a request repeats them."""
        return {"name": self.name, "datatype": self.datatype}


@dataclass(frozen=True)
class ServedModel:
    """The model behind a URL: its name, its columns as /predict takes them, its inputs as v2 does."""

    name: str
    columns: tuple[Column, ...]
    inputs: tuple[Tensor, ...]

    @property
    def one_tensor(self) -> bool:
        """True for a model of unnamed columns: v2 takes them as one tensor of [rows, columns]."""
        return len(self.inputs) == 1 and len(self.inputs[0].shape) == 2


def describe(url: str) -> ServedModel:
    """Ask the service at `url` what it serves.

    Raises:
        ServiceUnreachable: nothing answers, what answers is no tenfold service, or it is not ready.
        RowsUnusable: its model takes rows that cannot be drawn.
    """
    with httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        ready = _get(client, url, "/v2/health/ready")
        if ready.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise ServiceUnreachable(f"The service at {url} is not ready: {_reason(ready)}. Try again when it is")
        openapi = _json(ready, _get(client, url, "/openapi.json"), url)
        name = model_name(openapi) or ""
        metadata = _json(ready, _get(client, url, f"/v2/models/{name}"), url)
    return ServedModel(name, columns(openapi), inputs(metadata))
