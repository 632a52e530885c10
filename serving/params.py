"""The `params` of an MLflow request: what a model's signature says of them, and what becomes of those in a request.

`artifact` reads them of an MLmodel file, `protocols/mlflow.py` checks a request's. As with MLflow's own server a value
of another type is refused, and what a prediction cannot use is ignored; but never silently.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .echo import echo
from .errors import InvalidInput
from .times import parse_time
from .values import shown

_INT32 = 2**31
_SHOWN = 5  # names in a sentence


@dataclass(frozen=True, slots=True)
class Param:
    """One that the signature names.

    Attributes:
        type: MLflow's name of it.
        many: whether it is a list of such values.
    """

    name: str
    type: str
    many: bool


def parse(text: object) -> tuple[Param, ...]:
    """MLflow's JSON of the signature's params; empty where there is none, or it cannot be read."""
    try:
        specs: Any = json.loads(text) if isinstance(text, str) else []
    except (ValueError, RecursionError):
        return ()
    specs = specs if isinstance(specs, list) else []
    found = [cast("Mapping[str, Any]", spec) for spec in cast("list[Any]", specs) if isinstance(spec, dict)]
    return tuple(
        Param(str(spec.get("name")), str(spec.get("type", spec.get("dtype"))), spec.get("shape") is not None)
        for spec in found
    )


def check(given: object, params: Sequence[Param], flavor: str) -> list[str]:
    """What is ignored of a request's params, as sentences for its response.

    Raises:
        InvalidInput: one is not of the type in the signature, or would change what the model answers.
    """
    if given is None or given == {}:
        return []
    if not params:
        names = _listed([*cast("dict[str, Any]", given)]) + " " if isinstance(given, dict) else ""
        return [
            (
                f"The params {names}are ignored: the model's signature names no params. "
                f"Send none, or register the model with a signature that names them"
            )
        ]
    if not isinstance(given, dict):
        raise InvalidInput(f'"params" is {shown(given)}, not an object. Send {{"name": value, ...}}')
    known = {param.name: param for param in params}
    unknown = [name for name in cast("dict[str, Any]", given) if name not in known]
    ignored = (
        [f"Ignored: the params {_listed(unknown)}, since the model's signature names {_listed([*known])}"]
        if unknown
        else []
    )
    for name, value in cast("dict[str, Any]", given).items():
        param = known.get(name)
        if param is None:
            continue
        if not _is(value, param):
            kind = f"a list of {param.type}" if param.many else param.type
            raise InvalidInput(f"The param '{param.name}' is {shown(value)}, which is not of its type, {kind}")
        if flavor != "sklearn":
            raise InvalidInput(
                f"The param '{param.name}' of a model of {flavor} is not served: rows of several requests are "
                f"predicted together. Register a model that has it set"
            )
        # MLflow hands it to no method of scikit-learn either
        ignored.append(f"The param '{param.name}' is ignored: scikit-learn's predictions take no params")
    return ignored


def _listed(names: Sequence[str]) -> str:
    """The first few of them."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"'{echo(name)}'" for name in names[:_SHOWN]) + more


def _is(value: object, param: Param) -> bool:
    if param.many:
        return isinstance(value, list) and all(_is_one(item, param.type) for item in cast("list[Any]", value))
    return _is_one(value, param.type)


def _is_one(value: object, kind: str) -> bool:
    if value is None:
        return True
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer" | "long":
            limit = _INT32 if kind == "integer" else 2**63
            return isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit
        case "float" | "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "datetime":
            return isinstance(value, str) and parse_time(value) is not None
        case "object":
            return isinstance(value, dict)
        case _:
            return False
