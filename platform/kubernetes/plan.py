"""What a server-side dry run would change, field by field: pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..target import Change
from .manifests import CAUSE, SPEC
from .verdict import REVISION

Object = dict[str, Any]
# What the server keeps itself, and what repeats the rest.
_SKIPPED_METADATA = {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"}
_SKIPPED_ANNOTATIONS = {SPEC, CAUSE, REVISION}


def changes(before: Object | None, after: Object) -> tuple[Change, ...]:
    """The fields of one object that change, each after the object's kind and name."""
    what = f"{after['kind']} {after['metadata']['name']}"
    if before is None:
        return (Change(field=what, before=None, after="new"),)
    old, new = dict(_flat(_meant(before))), dict(_flat(_meant(after)))
    return tuple(
        Change(field=f"{what} {field}", before=old.get(field), after=new.get(field))
        for field in {**old, **new}
        if old.get(field) != new.get(field)
    )


def _meant(live: Object) -> Object:
    metadata = {k: v for k, v in live["metadata"].items() if k not in _SKIPPED_METADATA}
    annotations = metadata.get("annotations") or {}
    metadata["annotations"] = {k: v for k, v in annotations.items() if k not in _SKIPPED_ANNOTATIONS}
    return {**{k: v for k, v in live.items() if k not in {"status", "apiVersion", "kind"}}, "metadata": metadata}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, v in value.items():
            yield from _flat(v, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for position, v in enumerate(value):
            # Named entries, such as containers and variables, are told by their name.
            mark = v["name"] if isinstance(v, dict) and "name" in v else position
            yield from _flat(v, f"{path}[{mark}]")
    elif value is not None:
        yield path, str(value)
