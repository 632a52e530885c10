"""A line of the server's log is one JSON object that says which request it is about."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from tenfold.serving.logs import JsonLines, request_id


def line(message: str, *arguments: Any, failed: bool = False) -> dict[str, Any]:
    exc_info = None
    if failed:
        try:
            raise ZeroDivisionError("no petals")
        except ZeroDivisionError:
            exc_info = sys.exc_info()
    record = logging.LogRecord("tenfold.serving", logging.ERROR, __file__, 1, message, arguments, exc_info)
    text = JsonLines("iris 7").format(record)
    assert "\n" not in text
    return json.loads(text)


def test_what_a_line_holds() -> None:
    written = line("%d rows\nand more", 7)
    assert written.keys() == {"time", "level", "logger", "message", "model"}
    assert written["message"] == "7 rows\nand more"
    assert (written["level"], written["model"]) == ("error", "iris 7")
    assert written["time"].endswith("+00:00")


def test_the_request_and_the_traceback_are_named_where_there_are_some() -> None:
    token = request_id.set("abc")
    try:
        written = line("failed", failed=True)
    finally:
        request_id.reset(token)
    assert written["request_id"] == "abc"
    assert "ZeroDivisionError: no petals" in written["traceback"]
