"""Rows drawn from the columns of a model or read from files; requests made from them; answers judged."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tenfold.loadtests import answers, bodies
from tenfold.loadtests.errors import RowsUnusable
from tenfold.loadtests.rows import MOST_ROWS, Column, Sample, draw, read_rows
from tenfold.loadtests.service import ServedModel, Tensor

COLUMNS = (
    Column("distance", "integer", example=1400),
    Column("temperature", "number", required=False, example=-4.5),
    Column("carrier", "string", example="UA"),
    Column("international", "boolean", example=False),
    Column("departure", "datetime", example="2013-01-31T08:00:00"),
)
ROW = {
    "distance": 1400,
    "temperature": -4.5,
    "carrier": "UA",
    "international": False,
    "departure": "2013-01-31T08:00:00",
}
MODEL = ServedModel(
    "flights",
    COLUMNS,
    tuple(
        Tensor(c.name, kind, (-1,))
        for c, kind in zip(COLUMNS, ("INT64", "FP64", "BYTES", "BOOL", "BYTES"), strict=True)
    ),
)


def test_drawn_rows_have_the_types_of_the_columns_and_lie_near_the_example() -> None:
    rows = [sample.row for sample in draw(COLUMNS, 200, seed=1)]
    assert {tuple(row) for row in rows} == {tuple(ROW)}
    assert all(700 <= row["distance"] <= 2100 and type(row["distance"]) is int for row in rows)
    assert all(-6.75 <= row["temperature"] <= -2.25 for row in rows)
    assert {row["carrier"] for row in rows} == {"UA"}
    assert {row["international"] for row in rows} == {True, False}
    assert {datetime.fromisoformat(row["departure"]).month for row in rows} <= {1, 2}
    assert len({json.dumps(row) for row in rows}) == 200


def test_drawn_values_are_among_those_that_the_column_takes() -> None:
    narrow = Column("seats", "integer", example=120, least=-128, most=127)
    rows = draw([narrow, Column("class", "string", example="a", choices=("a", "b"))], 100, seed=1)
    assert max(sample.row["seats"] for sample in rows) == 127
    assert {sample.row["class"] for sample in rows} == {"a", "b"}


def test_the_same_seed_draws_the_same_rows() -> None:
    assert draw(COLUMNS, 5, seed=3) == draw(COLUMNS, 5, seed=3) != draw(COLUMNS, 5, seed=4)


def test_rows_can_be_drawn_without_examples() -> None:
    bare = tuple(Column(c.name, c.kind) for c in COLUMNS)
    assert all(value is not None for value in draw(bare, 1, seed=0)[0].row.values())


def csv_file(folder: Path, *lines: str) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


HEAD = "late,distance,temperature,carrier,international,departure,tailnum"


def test_csv_is_read_by_the_types_of_the_columns(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEAD, "1,1400,,None,TRUE,2013-01-31,N1", "0,200.0,1e2,007,no,2013-02-01,N2")
    assert read_rows(path, COLUMNS, "late") == [
        Sample(dict(zip(ROW, (1400, None, "None", True, "2013-01-31"), strict=True)), 1),
        Sample(dict(zip(ROW, (200, 100.0, "007", False, "2013-02-01"), strict=True)), 0),
    ]


def test_json_lines_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    records = [{**ROW, "late": True}, {**ROW, "temperature": None, "late": False}]
    lines, parquet = tmp_path / "rows.jsonl", tmp_path / "rows.parquet"
    lines.write_text("\n".join(json.dumps(record) for record in records) + "\n\n")
    pd.DataFrame(records).to_parquet(parquet)
    expected = [Sample(ROW, True), Sample({**ROW, "temperature": None}, False)]
    assert read_rows(lines, COLUMNS, "late") == read_rows(parquet, COLUMNS, "late") == expected


def test_rows_may_lack_a_label(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "distance,late", "1,", "2,True", "3,0.5", "4,late", "5")
    assert [sample.label for sample in read_rows(path, COLUMNS[:1], "late")] == [None, True, 0.5, "late", None]


def test_only_so_many_rows_are_read(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "distance", *map(str, range(MOST_ROWS + 5)))
    assert len(read_rows(path, COLUMNS[:1], None)) == MOST_ROWS


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("rows.xlsx", "", "none of .csv, .jsonl, .ndjson, .parquet"),
        ("rows.csv", "", "holds no rows"),
        ("rows.csv", "distance\n", "holds no rows"),
        ("rows.csv", "dist\n1\n", "rows.csv, row 1 has no column distance; its columns are: dist"),
        ("rows.csv", "distance\n1\nfar\n", "rows.csv, row 2: column 'distance' takes integer values, got 'far'"),
        ("rows.csv", "distance\n1.5\n", "got '1.5'"),
        ("rows.csv", "distance\nNA\n", "column 'distance' is empty"),
        ("rows.csv", "distance\ninf\n", "got 'inf'"),
        ("rows.jsonl", '{"distance": 1}\n{"distance": ', "rows.jsonl, line 2 is not valid JSON"),
        ("rows.jsonl", "[1]\n", "line 1 is not a JSON object"),
        ("rows.jsonl", '{"distance": [1]}\n', "got '[1]'"),
        ("rows.parquet", "no parquet", "is not a Parquet file"),
    ],
)
def test_files_that_cannot_be_used_are_refused_with_the_place(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(RowsUnusable) as raised:
        read_rows(path, COLUMNS[:1], None)
    assert words in str(raised.value)


def test_every_protocol_is_sent_the_same_rows() -> None:
    assert json.loads(bodies.predict_body([ROW])) == {"rows": [ROW]}
    assert json.loads(bodies.invocations_body(MODEL, [ROW])) == {
        "dataframe_split": {"columns": list(ROW), "data": [list(ROW.values())]}
    }
    assert json.loads(bodies.v2_body(MODEL, [ROW, ROW]))["inputs"][0] == {
        "name": "distance",
        "datatype": "INT64",
        "shape": [2],
        "data": [1400, 1400],
    }


def test_unnamed_columns_are_one_tensor() -> None:
    columns = tuple(Column(f"x{n}", "number") for n in range(3))
    model = ServedModel("iris", columns, (Tensor("input", "FP64", (-1, 3)),))
    assert json.loads(bodies.v2_body(model, [{"x0": 0.0, "x1": 1.0, "x2": 2.0}] * 2)) == {
        "inputs": [{"name": "input", "datatype": "FP64", "shape": [2, 3], "data": [0.0, 1.0, 2.0] * 2}]
    }


def test_a_pool_uses_every_row_once_and_repeats_with_its_seed() -> None:
    samples = [Sample({"distance": n}, n) for n in range(10)]
    calls = bodies.pool("predict", MODEL, samples, batch=2, seed=0)
    assert sorted(label for call in calls for label in call.labels) == list(range(10))
    assert calls == bodies.pool("predict", MODEL, samples, batch=2, seed=0)
    assert bodies.pool("predict", MODEL, samples, batch=25, seed=0)[0].rows == 25


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (200, {"predictions": [1]}, ""),
        (500, None, "500"),
        (400, {"error": "Row 0 is wrong. Send another"}, "400: Row 0 is wrong"),
        (503, {"error_code": "X", "message": "Not ready. Wait"}, "503: Not ready"),
    ],
)
def test_a_refusal_is_counted_by_its_first_sentence(status: int, content: Any, said: str) -> None:
    assert answers.refused(status, content) == said


@pytest.mark.parametrize(
    ("protocol", "content", "said"),
    [
        ("predict", {"predictions": [1, 2], "ids": ["a", "b"]}, ""),
        ("invocations", {"predictions": [1, 2]}, ""),
        ("v2", {"outputs": [{"shape": [2, 1]}]}, ""),
        ("predict", {"predictions": [1, 2], "ids": ["a"]}, "2 rows were answered with 1 ids"),
        ("predict", {"predictions": [1], "ids": ["a"]}, "2 rows were asked for, 1 were answered"),
        ("v2", {"outputs": []}, "the answer holds no predictions, or no ids"),
        ("invocations", None, "the answer holds no predictions, or no ids"),
    ],
)
def test_an_answer_must_speak_of_every_row(protocol: str, content: Any, said: str) -> None:
    assert answers.wrong_rows(protocol, content, 2) == said


def test_a_label_that_was_not_taken_is_a_failure() -> None:
    taken = {"id": "a", "status": "accepted"}
    assert answers.wrong_feedback({"results": [taken, {**taken, "status": "repeated"}]}, 2) == ""
    assert (
        answers.wrong_feedback({"results": [taken, {**taken, "status": "unknown"}]}, 2)
        == "labels were answered: unknown"
    )
    assert answers.wrong_feedback({"results": [taken]}, 2) == "2 labels were sent, 1 were answered"
    assert answers.wrong_feedback(None, 2) == "the answer holds no results"
