"""What the server writes for whoever runs it: one JSON object per line, with the request that it is about.

`__main__` sets it up once. The HTTP layer names the request in `request_id`, which travels with the request's own task.
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that the present task answers; empty outside of one."""


class JsonLines(logging.Formatter):
    """Time, level, logger, message, and where there are some: request id, model version, traceback."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = model

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "model": self.model,
        }
        if request := request_id.get():
            line["request_id"] = request
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class Words(logging.Formatter):
    """For a person at a terminal: level and message."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")


def set_up(model: str) -> None:
    """Write to stderr from now on: JSON lines, or on a terminal words. `model` names the model and its version."""
    handler = logging.StreamHandler()
    handler.setFormatter(Words() if sys.stderr.isatty() else JsonLines(model))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # uvicorn logs every start, stop and broken request; the server says what matters of it itself.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.captureWarnings(True)
