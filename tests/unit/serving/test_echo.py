"""What a sentence repeats of a client's value: short, on one line, cheap, whatever the value is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from tenfold.serving.echo import LONGEST, echo

LARGE: dict[str, Callable[[], Any]] = {
    "text": lambda: "x" * 4_000_000,
    "line ends": lambda: "\n" * 4_000_000,
    "bytes": lambda: b"\xff" * 4_000_000,
    "text in a list": lambda: ["\0" * 4_000_000],
    "key of an object": lambda: {"k" * 4_000_000: 1},
    "rows": lambda: [[1, "a"]] * 1_000_000,
    "empty objects": lambda: {"a": [{}] * 1_000_000},
    "empty lists": lambda: [[]] * 1_000_000,
    "empty texts": lambda: [""] * 1_000_000,
}


def nested(levels: int) -> Any:
    value: Any = 7
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        *(("UA", "UA"), ("", ""), ("ä☃", "ä☃"), ('it\'s \\ "so"', 'it\'s \\ "so"')),
        *((None, "null"), (True, "true"), (7, "7"), (-0.0, "-0.0"), (1e300, "1e+300"), (float("nan"), "nan")),
        *((np.float32(1.5), "1.5"), (np.int64(7), "7"), (np.str_("a"), "a"), (np.bool_(True), "True")),
        ([1, "a", None, [True]], '[1, "a", null, [true]]'),
        ({"a": {"b": [1]}, 'c"': ()}, '{"a": {"b": [1]}, "c"": []}'),
        (datetime(2013, 1, 31, 6, tzinfo=UTC), "2013-01-31 06:00:00+00:00"),
        (b"gzip\xff", "gzip\\xff"),
        (2**64, "18446744073709551616"),
        (nested(9), "[" * 9 + "..." + "]" * 9),
        (nested(100_000), "[" * 9 + "..." + "]" * 9),
    ],
)
def test_a_value_is_shown_as_text_or_as_json_would_write_it(value: object, said: str) -> None:
    assert echo(value) == said


def test_an_integer_that_python_would_not_write_out_is_told_by_its_size() -> None:
    assert echo(10**5000) == "an integer of 16610 bits"
    assert echo([10**5000]) == "[an integer of 16610 bits]"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a\r\nb", r"a\r\nb"),
        ("\x00\x1b[31m\x7f\x85", r"\x00\x1b[31m\x7f\x85"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\ud800", r"\ud800"),
        (["\n\ud800"], r'["\n\ud800"]'),
        ({"\n": 1}, r'{"\n": 1}'),
        (b"\n", r"\n"),
    ],
)
def test_what_would_break_a_line_or_an_encoder_is_escaped(value: object, said: str) -> None:
    assert echo(value) == said
    echo(value).encode("ascii")


@pytest.mark.parametrize("limit", [LONGEST, 60])
@pytest.mark.parametrize("kind", LARGE)
def test_a_large_value_is_cut_and_costs_no_more_than_its_start(kind: str, limit: int) -> None:
    value = LARGE[kind]()
    tracemalloc.start()
    said = echo(value, limit=limit)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(said) == limit
    assert said.endswith(" ...")
    assert peak < 100_000


def test_a_text_that_just_fits_is_whole() -> None:
    assert echo("x" * LONGEST) == "x" * LONGEST
    assert echo("x" * (LONGEST + 1)) == "x" * (LONGEST - 4) + " ..."


def test_what_cannot_say_what_it_is_is_named() -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    assert echo(Mute()) == "Mute"
    assert echo([Mute()]) == "[Mute]"
