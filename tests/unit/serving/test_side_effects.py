"""No model opens files, sockets or processes, whatever its parameters say; and no parameter of that kind is new."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import skops.io
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mean_squared_error
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import all_estimators
from tenfold.serving import estimators, trust
from tenfold.serving.errors import ModelUnloadable
from unit.serving.stage import flowers

X, y = flowers()

KNOWN = {
    "cache_size": "of the kernel, in memory",
    "direction": "of a selection",
    "error_score": "a number",
    "fit_path": "of a regularisation",
    "importance_getter": "an attribute's name",
    "input": "refused",
    "input_type": "of the words",
    "memory": "refused",
    "n_jobs": "set to 1",
    "path_method": "of a graph",
    "preprocessor": "a function of texts, which has to be trusted",
    "store_centers": "in memory",
    "store_covariance": "in memory",
    "store_cv_results": "in memory",
    "store_precision": "in memory",
    "pre_dispatch": "of a search, which fits",
    "support_fraction": "a number",
    "transform_input": "names of metadata",
    "verbose": "set to 0",
    "verbose_feature_names_out": "names of columns",
    "verbose_interval": "while it fits",
}
"""Parameters of scikit-learn whose names could mean the world outside, and what they are."""

WORDS = (
    *("backend", "cache", "dir", "dispatch", "file", "host", "input", "job", "memory", "path", "port", "process"),
    *("socket", "store", "thread", "url", "verbos", "worker"),
)


def loaded(model: Any) -> Any:
    return trust.load_skops(skops.io.dumps(model), source="m")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [CountVectorizer, HashingVectorizer, TfidfVectorizer])
@pytest.mark.parametrize("given", ["filename", "file"])
def test_no_vectorizer_opens_what_a_request_names(kind: Any, given: str) -> None:
    model = make_pipeline(kind(), LogisticRegression()).fit(["a red one", "a blue one"], [0, 1])
    assert loaded(model).predict(["a red one"]).tolist() == [0]
    model[0].input = given
    with pytest.raises(ModelUnloadable) as caught:
        loaded(model)
    assert str(caught.value) == (
        f"The model m holds a {kind.__name__} with input='{given}', which would open the files that a request names. "
        f"Set input='content' and register it again"
    )


def test_no_pipeline_keeps_pickles_in_a_folder() -> None:
    model = Pipeline([("a", LogisticRegression(max_iter=1000))], memory="/somewhere").fit(X, y)
    with pytest.raises(ModelUnloadable, match=r"Pipeline with memory='/somewhere', .* Set memory=None and register"):
        loaded(model)
    with pytest.raises(ModelUnloadable, match="memory"):
        trust.types_to_trust(model, source="m")


def test_no_keyword_of_a_function_starts_processes() -> None:
    model = make_pipeline(Nystroem(kernel=mean_squared_error, n_components=5), LogisticRegression())
    model[0].kernel_params = {"n_jobs": 2}
    with pytest.raises(ModelUnloadable, match=r"Nystroem with kernel_params\['n_jobs'\]='2'"):
        loaded(model)


@pytest.mark.parametrize("parameter", ["machines", "forcedsplits_filename", "input_model", "local_listen_port"])
def test_lightgbm_reads_no_files_and_connects_to_nothing(parameter: str) -> None:
    model = LGBMClassifier(n_estimators=2, verbose=-1).fit(X, y)
    model.set_params(**{parameter: "x"})
    with pytest.raises(ModelUnloadable, match=f"LGBMClassifier with {parameter}='x'"):
        loaded(model)


def test_a_calibrated_forest_predicts_in_one_thread_and_silently(capfd: pytest.CaptureFixture[str]) -> None:
    forest = RandomForestClassifier(2, n_jobs=2, verbose=3)
    model = loaded(CalibratedClassifierCV(forest, cv=2).fit(X, y))
    capfd.readouterr()
    estimators.use_one_thread(model)
    inner = [part for part in estimators.nested(model) if isinstance(part, RandomForestClassifier)]
    assert len(inner) >= 3  # the parameter, and one for each part of the data
    assert {(part.n_jobs, part.verbose) for part in inner} == {(1, 0)}
    assert np.isfinite(model.predict_proba(X)).all()
    assert capfd.readouterr() == ("", "")


def test_scikit_learn_has_no_parameter_of_this_kind_that_is_not_known() -> None:
    found = {
        parameter
        for _, kind in all_estimators()
        for parameter in inspect.signature(kind).parameters
        if any(word in parameter for word in WORDS)
    }
    assert found - KNOWN.keys() == set(), "look what they do, refuse them in side_effects.py, or add them here"
