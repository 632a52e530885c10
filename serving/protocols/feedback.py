"""`POST /feedback`: the true labels of earlier predictions, one or many, each answered for itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from fastapi import Response

from ..context import Context
from ..echo import echo
from ..errors import InvalidInput, TooManyRows
from ..feedback import FeedbackResult
from ..request import EVENT_TIME, RequestHead
from ..responses import json_response
from ..routes import FEEDBACK, Operation, Route
from .documents import document

_KINDS: dict[type, str] = {
    int: "number",
    float: "number",
    bool: "boolean",
    list: "list",
    dict: "object",
    type(None): "null",
}
_REFUSED = {"unknown": 404, "invalid": 400}


async def feedback(context: Context, head: RequestHead, body: bytes) -> Response:
    """Send back what turned out to be true: {"id", "label"}, or a list of them."""
    content = document(head, body, context.core.max_values)
    items = take(content, context.settings.max_rows)
    when = context.core.event_time(head.get(EVENT_TIME)) or datetime.now(UTC)
    results = await context.core.feedback.take(items, when, head.deadline)
    context.metrics.labelled(result.status for result in results)
    return json_response(*answer(results, single=isinstance(content, dict)))


def take(document: object, limit: int) -> list[tuple[str, Any]]:
    """The (id, label) pairs of one item or of a list of them.

    Raises:
        InvalidInput: an item that is not an object with exactly an id and a label; then none is recorded.
        TooManyRows: more than `limit` items.
    """
    items = cast("list[Any]", document) if isinstance(document, list) else [document]
    if not items:
        raise InvalidInput('The list is empty. Send [{"id": ..., "label": ...}, ...]')
    if len(items) > limit:
        raise TooManyRows(len(items), limit)
    return [_pair(item, f"Item {number} (items count from 0)") for number, item in enumerate(items)]


def _pair(item: object, where: str) -> tuple[str, Any]:
    remedy = 'No label of this request was recorded. Send {"id": "<id of the prediction>", "label": ...}'
    if not isinstance(item, dict):
        raise InvalidInput(f"{where} is not an object. {remedy}")
    content = cast("dict[str, Any]", item)
    for key in ("id", "label"):
        if key not in content:
            raise InvalidInput(f'{where} has no "{key}". {remedy}')
    if unknown := [key for key in content if key not in ("id", "label")]:
        raise InvalidInput(f"{where} has an unknown key '{echo(unknown[0])}'. {remedy}")
    if not isinstance(content["id"], str):
        raise InvalidInput(f"{where} has an id that is a {_KINDS[type(content['id'])]}, not a string. {remedy}")
    return content["id"], content["label"]


def answer(results: list[FeedbackResult], *, single: bool) -> tuple[dict[str, Any], int]:
    """The answer and its status: a list is always answered with 200, a single refused label with 404 or 400."""
    content: dict[str, Any] = {"results": [_result(result) for result in results]}
    status = _REFUSED.get(results[0].status, 200) if single else 200
    if status != 200:
        content["error"] = results[0].message
    return content, status


def _result(result: FeedbackResult) -> dict[str, Any]:
    content = {"id": echo(result.id), "status": result.status}
    return {**content, "message": result.message} if result.message else content


ROUTES = (
    Route(
        "POST",
        "/feedback",
        FEEDBACK,
        handler=feedback,
        operation=Operation(
            "tenfold",
            "FeedbackAnswer",
            (400, 404, 413, 415, 500, 501, 503, 504),
            "FeedbackRequest",
            answer_errors=tuple(_REFUSED.values()),  # a single label that was not taken is answered with its result
        ),
    ),
)
