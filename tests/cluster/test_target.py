"""The contract of a target on a real cluster: the same tests that run on the local one."""

import pytest
from integration.platform.conftest import COLUMNS, iris
from integration.platform.test_target import *  # noqa: F403 - every test of the contract
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tenfold import Platform


@pytest.fixture(scope="module", autouse=True)
def stocked(cluster: Platform) -> None:
    """Versions 1 and 2 of iris, and one of another model, in the registry of the namespace."""
    X, y = iris()
    assert list(X) == COLUMNS
    for name, c in (("iris", 1.0), ("iris", 0.1), ("other", 1.0)):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c)).fit(X, y)
        cluster.register(model, name, example=X.head(3))
