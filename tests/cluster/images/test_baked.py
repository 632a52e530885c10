"""`tenfold build` for real: a model and a project of one's own get into images, which then do what they are for."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from support.images import base_image, run_in
from support.places import free_port
from tenfold.training.registry import Registry

TENFOLD = Path(sys.executable).with_name("tenfold")
SERVE = Path(__file__).with_name("serve.py").read_text()


def build(*arguments: str | Path) -> str:
    command = [TENFOLD, "build", *base_image(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=540)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def flowers() -> pd.DataFrame:
    return load_iris(as_frame=True).data.set_axis(["a", "b", "c", "d"], axis="columns")


def test_a_baked_model_is_served_without_a_registry(tmp_path: Path, flowers: pd.DataFrame) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/registry.db")
    model = LogisticRegression(max_iter=500).fit(flowers, load_iris().target)
    version = registry.register(model, "baked-iris", example=flowers.head(2), tags={})
    shown = build("--model", version.uri, "--registry-uri", registry.uri)
    assert "baked-iris-serving:1" in shown
    rows = json.dumps({"rows": flowers.iloc[[0, 149]].to_dict("records")})
    said = run_in("baked-iris-serving:1", ["python", "-c", SERVE, str(free_port()), rows])
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    assert answer["predict"]["predictions"] == model.predict(flowers.iloc[[0, 149]]).tolist()
    assert answer["predict"]["model"] == {"name": "baked-iris", "version": "1"}
    assert answer["exit code"] == 0


def test_a_project_of_ones_own_can_be_imported_where_models_are_trained(tmp_path: Path) -> None:
    project = tmp_path / "mine"
    project.mkdir()
    (project / "requirements.txt").write_text("cowsay==6.1\n")
    (project / ".env").write_text("PASSWORD=secret\n")
    (project / "features.py").write_text(
        textwrap.dedent(
            """
            import cowsay

            def train(X, y, champion):
                return champion
            """
        )
    )
    build("--project", project, "--target", "serving", "--tag", "with-project")
    code = (
        "from tenfold.training.fit import train_function; from pathlib import Path;"
        "import features; f = train_function('features:train');"
        "print(f.__name__, sorted(p.name for p in Path(features.__file__).parent.iterdir() if p.is_file()))"
    )
    said = run_in("ml-serving:with-project", ["python", "-c", code])
    assert said.split("\n")[-2] == "train ['features.py', 'requirements.txt']"
