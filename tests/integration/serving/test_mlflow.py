"""MLflow's scoring protocol: its four JSON forms, CSV, its health checks, its errors without a stack trace."""

from __future__ import annotations

from typing import Any

import pytest
from tenfold import __version__
from unit.serving.stage import FLOWER, Folders, InProcess, flower_model, flowers, in_process, trip_model, trips

X, _ = flowers()
TABLE = X.iloc[::40]
EXPECTED = flower_model().predict(TABLE).tolist()
TRIPS = trips()[0].head(10)
SPLIT = {"dataframe_split": TABLE.to_dict("split")}
CSV = {"Content-Type": "text/csv"}


@pytest.mark.parametrize(
    "body",
    [
        SPLIT,
        {"dataframe_split": {"data": TABLE.to_numpy().tolist()}},
        {"dataframe_split": TABLE[FLOWER[::-1]].to_dict("split")},
        {"dataframe_records": TABLE.to_dict("records")},
        {"instances": TABLE.to_dict("records")},
        {"instances": TABLE.to_numpy().tolist()},
        {"inputs": TABLE.to_dict("list")},
        {"inputs": TABLE.to_numpy().tolist()},
        {"inputs": TABLE.to_dict("records")},
        {**SPLIT, "params": {"a": 1}},
        {**SPLIT, "other": 1},
    ],
)
async def test_every_form_of_json(iris: InProcess, body: Any) -> None:
    answer = await iris.post("/invocations", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"] == EXPECTED
    assert len(answer.json()["ids"]) == 4


async def test_csv(iris: InProcess) -> None:
    for kind in ("text/csv", "text/csv; charset=utf-8", 'Text/CSV;header=present; Charset="UTF-8"'):
        text = TABLE[FLOWER[::-1]].to_csv(index=False)
        answer = await iris.http.post("/invocations", content=text, headers={"Content-Type": kind})
        assert answer.json()["predictions"] == EXPECTED
    windows = "\ufeff" + TABLE.to_csv(index=False, lineterminator="\r\n")
    answer = await iris.http.post("/invocations", content=windows.encode(), headers=CSV)
    assert answer.json()["predictions"] == EXPECTED


async def test_csv_with_texts_and_gaps(trips: InProcess) -> None:
    answer = await trips.http.post("/invocations", content=TRIPS.to_csv(index=False), headers=CSV)
    assert answer.json()["predictions"] == trip_model().predict(TRIPS).tolist()


@pytest.mark.parametrize("form", ["dataframe_split", "dataframe_records", "inputs"])
async def test_texts_and_gaps(trips: InProcess, form: str) -> None:
    shapes = {"dataframe_split": "split", "dataframe_records": "records", "inputs": "list"}
    content = TRIPS.astype("object").where(TRIPS.notna(), None).to_dict(shapes[form])
    answer = await trips.post("/invocations", {form: content})
    assert answer.json()["predictions"] == trip_model().predict(TRIPS).tolist()


async def test_an_integer_column_that_arrives_as_floats_is_taken(trips: InProcess) -> None:
    row = {"carrier": "UA", "distance": 200.0, "delay": 1}
    assert (await trips.post("/invocations", {"dataframe_records": [row]})).json()["predictions"] == ["in time"]
    refused = await trips.post("/invocations", {"dataframe_records": [{**row, "distance": None}]})
    assert refused.status_code == 400
    assert "Column 'distance' has no value in row 0" in refused.json()["message"]


async def test_a_table_without_names(matrix: InProcess) -> None:
    numbered = {"columns": [0, 1, 2, 3], "index": [0, 1, 2, 3], "data": TABLE.to_numpy().tolist()}
    answer = await matrix.post("/invocations", {"dataframe_split": numbered})
    assert answer.json()["predictions"] == [0, 0, 1, 2]
    text = TABLE.to_csv(index=False)
    assert (await matrix.http.post("/invocations", content=text, headers=CSV)).json()["predictions"] == [0, 0, 1, 2]


async def test_bare_values_for_a_model_of_one_column(folders: Folders) -> None:
    async with in_process(folders.line) as server:
        for body in ({"instances": [1.0, 2.0]}, {"inputs": [1.0, 2.0]}, {"inputs": [[1.0], [2.0]]}):
            assert (await server.post("/invocations", body)).json()["predictions"] == pytest.approx([3, 5])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "The request has no rows. Send exactly one of dataframe_split"),
        ({**SPLIT, "instances": []}, "both dataframe_split and instances"),
        ({"dataframe_split": []}, '"dataframe_split" is not an object with a list "data"'),
        ({"dataframe_split": {"columns": FLOWER}}, '"dataframe_split" is not an object with a list "data"'),
        ({"dataframe_split": {"column": FLOWER, "data": [[1]]}}, "\"dataframe_split\" has an unknown key 'column'"),
        ({"dataframe_split": {"index": [], "data": [[1]]}}, 'has 0 values in "index", but 1 in "data"'),
        ({"dataframe_split": {"columns": 7, "data": [[1]]}}, 'The "columns" of "dataframe_split" are 7, not a list of'),
        ({"dataframe_split": {"columns": [1], "data": [[1]]}}, "not a list of names"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1]]}}, "Column 'a' is unknown"),
        (
            {"dataframe_split": {"columns": FLOWER, "data": [[1]]}},
            "Row 0 (counted from 0) has 1 values; the request names",
        ),
        ({"dataframe_split": {"columns": FLOWER, "data": []}}, "no rows"),
        ({"dataframe_split": {"columns": [], "data": []}}, "are missing. The model requires"),
        ({"dataframe_records": {}}, "Rows come as a list of objects"),
        ({"dataframe_records": []}, "no rows"),
        ({"instances": []}, "no rows"),
        ({"instances": 7}, "Rows come as a list of lists"),
        ({"inputs": {}}, "are missing"),
        ({"inputs": {**dict.fromkeys(FLOWER, 7), FLOWER[3]: [7]}}, "Column 'sepal_length' is 7 (integer), not a list"),
        ({"inputs": {name: [[7]] for name in FLOWER}}, "row 0 (counted from 0) has [7] (array)"),
        ({"inputs": None}, "not as null"),
    ],
)
async def test_what_cannot_be_understood_is_said(iris: InProcess, body: Any, words: str) -> None:
    answer = await iris.post("/invocations", body)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error_code", "message"}
    assert answer.json()["error_code"] == "BAD_REQUEST"
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\n\n", "The CSV is empty"),
        (b"", "The CSV is empty"),
        (b"sepal_length,sepal_width,petal_length,petal_width\n", "no rows"),
        (b"sepal_length,other\n1,2\n", "Column 'other' is unknown"),
        (b"sepal_length,sepal_length\n1,2\n", "Column 'sepal_length' is named twice"),
        (b"sepal_length,sepal_width,petal_length,petal_width\n1,2,3\n", "has 3 values; the request names 4"),
        (b"sepal_length,sepal_width,petal_length,petal_width\n1,2,3,4,5\n", "has 5 values; the request names 4"),
        (b"sepal_length,sepal_width,petal_length,petal_width\n1,2,x,4\n", "expects a number, but row 0 (counted from"),
        (b"sepal_length,sepal_width,petal_length,petal_width\n1,2,,4\n", "'petal_length' has no value in row 0"),
        (b"sepal_length,sepal_width,petal_length,petal_width\n1,2,nan,4\n", "'petal_length' has no value in row 0"),
        (b"sepal_length,sepal_width,petal_length,petal_width\n1,2,inf,4\n", 'has "inf" (string)'),
        (b'sepal_length,"sepal', "The CSV is broken"),
        (b"\xff\xfe", "is not in UTF-8: byte 0 is 0xff"),
        (b"9" * 19_000 + b"\n1", "is unknown to the model"),
    ],
)
async def test_a_csv_that_cannot_be_understood_is_said(iris: InProcess, text: bytes, words: str) -> None:
    answer = await iris.http.post("/invocations", content=text, headers=CSV)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


async def test_a_number_of_very_many_digits_is_no_failure(trips: InProcess) -> None:
    text = b"carrier,distance,delay\nUA," + b"9" * 5000 + b",1"
    answer = await trips.http.post("/invocations", content=text, headers=CSV)
    assert answer.status_code == 400
    assert "Column 'distance' expects an integer of 64 bits" in answer.json()["message"]


async def test_health_means_ready_and_the_version_is_the_servers(iris: InProcess, loading: InProcess) -> None:
    for path in ("/ping", "/health"):
        assert (await iris.http.get(path)).status_code == 200
        answer = await loading.http.get(path)
        assert answer.status_code == 503
        assert answer.json() == {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "the model is being loaded"}
        assert answer.headers["retry-after"] == "1"
    assert (await iris.http.get("/version")).text == __version__


@pytest.mark.parametrize(
    "text", ["1_000", "١٢", "\uff11", "0x10", "inf", "Infinity", "1e400", "1 2", "+-1", "True", "1j"]
)
async def test_a_csv_takes_the_numbers_that_json_and_pandas_write_and_no_others(iris: InProcess, text: str) -> None:
    content = f"{','.join(FLOWER)}\n1,2,3,{text}\n"
    answer = await iris.http.post("/invocations", content=content.encode(), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 400
    assert f"Column '{FLOWER[3]}' expects a number" in answer.json()["message"]


async def test_a_csv_takes_numbers_as_they_are_written(iris: InProcess) -> None:
    for text in ("+1", " 1 ", "1.", ".5", "1e-3", "-0", "1E5", "9" * 30):
        content = f"{','.join(FLOWER)}\n1,2,3,{text}\n"
        answer = await iris.http.post("/invocations", content=content.encode(), headers={"Content-Type": "text/csv"})
        assert answer.status_code == 200, (text, answer.text)
