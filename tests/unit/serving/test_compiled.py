"""A compiled form answers as the model does, in its types and shapes, and is not used where it would not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from tenfold.serving import compiled_rows
from tenfold.serving.compiled import FILE, TOLERANCE, Compiled
from tenfold.serving.errors import NotCompiled, ValueRefused
from tenfold.serving.model import Model, load
from tenfold.serving.signature import Column, Signature
from tenfold.serving.validation import Batch, from_rows
from tenfold.training.compiled import compile_beside
from tenfold.training.errors import NotCompilable
from tenfold.training.mlmodel import save
from unit.serving.stage import Folders, departure_model, departures, flower_model, flowers, settings, trip_model, trips

X, y = flowers()
WORDS = y.map({0: "setosa", 1: "versicolor", 2: "virginica"})
TRIPS, LATE = trips()


def rows(table: pd.DataFrame, model: Model) -> Batch:
    return from_rows(model.signature, table.astype("object").where(table.notna(), None).to_dict("records"), 1000)


def loaded(folder: Path, **given: Any) -> Model:
    model = load(folder, name="m", version="1", settings=settings(**given))
    model.warm_up()
    return model


def both(estimator: Any, folder: Path, table: pd.DataFrame) -> tuple[Model, Model]:
    """The model without and with its compiled form, compared on the whole table when it was made."""
    saved = save(estimator, folder, name="m", example=table.head(8))
    compile_beside(saved, folder, [rows(table, saved)])
    quick = loaded(folder, accelerate="onnx")
    assert quick.compiled is not None
    return loaded(folder), quick


def trip_forest() -> Any:
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["carrier"]), remainder="passthrough")
    return make_pipeline(columns, HistGradientBoostingClassifier(max_iter=10)).fit(TRIPS, LATE)


@pytest.mark.parametrize(
    "estimator",
    [
        flower_model(),
        make_pipeline(StandardScaler(), LogisticRegression()).fit(X, WORDS),
        LogisticRegression(max_iter=1000).fit(X, y == 1),
        LogisticRegression(max_iter=1000).fit(X, y.astype(float)),
        LinearSVC().fit(X, WORDS),
        RandomForestClassifier(100, random_state=0).fit(X, WORDS),
        RandomForestClassifier(10, random_state=0).fit(X.to_numpy(), WORDS),
        RandomForestRegressor(10, random_state=0).fit(X, y),
        HistGradientBoostingClassifier(max_iter=10).fit(X, y),
        HistGradientBoostingRegressor(max_iter=10).fit(X, y),
        LinearRegression().fit(X, pd.DataFrame({"a": y, "b": 2 * y})),
    ],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_answers_types_and_shapes_are_the_models_own(estimator: Any, tmp_path: Path) -> None:
    slow, quick = both(estimator, tmp_path / "m", X)
    assert (slow.outputs, slow.output_specs) == (quick.outputs, quick.output_specs)
    for size in (1, 2, len(X)):
        batch = rows(X.sample(size, random_state=1), slow)
        expected, answers = slow.answer(batch, slow.outputs), quick.answer(batch, slow.outputs)
        assert answers.keys() == expected.keys()
        for name, answer in answers.items():
            assert (answer.dtype, answer.shape) == (expected[name].dtype, expected[name].shape)
            if answer.dtype.kind == "f":
                assert np.abs(answer - expected[name]).max() <= TOLERANCE * np.abs(expected[name]).max()
            else:
                assert answer.tolist() == expected[name].tolist()


def test_texts_and_gaps_of_a_column_transformer(tmp_path: Path) -> None:
    slow, quick = both(trip_forest(), tmp_path / "m", TRIPS)
    unknown = pd.DataFrame({"carrier": ["ZZ", "AA"], "distance": [200, 390], "delay": [None, 3.5]})
    for table in (TRIPS, unknown):
        batch = rows(table, slow)
        expected, answers = slow.answer(batch, slow.outputs), quick.answer(batch, slow.outputs)
        assert answers["predict"].tolist() == expected["predict"].tolist()
        assert np.allclose(answers["predict_proba"], expected["predict_proba"], atol=TOLERANCE)


def test_it_answers_instead_of_the_model_and_leaves_it_what_it_does_not_have(folders: Folders) -> None:
    quick = loaded(folders.quick, accelerate="onnx")
    assert quick.compiled is not None
    assert quick.compiled.outputs == ("predict", "predict_proba")
    asked: list[str] = []

    class Asked:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return getattr(model, name)

    model, quick.estimator, quick.direct = quick.estimator, Asked(), None
    answers = quick.answer(rows(X, quick), ("predict_proba", "predict"))
    assert asked == []
    assert answers["predict_proba"].dtype == np.float64
    scores = quick.answer(rows(X, quick), ("predict", "decision_function"))["decision_function"]
    assert asked == ["decision_function"]
    assert np.array_equal(scores, model.decision_function(X.to_numpy()))


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_number_too_large_for_32_bits_is_the_models_business(folders: Folders, tmp_path: Path) -> None:
    large = X.head(2).assign(petal_width=[1e300, 0.2])
    slow, quick = loaded(folders.quick), loaded(folders.quick, accelerate="onnx")
    batch = rows(large, slow)
    assert np.array_equal(
        quick.answer(batch, quick.outputs)["predict_proba"], slow.answer(batch, slow.outputs)["predict_proba"]
    )
    _, forest = both(RandomForestClassifier(5, random_state=0).fit(X, y), tmp_path / "m", X)
    with pytest.raises(ValueRefused, match="too large for dtype"):
        forest.answer(rows(large, forest))


@pytest.mark.parametrize(
    ("estimator", "table", "reason"),
    [
        (trip_model(), TRIPS, "its OneHotEncoder refuses unknown categories.* handle_unknown='ignore'"),
        (departure_model(), departures()[0], "its column 'day' holds times"),
    ],
    ids=["strict encoder", "times"],
)
def test_what_has_no_compiled_form_is_refused_with_the_reason(
    estimator: Any, table: pd.DataFrame, reason: str, tmp_path: Path
) -> None:
    saved = save(estimator, tmp_path / "m", name="m", example=table.head(8))
    with pytest.raises(NotCompilable, match=f"The model 'm' cannot be accelerated: {reason}"):
        compile_beside(saved, tmp_path / "m")
    assert not (tmp_path / "m" / FILE).exists()


def test_a_form_that_differs_on_rows_besides_the_example_is_refused(tmp_path: Path) -> None:
    """Thresholds between numbers that are the same number in 32 bits."""
    seconds = pd.DataFrame({"seconds": [*(10_000_000 + n / 8 for n in range(40)), 0, 1]}, dtype="float64")
    fine = (seconds["seconds"] * 8 % 2).to_numpy()
    model = HistGradientBoostingRegressor(max_iter=50, min_samples_leaf=1).fit(seconds, fine)
    saved = save(model, tmp_path / "m", name="m", example=seconds.tail(2))
    compile_beside(saved, tmp_path / "m")
    with pytest.raises(NotCompilable, match=r"its compiled form differs: predict by up to .* Register it without"):
        compile_beside(saved, tmp_path / "m", [rows(seconds, saved)])
    assert not (tmp_path / "m" / FILE).exists()


def test_a_label_differs_only_where_the_model_is_sure(folders: Folders) -> None:
    form = Compiled(folders.quick, threads=1)
    model = loaded(folders.quick)
    batch = rows(X.iloc[[0, 60]], model)
    expected = model.answer(batch, ("predict", "predict_proba"))
    form.check(batch, expected, model.classes)
    wrong = {**expected, "predict": np.array([2, 1])}
    with pytest.raises(NotCompiled, match="predict in 1 of 2 rows, such as 0"):
        form.check(batch, wrong, model.classes)
    # Where two classes are as likely as each other, either is right.
    tie = np.array([[0.5, 0.0, 0.5], [0.1, 0.8, 0.1]])
    with pytest.raises(NotCompiled, match="predict_proba by up to"):
        form.check(batch, {**wrong, "predict_proba": tie}, model.classes)


def test_a_version_without_one_says_so_and_serves(folders: Folders, tmp_path: Path) -> None:
    model = loaded(folders.iris, accelerate="onnx")
    assert model.compiled is None
    assert model.not_compiled == "it was registered without model.onnx. Register it again with accelerate='onnx'"
    assert model.answer(rows(X, model))["predict"].tolist() == flower_model().predict(X).tolist()
    shutil.copytree(folders.iris, tmp_path / "m")
    (tmp_path / "m" / FILE).write_bytes(b"no graph")
    assert loaded(tmp_path / "m", accelerate="onnx").not_compiled.startswith("model.onnx cannot be run")
    # Another model's: it is compared before it answers.
    other = save(LogisticRegression(C=0.01).fit(X, y), tmp_path / "other", name="m", example=X.head(3))
    compile_beside(other, tmp_path / "other")
    shutil.copy(tmp_path / "other" / FILE, tmp_path / "m" / FILE)
    assert "its compiled form differs: predict_proba" in loaded(tmp_path / "m", accelerate="onnx").not_compiled


def test_it_is_not_opened_unless_the_server_is_told_to(folders: Folders) -> None:
    model = loaded(folders.quick)
    assert (model.compiled, model.not_compiled, model.platform) == (None, "", "sklearn")


def graph(folder: Path, *, location: str = "", domain: str = "") -> None:
    """Write a graph that adds up four numbers, with weights in another file, or by an operator of a library."""
    weights = numpy_helper.from_array(np.ones((4, 1), np.float32), "w")
    if location:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=location)
    made = helper.make_graph(
        [helper.make_node("Add" if domain else "MatMul", ["input", "w"], ["y"], domain=domain)],
        "g",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [weights],
    )
    opsets = [helper.make_opsetid("", 18), *([helper.make_opsetid(domain, 1)] if domain else [])]
    folder.mkdir(exist_ok=True)
    onnx.save_model(helper.make_model(made, opset_imports=opsets, ir_version=10), str(folder / FILE))


def test_nothing_outside_of_the_folder_is_read_and_no_library_loaded(tmp_path: Path) -> None:
    folder, secret = tmp_path / "m", tmp_path / "secret"
    secret.write_bytes(np.ones((4, 1), np.float32).tobytes())
    graph(folder)
    Compiled(folder, threads=1)
    (folder / "link").symlink_to(secret)
    for location in ("../secret", str(secret), "link"):
        graph(folder, location=location)
        with pytest.raises(NotCompiled, match="External data path"):
            Compiled(folder, threads=1)
    graph(folder, domain="of.a.library")
    with pytest.raises(NotCompiled, match="is not a registered function/op"):
        Compiled(folder, threads=1)
    (folder / FILE).unlink()
    graph(tmp_path / "other")
    (folder / FILE).symlink_to(tmp_path / "other" / FILE)
    with pytest.raises(NotCompiled, match="leads outside of the model's folder"):
        Compiled(folder, threads=1)


NUMBERS = pd.DataFrame({"id": [1, 5, 9, 2**24, 2**24 + 1, 2**24 + 2, 2**53, 2**53 + 1], "size": [1.5] * 8})


def test_whole_numbers_that_32_bits_round_are_the_models_business(tmp_path: Path) -> None:
    """2**24 + 1 would be answered as 2**24 is."""
    odd = NUMBERS["id"] % 2
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["id"]), remainder="passthrough"),
        LogisticRegression(),
    ).fit(NUMBERS, odd)
    save(model, tmp_path / "m", name="m", example=NUMBERS.head(3))
    try:
        compile_beside(loaded(tmp_path / "m"), tmp_path / "m")
    except NotCompilable:
        model = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=1).fit(NUMBERS, odd)
        save(model, tmp_path / "m", name="m", example=NUMBERS.head(3))
        compile_beside(loaded(tmp_path / "m"), tmp_path / "m")
    quick = loaded(tmp_path / "m", accelerate="onnx")
    assert quick.compiled is not None, quick.not_compiled
    for number in NUMBERS["id"]:
        batch = from_rows(quick.signature, [{"id": number, "size": 1.5}], 1)
        assert bool(quick.compiled.answer(batch, ("predict",))) == (number < 2**24)
        assert quick.answer(batch)["predict"].tolist() == quick.original(batch, ("predict",))["predict"].tolist()


def test_a_form_that_agrees_on_the_example_alone_is_not_used(tmp_path: Path) -> None:
    """It is that of another tree, which differs where the example has no rows."""
    table = pd.DataFrame({"a": [1, 2, 3, 4, 5_000_000, 16_000_000], "b": [0.5] * 6})
    for name, labels in (("one", [0, 1, 0, 1, 0, 0]), ("other", [0, 1, 0, 1, 1, 1])):
        tree = RandomForestClassifier(1, bootstrap=False, max_features=None, random_state=0).fit(table, labels)
        compile_beside(save(tree, tmp_path / name, name="m", example=table.head(4)), tmp_path / name)
    assert loaded(tmp_path / "one", accelerate="onnx").compiled is not None
    shutil.copy(tmp_path / "other" / FILE, tmp_path / "one" / FILE)
    assert "its compiled form differs: predict" in loaded(tmp_path / "one", accelerate="onnx").not_compiled


def test_a_form_that_answers_what_the_model_refuses_is_not_used(folders: Folders) -> None:
    quick = loaded(folders.quick, accelerate="onnx")
    assert quick.compiled is not None

    def refuse(*_: object) -> Any:
        raise ValueRefused("predict", ValueError("Input X contains NaN."))

    with pytest.raises(NotCompiled, match=r"its compiled form answers what the model refuses .*contains NaN"):
        quick.compiled.compare([quick.example_batch], refuse, quick.classes)


def test_rows_of_every_type_are_compared() -> None:
    columns = tuple(
        Column(kind, kind, required=kind != "double")
        for kind in ("boolean", "integer", "long", "float", "double", "string")
    )
    example = {"boolean": True, "integer": 1, "long": 1, "float": 0.5, "double": 0.5, "string": "UA"}
    seen: dict[str, set[Any]] = {name: set() for name in example}
    for batch in compiled_rows.batches(Signature(columns), [example]):
        for row in batch.records():
            for name, value in row.items():
                seen[name].add(value)
    assert {2**24 + 1, 2**31 - 1, -(2**31)} <= seen["integer"]
    assert (min(seen["integer"]), max(seen["integer"])) == (-(2**31), 2**31 - 1)
    assert {2**53 + 1, 2**63 - 1, -(2**63)} <= seen["long"]
    assert {None, 1e300, 0.5 * (1 + 1e-9)} <= seen["double"]
    assert None not in seen["float"]
    assert {"", "UA"} < seen["string"]
    assert seen["boolean"] == {True, False}
