"""What a night decides on real models and data; run here, since the script adds only its own process."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from integration.training.stage import CANCER, DAY, DIABETES, IRIS, Place, cancer, diabetes, iris
from sklearn.linear_model import Ridge
from tenfold.serving.model import load
from tenfold.training.errors import FitFailed, ModelNotStorable, TrainFunctionUnusable, UnknownModel
from tenfold.training.mlmodel import settings_of
from tenfold.training.split import is_held_out

MINE = """
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

seen = []

def train(X, y, champion):
    seen.append((X, y, champion))
    return DummyClassifier().fit(X, y)

def unfitted(X, y, champion):
    return DummyClassifier()

def nothing(X, y, champion):
    return None

def foreign(X, y, champion):
    class Mine(DummyClassifier):
        pass
    return Mine().fit(X, y)

def few(X):
    return X

number = 7
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"mine_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_challenger_that_is_no_better_is_kept_out_but_registered(place: Place) -> None:
    place.put_cancer()
    first = place.night(CANCER)
    assert first.outcome == "promoted"
    again = place.night(CANCER, window_days=7)
    assert (again.outcome, again.champion, again.challenger) == ("kept", "2", "3")
    assert again.champion_metrics == again.challenger_metrics
    assert "(equal), and a promotion needs 1.00% better, on" in again.reason
    assert place.registry.champion(CANCER).version == "2"
    assert place.registry.nights(CANCER) == [again]


def test_on_other_data_the_same_night_runs_again(place: Place) -> None:
    X, y = cancer()
    place.put(CANCER, X.head(300), y.head(300).tolist())
    before = place.night(CANCER)
    assert place.night(CANCER) == before
    flipped = 1 - y.head(1).item()
    place.put(CANCER, X.head(300), [flipped, *y.head(300).tolist()[1:]])
    after = place.night(CANCER)
    assert after.fingerprint != before.fingerprint
    assert after.challenger == "3"


def test_no_night_trains_on_held_out_rows_and_all_of_them_are_scored(place: Place, mine: str) -> None:
    X, y = cancer()
    ids = place.put(CANCER, X.head(250), y.head(250).tolist(), day=DAY - timedelta(days=3))
    ids += place.put(CANCER, X.tail(319), y.tail(319).tolist())
    night = place.night(CANCER, holdout=0.3, train=f"{mine}:train")
    held_out = sum(is_held_out(id_, 0.3) for id_ in ids)
    seen, labels, champion = __import__(mine).seen[0]
    assert len(seen) == len(labels) == 569 - held_out
    assert list(seen.columns) == list(X.columns)
    assert hasattr(champion, "predict_proba")
    assert f"on {held_out} held-out rows" in night.reason
    assert night.outcome == "kept"
    trained = X[[not is_held_out(id_, 0.3) for id_ in ids]]
    assert sorted(seen.iloc[:, 0]) == sorted(trained.iloc[:, 0])


def test_only_the_window_counts_and_it_ends_with_the_date(place: Place) -> None:
    for days in (-1, 0, 1, 2, 3):
        X, y = cancer()
        place.put(CANCER, X.iloc[days + 1 :: 5], y.iloc[days + 1 :: 5].tolist(), day=DAY - timedelta(days=days))
    assert place.night(CANCER, window_days=1).rows == 114
    assert place.night(CANCER, window_days=3).rows == 342


def test_a_regressor_is_retrained_on_numbers(place: Place) -> None:
    X, y = diabetes()
    place.put(DIABETES, X, y.tolist())
    night = place.night(DIABETES)
    assert night.outcome == "promoted"
    assert list(night.challenger_metrics) == ["mean_absolute_error", "root_mean_squared_error"]


def test_a_kind_that_only_the_challenger_knows_lets_it_win(place: Place) -> None:
    X, y = iris()
    place.put(IRIS, X, y.tolist())
    night = place.night(IRIS)
    assert night.outcome == "promoted"
    assert list(night.challenger_metrics) == ["accuracy", "balanced_accuracy"]
    place.registry.fetch(IRIS, "2", place.folder / "two")
    model = load(place.folder / "two", name=IRIS, version="2", settings=settings_of(place.folder / "two"))
    assert model.classes is not None
    assert model.classes.tolist() == ["setosa", "versicolor", "virginica"]


@pytest.mark.parametrize(
    ("rows", "label", "said"),
    [
        (30, None, "only 30 labelled rows of 2026-03-08 (UTC), fewer than min_rows 50"),
        (200, 1, "have the label 1, and a classifier needs two kinds. Raise window_days (now 28)"),
        (200, "malignant", "its label 'malignant' is not a whole number, as the model learns"),
        (60, None, "are held out, and a comparison needs"),
    ],
)
def test_what_cannot_be_learned_from_is_skipped(place: Place, rows: int, label: object, said: str) -> None:
    X, y = cancer()
    place.put(CANCER, X.head(rows), y.head(rows).tolist() if label is None else [label] * rows)
    night = place.night(CANCER, holdout=0.02 if rows == 60 else 0.2)
    assert (night.outcome, night.rows, night.challenger) == ("skipped", rows, None)
    assert said in night.reason
    assert place.night(CANCER, holdout=0.02 if rows == 60 else 0.2) == night


def test_text_for_a_regressor_is_skipped(place: Place) -> None:
    X, _ = diabetes()
    place.put(DIABETES, X.head(100), ["high"] * 100)
    night = place.night(DIABETES)
    assert night.outcome == "skipped"
    assert "its label 'high' is not a number, as the model learns" in night.reason


def test_a_few_wrong_rows_are_left_out_and_counted_and_many_skip_the_night(place: Place) -> None:
    X, y = cancer()
    rows = X.to_dict("records")
    rows[3] = {**rows[3], "mean radius": "wide"}
    rows[77] = {k: v for k, v in rows[77].items() if k != "mean area"}
    place.put(CANCER, rows, [*y.tolist()[:-1], "benign"])
    night = place.night(CANCER)
    assert night.outcome == "promoted"
    assert "3 rows that do not agree with the model were left out" in night.reason
    assert place.registry.version(CANCER, "2").tags["tenfold.rows_left_out"] == "3"

    place.put(CANCER, [{**row, "surplus": 1} for row in rows[:80]], y.tolist()[:80])
    night = place.night(CANCER)
    assert night.outcome == "skipped"
    assert "Column 'surplus'" in night.reason


@pytest.mark.parametrize(
    ("function", "error", "said"),
    [
        ("unfitted", FitFailed, "gave a DummyClassifier that is not fitted"),
        ("nothing", FitFailed, "gave a NoneType, which cannot predict"),
        ("foreign", ModelNotStorable, "Mine"),
        ("few", TrainFunctionUnusable, "it does not take (X, y, champion)"),
        ("number", TrainFunctionUnusable, "it is a int, not a function"),
        ("absent", TrainFunctionUnusable, "has no absent"),
    ],
)
def test_a_train_function_that_cannot_be_used_is_named(
    place: Place, mine: str, function: str, error: type[Exception], said: str
) -> None:
    X, y = cancer()
    place.put(CANCER, X.head(200), y.head(200).tolist())
    with pytest.raises(error) as caught:
        place.night(CANCER, train=f"{mine}:{function}")
    assert said in str(caught.value)
    assert place.registry.champion(CANCER).version == "1"


def test_a_module_that_cannot_be_imported_is_named(place: Place) -> None:
    place.put_cancer()
    with pytest.raises(TrainFunctionUnusable, match=r"importing no\.such failed \(ModuleNotFoundError"):
        place.night(CANCER, train="no.such:train")


def test_a_model_that_nobody_registered_is_named(place: Place) -> None:
    with pytest.raises(UnknownModel, match="No model is named 'nobody'"):
        place.night("nobody")


def test_the_champion_that_a_person_chose_is_the_one_to_beat(place: Place) -> None:
    X, y = diabetes()
    place.registry.register(Ridge(alpha=0.1).fit(X, y), DIABETES, example=X.head(3), tags={"by": "hand"})
    place.registry.promote(DIABETES, "2")
    place.put(DIABETES, X, y.tolist())
    night = place.night(DIABETES)
    assert (night.outcome, night.champion, night.challenger) == ("kept", "2", "3")
