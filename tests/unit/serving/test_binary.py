"""Tensors as bytes: every datatype there and back, and bytes that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tenfold.serving.errors import InvalidInput
from tenfold.serving.protocols import binary

TEXTS = ["", "a", "grün ☃", "x" * 300]


@pytest.mark.parametrize(
    ("datatype", "values"),
    [
        ("BOOL", np.array([True, False])),
        *((f"INT{bits}", np.array([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1])) for bits in (8, 16, 32, 64)),
        *((f"UINT{bits}", np.array([0, 2**bits - 1], "u8")) for bits in (8, 16, 32, 64)),
        *((f"FP{bits}", np.array([-0.5, 1.25])) for bits in (16, 32, 64)),
        ("BYTES", np.array(TEXTS, object)),
    ],
)
def test_there_and_back(datatype: str, values: Any) -> None:
    data = binary.encode(values, datatype)
    back = binary.decode("x", datatype, values.shape, memoryview(data))
    assert list(back) == values.tolist()
    if datatype != "BYTES":
        assert len(data) == len(values) * (int(datatype.lstrip("BOLUINTFP") or 8) // 8)


def test_half_of_a_float() -> None:
    data = np.array([1.5, -2.0], "<f4").view("<u2")[1::2].tobytes()
    assert list(binary.decode("x", "BF16", (2,), memoryview(data))) == [1.5, -2.0]


def test_rows_of_several_values_are_written_row_by_row_whatever_their_order_in_memory() -> None:
    table = np.asfortranarray([[1.0, 2.0], [3.0, 4.0]])
    assert np.frombuffer(binary.encode(table, "FP64")).tolist() == [1, 2, 3, 4]


def test_numbers_of_a_string_output_are_written_as_text() -> None:
    assert binary.encode(np.array([1, "a"], object), "BYTES") == b"\1\0\0\0" + b"1" + b"\1\0\0\0" + b"a"


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "words"),
    [
        ("FP64", (2,), bytes(8), "has 8 bytes, but FP64 of the shape [2] needs 16"),
        ("BOOL", (2,), bytes(3), "has 3 bytes"),
        ("FP64", (10**12,), b"", "needs 8000000000000"),
        ("BYTES", (1,), b"\1\0", "is cut off in its element 0"),
        ("BYTES", (1,), b"\2\0\0\0a", "is cut off in its element 0"),
        ("BYTES", (1,), b"\1\0\0\0a\xff\xff\xff\xffa", "is cut off in its element 1"),
        ("BYTES", (1,), b"\1\0\0\0\xff", "is not in UTF-8"),
        ("BYTES", (2,), b"\1\0\0\0a", "has 1 elements, but its shape says 2"),
        ("BYTES", (0,), b"\1\0\0\0a", "has 1 elements, but its shape says 0"),
    ],
)
def test_bytes_that_are_no_tensor(datatype: str, shape: tuple[int, ...], data: bytes, words: str) -> None:
    with pytest.raises(InvalidInput) as e:
        binary.decode("x", datatype, shape, memoryview(data))
    assert words in str(e.value)


@pytest.mark.parametrize("length", ["5", "-1", "x", "", "1.0", "9" * 5000])
def test_a_length_that_is_none(length: str) -> None:
    with pytest.raises(InvalidInput, match="but the body has 4 bytes"):
        binary.split(b"{}ab", length)


def test_the_document_and_what_follows() -> None:
    head, data = binary.split(b"{}ab", "2")
    assert (head, bytes(data)) == (b"{}", b"ab")
