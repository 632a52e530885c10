"""What a label does to what is already known of its prediction: a pure decision, taken inside one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from .records import Label, LabelRecord, LabelStatus


@dataclass(frozen=True, slots=True)
class Settlement:
    """One status per item, in order, and what has to be written: by prediction id, one label each."""

    statuses: list[LabelStatus]
    changes: dict[str, LabelRecord]


def settle(items: Iterable[LabelRecord], known: Set[str], stored: Mapping[str, Label]) -> Settlement:
    """Decide each item in order; a later item about the same prediction meets what the earlier one left.

    The newest label wins, and the newest is the one that arrives last: a correction counts whatever event time it
    carries. The same label again changes nothing, so feedback may be sent twice.
    """
    now = dict(stored)
    result = Settlement([], {})
    for item in items:
        id = item.prediction_id  # noqa: A001
        if id not in known:
            status: LabelStatus = "unknown"
        elif id not in now:
            status = "accepted"
        elif _same(now[id], item.label):
            status = "repeated"
        else:
            status = "replaced"
        result.statuses.append(status)
        if status in ("accepted", "replaced"):
            now[id] = item.label
            result.changes[id] = item
    return result


def _same(a: Label, b: Label) -> bool:
    """1 and 1.0 are the same label; 1 and true are not."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)
