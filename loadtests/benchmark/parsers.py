"""What reading the body of a prediction costs, by parser: `python -m tenfold.loadtests.benchmark.parsers`.

The body is that of `/predict`, of 1 and of 100 rows with ten numbers each. orjson, json and msgspec make plain objects,
which the validator still has to check; msgspec with types and pydantic check them on the way; `tenfold` is orjson and
the validator, which is all that a request needs before the model can be asked.
"""

from __future__ import annotations

import json
import sys
import timeit
from collections.abc import Callable
from typing import Any

import msgspec
import orjson
from pydantic import BaseModel, TypeAdapter, create_model

from ...serving import validation
from ...serving.signature import Column, Signature
from .fit import COLUMNS

NAMES = [f"x{i}" for i in range(COLUMNS)]
_SIGNATURE = Signature(tuple(Column(name, "double") for name in NAMES))
_SECONDS = 0.5


def parsers() -> dict[str, Callable[[bytes], Any]]:
    """Each by name."""
    fields: dict[str, Any] = dict.fromkeys(NAMES, (float, ...))
    row = create_model("Row", **fields)
    rows: TypeAdapter[dict[str, list[BaseModel]]] = TypeAdapter(dict[str, list[row]])  # pyright: ignore[reportInvalidTypeForm]
    struct = msgspec.defstruct("Row", [(name, float) for name in NAMES])
    return {
        "json": json.loads,
        "orjson": orjson.loads,
        "tenfold": lambda body: validation.from_rows(_SIGNATURE, orjson.loads(body)["rows"], max_rows=1000),
        "pydantic": rows.validate_json,
        "msgspec": msgspec.json.Decoder().decode,
        "msgspec, typed": msgspec.json.Decoder(dict[str, list[struct]]).decode,
    }


def microseconds(parse: Callable[[bytes], Any], body: bytes) -> float:
    """For one body: the best of five tries, as little else as possible beside it."""
    timer = timeit.Timer(lambda: parse(body))
    count, seconds = timer.autorange()
    count = max(1, int(count * _SECONDS / 5 / seconds))
    return min(timer.repeat(5, count)) / count * 1e6


def main() -> None:
    """Print a table."""
    bodies = {n: orjson.dumps({"rows": [{name: i + 0.25 for i, name in enumerate(NAMES)}] * n}) for n in (1, 100)}
    sys.stdout.write("| parser | 1 row, us | 100 rows, us |\n| --- | ---: | ---: |\n")
    for name, parse in parsers().items():
        costs = " | ".join(f"{microseconds(parse, body):.1f}" for body in bodies.values())
        sys.stdout.write(f"| {name} | {costs} |\n")


if __name__ == "__main__":
    main()
