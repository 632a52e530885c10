"""The words people write for times, shares and weights, read once at the edge: `30s`, `200ms`, `0.5%`, `predict=3`.

Pure; a wrong word raises `InvalidPlan` naming the option.
"""

import re
from collections.abc import Sequence

from .errors import InvalidPlan

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def seconds(text: str, option: str) -> float:
    """A length of time in seconds: `45`, `30s`, `2m`, `1h30m`, `500ms`; without a unit it is seconds."""
    return _time(text, option, plain=1.0, example="30s or 2m")


def milliseconds(text: str, option: str) -> float:
    """A latency in milliseconds: `200`, `200ms`, `1.5s`; without a unit it is milliseconds."""
    return _time(text, option, plain=0.001, example="200ms or 1.5s") * 1000


def share(text: str, option: str) -> float:
    """A share from 0 to 1: `0.01` or `1%`."""
    word = text.strip()
    number = word.removesuffix("%")
    if not _NUMBER.fullmatch(number):
        raise InvalidPlan(f"{option} '{text}' is not a share; write a number from 0 to 1, or a percentage such as 1%")
    value = float(number) / (100 if word.endswith("%") else 1)
    if value > 1:
        raise InvalidPlan(f"{option} '{text}' is more than everything; write a number from 0 to 1, or 0% to 100%")
    return value


def weights(words: Sequence[str], option: str) -> dict[str, int]:
    """Names with their weights, each given as `name` or `name=3`; a name alone weighs 1."""
    found: dict[str, int] = {}
    for word in words:
        name, equals, weight = word.strip().partition("=")
        if equals and not weight.isdecimal():
            raise InvalidPlan(f"{option} '{word}' has no whole weight; write a name, or e.g. predict=3")
        if name in found:
            raise InvalidPlan(f"{option} names '{name}' twice; give it once, with a weight such as {name}=3")
        found[name] = int(weight) if equals else 1
    return found


def _time(text: str, option: str, *, plain: float, example: str) -> float:
    word = text.strip().lower()
    if _NUMBER.fullmatch(word):
        return float(word) * plain
    parts = _PART.findall(word)
    if not parts or "".join(number + unit for number, unit in parts) != word:
        raise InvalidPlan(f"{option} '{text}' is not a length of time; write {example}")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
