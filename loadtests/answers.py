"""What is wrong with an answer, in a few words that Locust counts by; "" when it is good. Pure."""

from __future__ import annotations

from typing import Any

GOOD_FEEDBACK = {"accepted", "repeated", "replaced"}


def refused(status: int, content: Any) -> str:
    """What is wrong by the status. Only the first sentence: the next may hold an id, and no two failures be alike."""
    if status < 400:
        return ""
    said = content.get("error") or content.get("message") if isinstance(content, dict) else None
    return f"{status}: {str(said).partition('. ')[0]}" if said else str(status)


def wrong_rows(protocol: str, content: Any, sent: int) -> str:
    """What is wrong with the answer to a prediction request of `sent` rows."""
    try:
        rows = content["outputs"][0]["shape"][0] if protocol == "v2" else len(content["predictions"])
        ids = len(content["ids"]) if protocol == "predict" else rows
    except (KeyError, TypeError, IndexError):
        return "the answer holds no predictions, or no ids"
    if rows != sent:
        return f"{sent} rows were asked for, {rows} were answered"
    return "" if ids == sent else f"{sent} rows were answered with {ids} ids"


def wrong_feedback(content: Any, sent: int) -> str:
    """What is wrong with the answer to `sent` labels."""
    try:
        statuses = [each["status"] for each in content["results"]]
    except (KeyError, TypeError):
        return "the answer holds no results"
    bad = sorted(set(statuses) - GOOD_FEEDBACK)
    if bad:
        return f"labels were answered: {', '.join(bad)}"
    return "" if len(statuses) == sent else f"{sent} labels were sent, {len(statuses)} were answered"
