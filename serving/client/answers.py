"""What a server said, as values: frozen, JSON by orjson as they are, short in a terminal, a table in a notebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

_SHOWN = 10  # rows of a table


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model that answered."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """Predictions for n rows, in order, each with the id to send back with what turned out to be true."""

    predictions: list[Any]
    ids: list[str]
    model: ModelInfo
    outputs: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """The outputs that were asked for, by name, n values each; e.g. "predict_proba": n lists of probabilities."""

    def __len__(self) -> int:
        return len(self.predictions)

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self.predictions[:_SHOWN])) + (", ..." if len(self) > _SHOWN else "")
        return f"Answer([{shown}], {len(self)} by {self.model.name} version {self.model.version})"

    def _repr_html_(self) -> str:
        others = {name: values for name, values in self.outputs.items() if name != "predict"}
        rows = zip(self.predictions, *others.values(), self.ids, strict=True)
        caption = f"{len(self)} predictions by {self.model.name} version {self.model.version}"
        return _table(caption, ("prediction", *others, "id"), list(rows))


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one label: accepted, repeated, replaced, unknown or invalid; a message where there is one."""

    id: str
    status: str
    message: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Receipt:
    """One result per label, in the order in which they were sent."""

    results: list[Result]

    def __len__(self) -> int:
        return len(self.results)

    @property
    def counts(self) -> dict[str, int]:
        """How many labels of each status, as far as there are any."""
        return dict(Counter(result.status for result in self.results))

    def __repr__(self) -> str:
        return f"Receipt({', '.join(f'{n} {status}' for status, n in self.counts.items()) or 'nothing sent'})"

    def __str__(self) -> str:
        told = [f"  {r.id}: {r.message}" for r in self.results if r.message]
        more = [f"  and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
        return "\n".join([repr(self), *told[:_SHOWN], *more])

    def _repr_html_(self) -> str:
        first = sorted(self.results, key=lambda r: not r.message)  # those that need attention
        return _table(repr(self), ("id", "status", "message"), [(r.id, r.status, r.message) for r in first])


def _table(caption: str, names: Iterable[str], rows: Sequence[Iterable[Any]]) -> str:
    def line(tag: str, values: Iterable[Any]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(str(value))}</{tag}>" for value in values) + "</tr>"

    more = f"<p>and {len(rows) - _SHOWN} more</p>" if len(rows) > _SHOWN else ""
    body = "".join(line("td", row) for row in rows[:_SHOWN])
    return f"<table><caption>{escape(caption)}</caption>{line('th', names)}{body}</table>{more}"
