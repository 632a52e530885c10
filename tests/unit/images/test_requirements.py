"""What the images install is what pyproject.toml says of their extras, and the extras keep their promises."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tenfold.platform.images import requirements as script
from tenfold.platform.images.requirements import requirements

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_extras_that_name_extras_are_followed_and_nothing_stands_twice() -> None:
    project = {
        "dependencies": ["a>=1"],
        "optional-dependencies": {"x": ["b", "a>=1"], "y": ["tenfold[x, z]", "c"], "z": ["d[more]>=2"]},
    }
    assert requirements(project, ["y"]) == ["a>=1", "b", "d[more]>=2", "c"]
    with pytest.raises(KeyError, match="unknown"):
        requirements(project, ["unknown"])


@pytest.mark.parametrize(
    ("extras", "has", "has_not"),
    [
        (["serving"], {"mlflow-skinny"}, {"mlflow", "kubernetes", "locust", "typer", "plotly"}),
        (["training", "platform"], {"mlflow", "kubernetes", "typer"}, {"locust", "pytest"}),
        (["page", "loadtests"], {"kubernetes", "typer", "locust"}, {"mlflow", "pytest"}),
    ],
)
def test_the_extras_of_an_image(extras: list[str], has: set[str], has_not: set[str]) -> None:
    names = {line.partition(">=")[0].partition("[")[0] for line in requirements(PROJECT, extras)}
    assert {"httpx", "fastapi", "scikit-learn"} | has <= names
    assert not names & has_not


def test_as_the_dockerfile_runs_it(tmp_path: Path) -> None:
    alone = tmp_path / "requirements.py"
    alone.write_bytes(Path(script.__file__).read_bytes())
    command = [sys.executable, "-I", str(alone), str(ROOT / "pyproject.toml"), "serving"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == requirements(PROJECT, ["serving"])


def test_every_requirement_of_an_image_is_pinned() -> None:
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {pin.partition("==")[0].lower().replace("_", "-") for pin in pins}
    for line in requirements(PROJECT, ["serving", "training", "platform", "page", "loadtests"]):
        assert line.partition(">=")[0].partition("[")[0].lower() in pinned
