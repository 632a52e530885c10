"""What differs between two specs, field by field: pure, shared by the targets that have no server-side dry run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .spec import ServiceSpec
from .target import Change


def differences(before: ServiceSpec | None, after: ServiceSpec) -> tuple[Change, ...]:
    """The fields that change, dotted; all of them where there was nothing before."""
    old = dict(_flat(before.model_dump(mode="json"))) if before else {}
    new = dict(_flat(after.model_dump(mode="json")))
    return tuple(
        Change(field=field, before=old.get(field), after=new.get(field))
        for field in {**old, **new}
        if old.get(field) != new.get(field)
    )


def _flat(fields: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield f"{prefix}{key}", str(value)
