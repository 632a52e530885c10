"""What the server serves, and what it must answer: a pool of rows with the predictions that it gave them one by one.

Asked once, before anything broken is sent. From then on every protocol, in any company, has to answer the same.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from .. import access
from ..errors import ServiceUnreachable
from ..rows import Row, draw
from ..service import ServedModel, describe, said

POOL = 40


@dataclass(frozen=True)
class Target:
    """A server, its model, and rows with the label that it must predict for each.

    Attributes:
        version: of the model, as it stands in paths.
    """

    url: str
    model: ServedModel
    version: str
    rows: tuple[Row, ...]
    labels: tuple[Any, ...]

    @property
    def host(self) -> str:
        """Where to connect to."""
        return urlsplit(self.url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        """Where to connect to."""
        return urlsplit(self.url).port or 80

    def pick(self, rng: random.Random, most: int = 5) -> tuple[list[Row], list[Any]]:
        """Some rows, and what must be predicted for them."""
        chosen = [rng.randrange(len(self.rows)) for _ in range(rng.randint(1, most))]
        return [self.rows[n] for n in chosen], [self.labels[n] for n in chosen]


def look(url: str, seed: int) -> Target:
    """Ask the server what it serves, and what it predicts.

    Raises:
        tenfold.loadtests.errors.LoadTestError: it does not answer, or refuses rows of its own model.
    """
    model = describe(url)
    rng = random.Random(seed)  # noqa: S311  not for secrets; the same rows in every run
    rows = [_with_gaps(model, sample.row, rng) for sample in draw(model.columns, POOL, seed)]
    labels: list[Any] = []
    version = ""
    with httpx.Client(base_url=url, headers=access.headers(), trust_env=False, timeout=30) as client:
        for row in rows:
            answer = client.post("/predict", json={"rows": [row]})
            if answer.status_code != 200:
                raise ServiceUnreachable(f"The service at {url} refuses a row of its own model: {said(answer)}")
            labels += answer.json()["predictions"]
            version = str(answer.json()["model"]["version"])
    return Target(url, model, version, tuple(rows), tuple(labels))


def _with_gaps(model: ServedModel, row: Row, rng: random.Random) -> Row:
    optional = {c.name for c in model.columns if not c.required}
    return {name: None if name in optional and rng.random() < 0.3 else value for name, value in row.items()}


def differs(found: Any, expected: Sequence[Any]) -> str:
    """What is wrong with predictions; "" when they are the expected ones."""
    if not isinstance(found, list) or len(found) != len(expected):
        return f"predicted {_short(found)}, expected {_short(expected)}"
    same = all(
        math.isclose(a, b, rel_tol=1e-6) if isinstance(a, float) and isinstance(b, int | float) else a == b
        for a, b in zip(found, expected, strict=True)
    )
    return "" if same else f"predicted {_short(found)}, expected {_short(expected)}"


def _short(value: object) -> str:
    return str(value)[:200]
