"""A lean process has imported less, and answers the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, QuantileTransformer, StandardScaler
from unit.serving.stage import Folders, flowers

X, y = flowers()

LEAN = """
import sys
from tenfold.serving.lean import import_lean
import_lean()
import tenfold.serving.server

def executed():
    return {"scipy.stats._stats_py", "pandas", "sklearn.gaussian_process"} & set(sys.modules)
"""


STATS = "{'scipy.stats._stats_py'}"


def lean(code: str, *arguments: str, folder: Path | None = None) -> str:
    """What a lean process prints that runs this code in the folder."""
    command = [sys.executable, "-c", LEAN + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


PREDICT = """
import numpy as np
from pathlib import Path
from tenfold.serving import trust
from tenfold.serving.model import load
from tenfold.serving.settings import Settings
rows = np.load("rows.npy")
for name in sys.argv[1:]:
    with open(f"{name}.skops", "rb") as file:
        model = trust.load_skops(file.read(), source=name)
    np.save(f"{name}.npy", model.predict(rows))
    print(name, executed())
folder = Path("named")
model = load(folder, name="", version="", settings=Settings(model=str(folder)))
model.warm_up()
print("named", executed())
"""
MODELS = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "ufunc": make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
    "boosting": HistGradientBoostingClassifier(max_iter=3),
    "isotonic": make_pipeline(MaxAbsScaler(), CalibratedClassifierCV(method="isotonic")),
    "envelope": EllipticEnvelope(random_state=0),
    # The only one that asks for a distribution when it predicts.
    "normal": make_pipeline(QuantileTransformer(n_quantiles=10, output_distribution="normal"), LogisticRegression()),
}


def test_models_answer_the_same_and_what_they_do_not_use_is_not_imported(tmp_path: Path, folders: Folders) -> None:
    (tmp_path / "named").symlink_to(folders.iris)  # its columns have names, which it does not look at
    rows = X.to_numpy()
    np.save(tmp_path / "rows.npy", rows)
    for name, model in MODELS.items():
        model.fit(rows, y)
        skops.io.dump(model, tmp_path / f"{name}.skops")
    printed = lean(PREDICT, *MODELS, folder=tmp_path).splitlines()
    assert printed == [*(f"{name} set()" for name in MODELS if name != "normal"), f"normal {STATS}", f"named {STATS}"]
    for name, model in MODELS.items():
        assert np.array_equal(np.load(tmp_path / f"{name}.npy"), model.predict(rows)), name


def test_scikit_learn_calls_what_was_put_off() -> None:
    code = """
from sklearn.isotonic import check_increasing
print(executed(), check_increasing([1, 2, 3, 4], [2, 3, 4, 5]), executed())
"""
    assert lean(code) == f"set() True {STATS}"


def test_everybody_else_gets_the_real_one_at_once() -> None:
    code = """
from scipy.stats._continuous_distns import norm
import scipy.stats
print(type(norm).__name__, norm is scipy.stats.norm, float(norm.cdf(0)))
"""
    assert lean(code) == "norm_gen True 0.5"


def test_threads_that_ask_at_once_all_get_it() -> None:
    code = """
import scipy.stats
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
together = Barrier(8)

def ask(_):
    together.wait()
    return float(scipy.stats.norm.cdf(0))

with ThreadPoolExecutor(8) as threads:
    print(set(threads.map(ask, range(8))))
"""
    assert lean(code) == "{0.5}"


def test_every_estimator_of_scikit_learn_can_be_imported() -> None:
    code = """
from sklearn.utils import all_estimators
names = [f"{c.__module__}.{c.__name__}" for _, c in all_estimators()]
from tenfold.serving.trust import is_trusted
print(len(names) > 200, [n for n in names if not is_trusted(n)])
from scipy.stats.mstats import mquantiles
from scipy.stats import rankdata
print(mquantiles([1, 2, 3]).shape, rankdata([3, 1, 2]).tolist())
"""
    assert lean(code).splitlines() == ["True []", "(3,) [3.0, 1.0, 2.0]"]


def test_it_changes_nothing_where_everything_is_imported_already() -> None:
    import scipy.stats
    from tenfold.serving.deferred import put_off

    put_off("scipy.stats")
    assert sys.modules["scipy.stats"] is scipy.stats
    assert isinstance(IsotonicRegression().fit([1, 2], [1, 2]).predict([1.5]), np.ndarray)
