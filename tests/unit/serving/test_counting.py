"""How many values a body holds, told from its bytes: never fewer than a parser finds, and none of what is text."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable

import pytest
from tenfold.serving.errors import TooManyValues
from tenfold.serving.protocols.counting import check_csv, check_json

LONG = 70_000  # more than is looked at in one step


def refused(check: Callable[[bytes, int], None], body: bytes, most: int) -> bool:
    try:
        check(body, most)
    except TooManyValues:
        return True
    return False


@pytest.mark.parametrize("item", ["1", "[]", "{}", '{"a":1}', '""', "[[]]", '"a"'])
def test_a_document_of_many_values_is_refused(item: str) -> None:
    for number in (1000, LONG):
        body = ("[" + ",".join([item] * number) + "]").encode()
        assert refused(check_json, body, number - 2)
        assert not refused(check_json, body, 4 * number)


@pytest.mark.parametrize("text", ["a,b,[c]{d}", '\\",\\",', "\\\\", '\\\\\\",[', ",", "ä,☃,", "\\u0022,"])
@pytest.mark.parametrize("times", [50, LONG])
def test_commas_and_brackets_in_a_text_do_not_count(text: str, times: int) -> None:
    body = f'{{"rows": [["{text * times}", "{text}"]]}}'.encode()
    json.loads(body)
    assert not refused(check_json, body, 4)
    assert refused(check_json, body, 3)


def test_no_csv_hides_its_cells_behind_quotes() -> None:
    dice = random.Random(7)
    for _ in range(3000):
        body = "".join(dice.choices('a,"\n\r', [2, 6, 3, 1, 1], k=dice.randrange(60)))
        try:
            cells = sum(len(row) for row in csv.reader(io.StringIO(body, newline=""), strict=True))
        except csv.Error:
            continue
        for most in (1, 3, 9):
            # A line that is empty has a mark and no cell; the last cell of all has no mark.
            assert refused(check_csv, body.encode(), most) or cells <= most + 1, body


def test_commas_in_a_cell_of_text_do_not_count() -> None:
    body = b'a,b\n"1,2,3,""4"",5,\n\n",2\n' * 2
    assert not refused(check_csv, body, 8)
    assert refused(check_csv, body, 7)
