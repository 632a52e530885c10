"""The Python client of a model server: `Client` and `AsyncClient`, what they answer, and what can go wrong.

    rows, labels -> request as plain data    `messages`: no network
    when to send it again                    `steps`: no network
    sending, waiting                         `clients`: the only place that knows httpx's two clients
    response -> Answer, Receipt              `messages`, `answers`

Needs httpx and orjson only, so any program can have it. Rows may be pandas, polars or numpy objects; they are
recognised by what they can do and never imported.
"""

from __future__ import annotations

from .answers import Answer, ModelInfo, Receipt, Result
from .clients import AsyncClient, Client
from .errors import ClientError, NotUnderstood, Refused, ServerFailed, Unreachable, Unsendable

__all__ = [
    "Answer",
    "AsyncClient",
    "Client",
    "ClientError",
    "ModelInfo",
    "NotUnderstood",
    "Receipt",
    "Refused",
    "Result",
    "ServerFailed",
    "Unreachable",
    "Unsendable",
]
