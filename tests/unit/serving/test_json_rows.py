"""Rows of numbers as JSON, all in one step: to the letter what each by itself would be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tenfold.serving import json_rows
from tenfold.serving.jsonable import encode

AWKWARD = [0.0, -0.0, 1.0, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, 0.1, 2**53 + 2.0, -123456.789]


@pytest.mark.parametrize("names", [("a",), ('say "%s"', "100 %", "line\nbreak", "ü", "%d%%")])
def test_a_matrix_is_what_each_of_its_rows_is(names: tuple[str, ...]) -> None:
    drawn = np.random.default_rng(0).normal(size=(50, len(names))) * 10.0 ** np.arange(-25, 25)[:, None]
    for matrix in (drawn, np.asfortranarray(drawn), drawn[:1], np.resize(AWKWARD, (10, len(names)))):
        each = [encode(dict(zip(names, row, strict=True))).decode() for row in matrix.tolist()]
        assert json_rows.of_matrix(names, matrix) == each


@pytest.mark.parametrize(
    "outputs",
    [
        {"predict": np.array([1, -2, 3])},
        {"predict": np.array([0.5, np.nan, np.inf])},
        {"predict": np.array([True, False])},
        {"predict": np.array([0, 1], "u1"), "predict_proba": np.array([[0.25, 0.75], [1, 0]])},
        {"100 %": np.array([[1.5], [2.5]])},
        {"predict": np.array([[1, 2], [3, 4]], order="F")},
    ],
    ids=str,
)
def test_outputs_are_what_each_of_their_rows_is(outputs: dict[str, np.ndarray[Any, Any]]) -> None:
    rows = zip(*[array.tolist() for array in outputs.values()], strict=True)
    assert json_rows.of_outputs(outputs) == [encode(dict(zip(outputs, row, strict=True))).decode() for row in rows]


def test_numbers_of_32_bits_are_written_as_they_are_answered() -> None:
    assert json_rows.of_outputs({"predict": np.array([0.1], "f4")}) == ['{"predict":0.1}']


@pytest.mark.parametrize("values", [np.array(["a"]), np.array([None]), np.zeros((1, 1, 1)), np.zeros((1, 0))], ids=str)
def test_what_is_no_row_of_numbers_is_left_to_others(values: np.ndarray[Any, Any]) -> None:
    assert json_rows.of_outputs({"predict": np.array([1]), "other": values}) is None
