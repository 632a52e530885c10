"""The same requests to MLflow's own scoring server and to ours: the same predictions, the same class of status.

Where the two differ on purpose is a table of its own, which docs/serving.md tells in words.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from integration.serving.threads import served
from tenfold.serving import trust
from tenfold.serving.errors import ModelUnloadable
from tenfold.serving.model import load
from tenfold.serving.params import Param, check, parse
from tenfold.serving.settings import Settings
from unit.serving.stage import FLOWER, Folders, InProcess, flower_model, flowers, in_process, trips

TABLE = flowers()[0].iloc[::40]
ROWS = TABLE.to_numpy().tolist()
RECORDS = TABLE.to_dict("records")
TRIPS = trips()[0].head(6)
GAPS = TRIPS.astype("object").where(TRIPS.notna(), None)
TRIP = {"carrier": "UA", "distance": 200, "delay": 1.0}
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # MLflow's own, about itself
JSON, CSV = "application/json", "text/csv"


@dataclass(frozen=True)
class Both:
    """MLflow's server and ours, over the same model."""

    theirs: httpx.AsyncClient
    ours: InProcess

    async def post(self, kind: str, body: Any) -> tuple[httpx.Response, httpx.Response]:
        content, headers = body if isinstance(body, str | bytes) else json.dumps(body), {"Content-Type": kind}
        return (
            await self.theirs.post("/invocations", content=content, headers=headers),
            await self.ours.http.post("/invocations", content=content, headers=headers),
        )


@asynccontextmanager
async def both_of(folder: Path) -> AsyncIterator[Both]:
    import mlflow.pyfunc
    from mlflow.pyfunc import scoring_server

    before = dict(os.environ)
    logging.disable(logging.WARNING)
    theirs = httpx.ASGITransport(scoring_server.init(mlflow.pyfunc.load_model(str(folder))))
    async with httpx.AsyncClient(transport=theirs, base_url="http://mlflow.test") as http, in_process(folder) as ours:
        yield Both(http, ours)
    logging.disable(logging.NOTSET)
    os.environ.clear()
    os.environ.update(before)  # MLflow's server says in it that it is one


@pytest.fixture
async def both(request: pytest.FixtureRequest, folders: Folders) -> AsyncIterator[Both]:
    async with both_of(getattr(folders, request.param)) as both:
        yield both


FLOWERS: list[tuple[str, Any]] = [
    (JSON, {"dataframe_split": TABLE.to_dict("split")}),
    (JSON, {"dataframe_split": {"columns": FLOWER, "data": ROWS}}),
    (JSON, {"dataframe_split": TABLE[FLOWER[::-1]].to_dict("split")}),
    (JSON, {"dataframe_split": TABLE.to_dict("tight")}),
    (JSON, {"dataframe_split": {"columns": FLOWER, "index": [0], "data": ROWS}}),
    (JSON, {"dataframe_split": {"columns": FLOWER, "data": []}}),
    (JSON, {"dataframe_split": {"columns": FLOWER}}),
    (JSON, {"dataframe_records": RECORDS}),
    (JSON, {"dataframe_records": []}),
    (JSON, {"dataframe_records": [dict.fromkeys(FLOWER, 1)]}),
    (JSON, {"dataframe_records": TABLE[FLOWER[:3]].to_dict("records")}),
    (JSON, {"dataframe_records": TABLE.assign(petal_width="wide").to_dict("records")}),
    (JSON, {"dataframe_records": [{**RECORDS[0], "petal_width": None}]}),
    (JSON, {"instances": RECORDS}),
    (JSON, {"instances": RECORDS[0]}),
    (JSON, {"instances": ROWS[0]}),
    (JSON, {"inputs": TABLE.to_dict("list")}),
    (JSON, {"inputs": RECORDS}),
    (JSON, {"inputs": RECORDS[0]}),
    (JSON, {"inputs": [[1, 2]]}),
    (JSON, {"inputs": [[1, 2, 3, 4], [1]]}),
    (JSON, {"inputs": {name: [[1.0], [2.0]] for name in FLOWER}}),
    (JSON, {"dataframe_records": RECORDS, "params": {"method": "predict"}}),
    (JSON, {"dataframe_records": RECORDS, "params": None}),
    (JSON, {"dataframe_records": RECORDS, "other": 1}),
    (JSON, {"dataframe_records": RECORDS, "instances": RECORDS}),
    *((JSON, body) for body in ({}, [1], "{", "", "null", b"\xff\xfe", '{"inputs": [[NaN, 1, 1, 1]]}')),
    (f"{JSON}; charset=UTF-8", {"inputs": RECORDS}),
    (f"{JSON}; charset=latin-1", {"inputs": RECORDS}),
    ("text/plain", "a"),
    (CSV, TABLE.to_csv(index=False)),
    (CSV, TABLE.to_csv()),
    (CSV, TABLE[FLOWER[::-1]].to_csv(index=False)),
    (f"{CSV};charset=utf-8", TABLE.to_csv(index=False)),
    (f"{CSV}; charset=latin-1", TABLE.to_csv(index=False)),
    (CSV, TABLE[FLOWER[:3]].to_csv(index=False)),
    (CSV, TABLE.assign(petal_width="wide").to_csv(index=False)),
    *((CSV, body) for body in ("", ",".join(FLOWER) + "\n", 'a,"b', b"\xff\xfe")),
]
MIXED: list[tuple[str, Any]] = [
    (JSON, {"dataframe_records": GAPS.to_dict("records")}),
    (JSON, {"dataframe_split": GAPS.to_dict("split")}),
    (JSON, {"inputs": GAPS.to_dict("list")}),
    (JSON, {"instances": GAPS.to_dict("records")}),
    (JSON, {"dataframe_records": [{**TRIP, "distance": 200.0}]}),
    (JSON, {"dataframe_records": [{**TRIP, "distance": None}]}),
    (JSON, {"dataframe_records": [{**TRIP, "carrier": "XX"}]}),
    (JSON, {"dataframe_records": [{**TRIP, "carrier": 1}]}),
    (JSON, {"dataframe_records": [{**TRIP, "carrier": None}]}),
    (CSV, TRIPS.to_csv(index=False)),
    (CSV, "carrier,distance,delay\nUA,200.0,1\nUA,200,\nUA,200,NA\nUA,200,null\n"),
    (CSV, "carrier,distance,delay\n1,200,1\n"),
]
ARRAYS: list[tuple[str, Any]] = [
    (JSON, {"inputs": ROWS}),
    (JSON, {"instances": ROWS}),
    (JSON, {"inputs": [[1]]}),
    (JSON, {"inputs": TABLE.to_dict("list")}),
    (JSON, {"dataframe_split": {"columns": [0, 1, 2, 3], "data": ROWS}}),
]
BARE: list[tuple[str, Any]] = [(JSON, {"inputs": [1.0, 2.0]}), (JSON, {"instances": [1.0, 2.0]})]


@pytest.mark.parametrize(
    ("both", "requests"), [("iris", FLOWERS), ("trips", MIXED), ("matrix", ARRAYS), ("line", BARE)], indirect=["both"]
)
async def test_the_same_predictions_and_the_same_class_of_status(both: Both, requests: list[tuple[str, Any]]) -> None:
    for kind, body in requests:
        theirs, ours = await both.post(kind, body)
        assert (ours.status_code // 100, kind, body) == (theirs.status_code // 100, kind, body), (
            theirs.text,
            ours.text,
        )
        if theirs.status_code == 200:
            assert ours.json()["predictions"] == pytest.approx(theirs.json()["predictions"])
        else:
            assert ours.status_code != 415 or theirs.status_code == 415


# (body, status of MLflow's server, of ours)
STRICTER = [
    ({"dataframe_records": [{**TRIP, "tail": 1}]}, 200, 400),  # a column that nobody knows is more often a mistake
    ({"dataframe_records": [{**TRIP, "distance": 200.5}]}, 200, 400),  # it would cut off the fraction
    ({"dataframe_records": [{**TRIP, "delay": "1"}]}, 200, 400),
    ({"dataframe_records": [{**TRIP, "delay": True}]}, 200, 400),
    ({"dataframe_records": [{"carrier": "UA", "distance": 200}]}, 400, 200),  # the signature says that it may
    ({"inputs": [["UA", 200, 1.0]]}, 400, 200),  # in the order of the signature
    ({"dataframe_split": {"data": [["UA", 200, 1.0]]}}, 400, 200),
]


@pytest.mark.parametrize("both", ["trips"], indirect=True)
async def test_where_we_differ_on_purpose(both: Both) -> None:
    for body, theirs, ours in STRICTER:
        got = [answer.status_code for answer in await both.post(JSON, body)]
        assert (got, body) == ([theirs, ours], body)


def saved_for_mlflow(folder: Path, **how: Any) -> Path:
    """A model as MLflow saves it, with a signature."""
    import mlflow.sklearn
    from mlflow.models import infer_signature

    model, params = flower_model(), how.pop("params", None)
    signature = infer_signature(TABLE, model.predict(TABLE), params)
    types = trust.types_to_trust(model, source="m")
    mlflow.sklearn.save_model(
        model,
        str(folder),
        signature=signature,
        serialization_format="skops",
        skops_trusted_types=types,
        pip_requirements=["scikit-learn"],
        **how,
    )
    return folder


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
async def test_the_method_that_a_model_was_saved_with(method: str, tmp_path: Path) -> None:
    async with both_of(saved_for_mlflow(tmp_path / "m", pyfunc_predict_fn=method)) as both:
        for kind, body in ((JSON, {"dataframe_records": RECORDS}), (CSV, TABLE.to_csv(index=False))):
            theirs, ours = await both.post(kind, body)
            assert (theirs.status_code, ours.status_code) == (200, 200), (theirs.text, ours.text)
            assert np.shape(ours.json()["predictions"]) == np.shape(theirs.json()["predictions"])
            assert np.array(ours.json()["predictions"]) == pytest.approx(np.array(theirs.json()["predictions"]))
        answer = await both.ours.http.post("/predict", json={"rows": RECORDS})
        assert answer.json()["predictions"] == flower_model().predict(TABLE).tolist()


def test_a_model_that_was_saved_to_be_scored_by_what_takes_labels_is_refused(tmp_path: Path) -> None:
    folder = saved_for_mlflow(tmp_path / "m", pyfunc_predict_fn="score")
    model = load(folder, name="m", version="1", settings=Settings(model=str(folder)))
    with pytest.raises(
        ModelUnloadable, match=r"pyfunc_predict_fn='score', .* Save it with one of predict, predict_proba"
    ):
        model.warm_up()


PARAMS = {"threshold": 0.5, "top": 3, "name": "a", "fast": True, "weights": [0.5, 1.5]}
# (params, status of both, what ours says)
GIVEN: list[tuple[Any, int, str]] = [
    (None, 200, ""),
    ({}, 200, ""),
    ({"threshold": 0.25}, 200, "The param 'threshold' is ignored: scikit-learn's predictions take no params"),
    ({"threshold": 1}, 200, "is ignored"),
    ({"weights": [1.0, 2.0]}, 200, "is ignored"),
    (
        {"other": 1},
        200,
        "Ignored: the params 'other', since the model's signature names 'threshold', 'top', 'name', 'fast', 'weights'",
    ),
    ({"threshold": "high"}, 400, "The param 'threshold' is \"high\" (string), which is not of its type, double"),
    ({"top": 1.5}, 400, "'top' is 1.5"),
    ({"top": True}, 400, "'top'"),
    ({"name": 1}, 400, "'name'"),
    ({"fast": "yes"}, 400, "'fast'"),
    ({"weights": 1.0}, 400, "a list of double"),
    ([1], 400, "not an object"),
]


async def test_params_are_held_against_the_signature(tmp_path: Path) -> None:
    async with both_of(saved_for_mlflow(tmp_path / "m", params=PARAMS)) as both:
        for params, status, said in GIVEN:
            theirs, ours = await both.post(JSON, {"dataframe_records": RECORDS, "params": params})
            assert (theirs.status_code, ours.status_code, params) == (status, status, params), (theirs.text, ours.text)
            told = ours.json().get("warnings", []) if status == 200 else [ours.json()["message"]]
            assert len(told) == bool(said), params
            assert said in "".join(told)


@pytest.mark.parametrize("both", ["iris"], indirect=True)
async def test_params_of_a_model_that_takes_none_are_not_swallowed(both: Both) -> None:
    theirs, ours = await both.post(JSON, {"dataframe_records": RECORDS, "params": {"method": "predict"}})
    assert theirs.json() == {"predictions": ours.json()["predictions"]}
    assert ours.json()["warnings"] == [
        (
            "The params 'method' are ignored: the model's signature names no params. "
            "Send none, or register the model with a signature that names them"
        )
    ]


def test_mlflows_own_client(folders: Folders) -> None:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    with served(folders.iris) as port:
        client = ScoringServerClient("127.0.0.1", port)
        client.wait_server_ready(timeout=10)
        assert client.get_version()
        for data in (TABLE, TABLE.to_numpy()):
            answer = client.invoke(data, params={"unused": 1})
            assert answer.get_predictions()[0].tolist() == flower_model().predict(TABLE).tolist()
        with pytest.raises(Exception, match="error code 400"):
            client.invoke(np.zeros((1, 3)))


def test_what_is_said_of_params_does_not_grow_with_them() -> None:
    params = [Param(f"known_{n}", "double", many=False) for n in range(20)]
    (said,) = check({f"unknown_{n}": 0 for n in range(100_000)}, params, "sklearn")
    assert "'unknown_0'" in said
    assert "and 99995 more" in said
    assert len(said) < 500


@pytest.mark.parametrize("text", ["[" * 100_000, "5", '"text"', "{}", "[[]]"])
def test_params_of_a_signature_that_cannot_be_read_are_none(text: str) -> None:
    assert parse(text) == ()
