"""Fits usual estimators, changes what their skops files hold at random, loads each and lets it predict.

Run as a program by `test_skops_mutants.py`, with the number of mutants for each estimator and a seed. Each estimator
has a process of its own; a line of JSON says how it ended: name, mutants that were loaded, and the mutant at which it
died, with the signal, or none.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import random
import resource
import signal
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
import skops.io
from sklearn import (
    calibration,
    cluster,
    compose,
    decomposition,
    ensemble,
    feature_extraction,
    gaussian_process,
    impute,
    isotonic,
    kernel_approximation,
    linear_model,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    random_projection,
    svm,
    tree,
)
from tenfold.serving import trust
from tenfold.serving.errors import ModelUnloadable

SECONDS = 10
"""That a mutant may compute before it is given up: a model may be as slow as it likes."""
MEMORY = 4 * 2**30

rng = np.random.default_rng(0)
X = np.abs(np.round(rng.normal(size=(60, 4)) * 3, 1))
y = (X[:, 0] + X[:, 1] > 4).astype(int) + (X[:, 2] > 3)
WORDS = [" ".join(random.Random(i).choices(["red", "green", "blue", "tea", "milk"], k=4)) for i in range(60)]
S = sp.csr_matrix(X * (X > 2))
C = np.round(X)


def piped(*steps: Any) -> Any:
    return pipeline.make_pipeline(*steps)


def logistic() -> Any:
    return linear_model.LogisticRegression()


MODELS: dict[str, tuple[Callable[[], Any], Any]] = {
    "logistic": (logistic, X),
    "sparse logistic": (lambda: logistic().fit(X, y).sparsify(), X),
    "ridge": (linear_model.Ridge, X),
    "sgd": (linear_model.SGDClassifier, X),
    "lasso": (linear_model.Lasso, X),
    "tree": (lambda: tree.DecisionTreeClassifier(max_depth=4), X),
    "forest": (lambda: ensemble.RandomForestClassifier(4, max_depth=3), X),
    "extra trees": (lambda: ensemble.ExtraTreesRegressor(4, max_depth=3), X),
    "boosting": (lambda: ensemble.GradientBoostingClassifier(n_estimators=3), X),
    "boosting from another": (lambda: ensemble.GradientBoostingClassifier(n_estimators=3, init=logistic()), X),
    "hist boosting": (lambda: ensemble.HistGradientBoostingClassifier(max_iter=3), X),
    "hist boosting of categories": (
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=3, categorical_features=[0, 1], min_samples_leaf=3),
        C,
    ),
    "ada": (lambda: ensemble.AdaBoostClassifier(n_estimators=3), X),
    "bagging": (lambda: ensemble.BaggingClassifier(n_estimators=3, max_features=0.5), X),
    "isolation": (lambda: ensemble.IsolationForest(n_estimators=4, max_features=0.5), X),
    "embedding": (lambda: piped(ensemble.RandomTreesEmbedding(4, max_depth=2), logistic()), X),
    "voting": (lambda: ensemble.VotingClassifier([("a", logistic()), ("b", tree.DecisionTreeClassifier())]), X),
    "stacking": (lambda: ensemble.StackingClassifier([("a", logistic())], tree.DecisionTreeClassifier(), cv=2), X),
    "calibrated": (lambda: calibration.CalibratedClassifierCV(tree.DecisionTreeClassifier(), cv=2), X),
    "isotonic": (lambda: calibration.CalibratedClassifierCV(logistic(), method="isotonic", cv=2), X),
    "isotonic alone": (isotonic.IsotonicRegression, X[:, 0]),
    "neighbors": (lambda: neighbors.KNeighborsClassifier(3), X),
    "neighbors by brute force": (lambda: neighbors.KNeighborsClassifier(3, algorithm="brute"), X),
    "neighbors of a sparse matrix": (lambda: neighbors.KNeighborsClassifier(3), S),
    "neighbors regressor": (lambda: neighbors.KNeighborsRegressor(3, weights="distance", metric="manhattan"), X),
    "radius neighbors": (lambda: neighbors.RadiusNeighborsClassifier(9, outlier_label=0, algorithm="brute"), X),
    "outliers": (lambda: neighbors.LocalOutlierFactor(5, novelty=True), X),
    "centroid": (neighbors.NearestCentroid, X),
    "svc": (lambda: svm.SVC(), X),
    "svc of a sparse matrix": (lambda: svm.SVC(), S),
    "svc of kernels": (lambda: svm.SVC(kernel="precomputed"), X @ X.T),
    "svr": (svm.SVR, X),
    "one class": (svm.OneClassSVM, X),
    "linear svc": (svm.LinearSVC, X),
    "k means": (lambda: cluster.KMeans(3, n_init=1), X),
    "mini batches": (lambda: cluster.MiniBatchKMeans(3, n_init=1), X),
    "bisecting": (lambda: cluster.BisectingKMeans(3), X),
    "mean shift": (cluster.MeanShift, X),
    "perceptron": (lambda: neural_network.MLPClassifier((5,), max_iter=20), X),
    "gaussian process": (gaussian_process.GaussianProcessRegressor, X),
    "bayes": (naive_bayes.GaussianNB, X),
    "bayes of categories": (lambda: naive_bayes.CategoricalNB(min_categories=20), C),
    "words": (lambda: piped(feature_extraction.text.TfidfVectorizer(), logistic()), WORDS),
    "hashed words": (lambda: piped(feature_extraction.text.HashingVectorizer(n_features=64), logistic()), WORDS),
    "counted words": (lambda: piped(feature_extraction.text.CountVectorizer(), svm.SVC()), WORDS),
    "one hot": (lambda: piped(preprocessing.OneHotEncoder(handle_unknown="ignore"), logistic()), C),
    "one hot of rare ones": (
        lambda: piped(preprocessing.OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=8), logistic()),
        C,
    ),
    "one hot without the first": (
        lambda: piped(preprocessing.OneHotEncoder(drop="first", sparse_output=False), logistic()),
        C,
    ),
    "ordinal": (lambda: piped(preprocessing.OrdinalEncoder(), logistic()), C),
    "target": (lambda: piped(preprocessing.TargetEncoder(cv=2), logistic()), C),
    "bins": (lambda: piped(preprocessing.KBinsDiscretizer(3), logistic()), X),
    "splines": (lambda: piped(preprocessing.SplineTransformer(4), logistic()), X),
    "sparse splines": (lambda: piped(preprocessing.SplineTransformer(4, sparse_output=True), logistic()), X),
    "polynomials": (lambda: piped(preprocessing.PolynomialFeatures(2), linear_model.LinearRegression()), X),
    "polynomials of a sparse matrix": (
        lambda: piped(preprocessing.PolynomialFeatures(2), linear_model.Ridge()),
        S,
    ),
    "quantiles": (
        lambda: piped(preprocessing.QuantileTransformer(n_quantiles=20), preprocessing.StandardScaler(), logistic()),
        X,
    ),
    "power": (lambda: piped(preprocessing.PowerTransformer(), logistic()), X),
    "imputed": (lambda: piped(impute.SimpleImputer(add_indicator=True), impute.KNNImputer(), logistic()), X),
    "pca": (lambda: piped(decomposition.PCA(2), logistic()), X),
    "svd": (lambda: piped(decomposition.TruncatedSVD(2), logistic()), S),
    "nmf": (lambda: piped(decomposition.NMF(2, max_iter=20), logistic()), X),
    "topics": (lambda: piped(decomposition.LatentDirichletAllocation(2, max_iter=2), logistic()), X),
    "dictionary": (lambda: piped(decomposition.DictionaryLearning(2, max_iter=2), logistic()), X),
    "nystroem": (lambda: piped(kernel_approximation.Nystroem(n_components=5), logistic()), X),
    "chi2 kernel": (lambda: piped(kernel_approximation.Nystroem(kernel="chi2", n_components=5), logistic()), X),
    "projection": (lambda: piped(random_projection.SparseRandomProjection(2), logistic()), X),
    "columns": (
        lambda: piped(
            compose.make_column_transformer(
                (preprocessing.StandardScaler(), [0, 1]), (preprocessing.OneHotEncoder(handle_unknown="ignore"), [2, 3])
            ),
            neighbors.KNeighborsClassifier(3),
        ),
        C,
    ),
}


def mutants(data: bytes, count: int, seed: str) -> Iterator[tuple[str, bytes]]:
    """Files like this one, each with one to three changes, and what was changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    for number in range(count):
        dice = random.Random(f"{seed} {number}")
        changed, said = dict(members), [str(number)]
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            arrays = [name for name in changed if name != "schema.json"]
            if arrays and dice.random() < 0.65:
                name = dice.choice(arrays)
                said.append(f"{name}: ")
                content = changed[name]
                changed[name] = (_sparse if name.endswith("z") else _dense)(content, dice, said)
            else:
                schema = json.loads(changed["schema.json"])
                _schema(schema, dice, said)
                changed["schema.json"] = json.dumps(schema).encode()
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as file:
            for name, content in changed.items():
                file.writestr(name, content)
        yield " ".join(said), made.getvalue()


def _dense(content: bytes, dice: random.Random, said: list[str]) -> bytes:
    made = io.BytesIO()
    np.save(made, _changed(np.load(io.BytesIO(content)), dice, said))
    return made.getvalue()


def _sparse(content: bytes, dice: random.Random, said: list[str]) -> bytes:
    arrays = dict(np.load(io.BytesIO(content)))
    name = dice.choice(["indices", "indptr", "data", "shape"])
    said.append(name)
    arrays[name] = _changed(arrays[name], dice, said)
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


def _changed(array: Any, dice: random.Random, said: list[str]) -> Any:
    array = np.array(array)
    way = dice.choice(["value", "value", "value", "shorter", "longer", "empty", "type", "flat", "turned", "narrower"])
    said.append(way)
    match way:
        case "value" if array.size:
            field = dice.choice(array.dtype.names) if array.dtype.names else None
            cells = array[field] if field else array
            said.append(str(field))
            for _ in range(dice.choice((1, 1, array.size))):
                at = dice.randrange(array.size)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        cells[np.unravel_index(at, array.shape)] = _value(cells.dtype.kind, dice)
                    except (OverflowError, ValueError):
                        cells[np.unravel_index(at, array.shape)] = 0
        case "shorter" if array.ndim and len(array):
            array = array[: dice.randrange(len(array))]
        case "longer" if array.ndim and len(array):
            array = np.concatenate([array] * dice.choice((2, 2, 50)))
        case "empty":
            array = array[:0] if array.ndim else array
        case "type" if not array.dtype.names and array.dtype.kind in "iufb":
            array = array.astype(dice.choice([np.int8, np.int32, np.int64, np.float32, np.float64, np.uint64, bool]))
        case "flat" if array.ndim:
            array = array.reshape(-1)
        case "turned":
            array = array.T
        case "narrower" if array.ndim > 1 and array.shape[1]:
            array = array[:, : dice.randrange(array.shape[1])]
        case _:
            pass
    return array


def _value(kind: str, dice: random.Random) -> Any:
    if kind in "iu":
        return dice.choice((-1, 0, 1, 7, 255, 4096, 10**6, 2**31 - 1, -(2**31), 2**62))
    if kind == "f":
        return dice.choice((np.nan, np.inf, -np.inf, 1e308, -1e9, 0.5, 0.0, 1e6))
    return dice.choice((True, False)) if kind == "b" else "odd"


def _schema(schema: Any, dice: random.Random, said: list[str]) -> None:
    nodes: list[Any] = []
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if "__loader__" in part:
                part.pop("__id__", None)
                nodes.append(part)
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    way = dice.choice(["number", "number", "number", "swap", "remove", "file"])
    said.append(way)
    numbers = [
        n for n in nodes if n["__loader__"] == "JsonNode" and type(json.loads(n["content"])) in (int, float, bool)
    ]
    objects = [n for n in nodes if n["__loader__"] == "DictNode" and n["content"]]
    files = [n for n in nodes if "file" in n]
    match way:
        case "number" if numbers:
            node = dice.choice(numbers)
            node["content"] = json.dumps(
                dice.choice((-1, 0, 1, 2, 3, 7, 10**6, 2**31 - 1, 2**40, True, False, None, 0.5))
            )
            names = [k for o in objects for k, v in o["content"].items() if v is node]
            said.append(f"{names} {node['content']}")
        case "swap":
            one, other = dice.choice(nodes), dice.choice(nodes)
            kept = json.loads(json.dumps(one))
            one.clear(), one.update(json.loads(json.dumps(other)))
            other.clear(), other.update(kept)
            said.append(f"{kept['__class__']} {one['__class__']}")
        case "remove" if objects:
            content = dice.choice(objects)["content"]
            name = dice.choice([*content])
            said.append(name)
            content[name] = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": "null"}
        case "file" if files:
            dice.choice(files)["file"] = dice.choice(files)["file"]
        case _:
            pass


def _stop(*_: object) -> None:
    raise TimeoutError


def attack(name: str, count: int, seed: str, tell: Callable[[str], None]) -> None:
    make, rows = MODELS[name]
    model = make()
    if not hasattr(model, "coef_"):
        model.fit(rows, y)
    data = skops.io.dumps(model)
    loaded = trust.load_skops(data, source=name)
    assert np.array_equal(loaded.predict(rows), model.predict(rows)), name
    signal.signal(signal.SIGALRM, _stop)
    for said, mutant in mutants(data, count, f"{seed} {name}"):
        tell(f"! {said}")
        signal.alarm(SECONDS)
        try:
            loaded = trust.load_skops(mutant, source=name)
            tell("loaded")
            for method in ("predict", "predict_proba", "decision_function"):
                if hasattr(loaded, method):
                    getattr(loaded, method)(rows[:7])
        except ModelUnloadable:
            pass
        except Exception as e:
            tell(f"  {type(e).__name__}")
        finally:
            signal.alarm(0)


def main() -> None:
    count, seed = int(sys.argv[1]), sys.argv[2]
    chosen = sys.argv[3:] or list(MODELS)
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for name in chosen:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            faulthandler.enable()
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            with os.fdopen(writing, "w", buffering=1) as out:
                attack(name, count, seed, lambda line: print(line, file=out))
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as lines:
            heard = lines.read().splitlines()
        _, status = os.waitpid(child, 0)
        at = next((line for line in reversed(heard) if line.startswith("!")), "")
        ended = os.waitstatus_to_exitcode(status)
        report = {"name": name, "loaded": heard.count("loaded"), "ended": ended, "at": at if ended else ""}
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
