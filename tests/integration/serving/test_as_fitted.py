"""What is served is what was fitted: tables as people have them, asked by every protocol over HTTP."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from support.fitted_models import CASES, NUMBER, STEPS, Case
from tenfold.training.errors import ModelNotStorable
from tenfold.training.mlmodel import save
from tenfold.training.table import described
from unit.serving.stage import InProcess, in_process


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_served_answer_is_the_models_own_by_every_protocol(
    case: Callable[[], Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENFOLD_TRUSTED_TYPES", ",".join(STEPS))
    model, _, _, asked = case()
    save(model, tmp_path / "m", name="m", example=asked)
    expected = np.asarray(model.predict(asked)).tolist()
    _, rows = described(asked)
    async with in_process(tmp_path / "m", trusted_types=STEPS) as server:
        for name, answers in (await _answers(server, rows)).items():
            assert answers == expected, name
        whole = (await server.post("/predict", {"rows": rows, "outputs": [*server.core.model.outputs]})).json()
    for output, served in whole["outputs"].items():
        np.testing.assert_allclose(np.asarray(served), getattr(model, output)(asked), rtol=1e-9, err_msg=output)


async def _answers(server: InProcess, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """By protocol, of all rows in one request, one in each, and with the columns in another order."""
    names = [*rows[0]]
    backwards = [dict(reversed(row.items())) for row in rows]
    matrix = [[row[name] for name in names] for row in rows]
    metadata = (await server.http.get("/v2/models/m")).json()
    tensors = [
        {"name": t["name"], "datatype": t["datatype"], "shape": [len(rows)], "data": [row[t["name"]] for row in rows]}
        for t in metadata["inputs"]
    ]
    csv = io.StringIO()
    pd.DataFrame(matrix, columns=names, dtype="object").to_csv(csv, index=False)
    found = {
        "predict": await _predictions(server, "/predict", {"rows": rows}),
        "predict backwards": await _predictions(server, "/predict", {"rows": backwards}),
        "one by one": [(await _predictions(server, "/predict", {"rows": [row]}))[0] for row in rows],
        "v1": await _predictions(server, "/v1/models/m:predict", {"instances": rows}),
        "split": await _predictions(server, "/invocations", {"dataframe_split": {"columns": names, "data": matrix}}),
        "records": await _predictions(server, "/invocations", {"dataframe_records": rows}),
        "v2": (await server.post("/v2/models/m/infer", {"inputs": tensors})).json()["outputs"][0]["data"],
    }
    if all(isinstance(value, str | float) for row in matrix for value in row):
        answer = await server.http.post("/invocations", content=csv.getvalue(), headers={"Content-Type": "text/csv"})
        found["csv"] = answer.json()["predictions"]
    return found


async def _predictions(server: InProcess, path: str, document: Any) -> list[Any]:
    answer = await server.http.post(path, content=orjson.dumps(document), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


@pytest.mark.parametrize("rows", [1, 5])
def test_a_model_of_texts_with_a_table_for_an_example_is_refused(rows: int, tmp_path: Path) -> None:
    X = pd.DataFrame({"comment": ["good work", "bad thing", "good"] * 10})
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(X["comment"], [1, 0, 1] * 10)
    with pytest.raises(ModelNotStorable, match=r"answers 1 for .* rows.*example=X\['comment'\]"):
        save(model, tmp_path / "m", name="m", example=X.head(rows))
    assert not (tmp_path / "m").exists()


class Shifty(LinearRegression):
    """Answers by the number of rows that are asked at once."""

    def predict(self, X: Any) -> Any:
        return super().predict(X) + X.index[0]


def test_what_depends_on_more_than_the_rows_values_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENFOLD_TRUSTED_TYPES", f"{__name__}.Shifty")
    X = pd.DataFrame({"x": NUMBER}, index=np.arange(300) + 7)
    with pytest.raises(ModelNotStorable, match=r"would not be served as it was fitted: predict of row 0 .* its index"):
        save(Shifty().fit(X, NUMBER), tmp_path / "m", name="m", example=X.head())
