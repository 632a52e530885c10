"""The lint of import directions finds what it is there for."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lint() -> ModuleType:
    spec = importlib.util.spec_from_file_location("import_directions", ROOT / ".ci" / "import_directions.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_repository_keeps_its_directions(lint: ModuleType) -> None:
    assert list(lint.violations(ROOT)) == []


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        ("serving/core.py", "from ..training import registry", "serving may import serving only"),
        ("training/fit.py", "from ..platform.spec import ServiceSpec", "training may import training, serving only"),
        ("serving/core.py", "from .protocols.v2 import infer", "lies inside"),
        ("serving/model.py", "def f():\n    import pickle", "never unpickles"),
        ("platform/local/target.py", "import kubernetes", "only platform.kubernetes may import kubernetes"),
        ("platform/api.py", "import typer", "only platform.cli may import typer"),
    ],
)
def test_a_wrong_import_is_named(lint: ModuleType, tmp_path: Path, file: str, line: str, words: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(line)
    assert [words in sentence for sentence in lint.violations(tmp_path)] == [True]


def test_right_imports_pass(lint: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "platform" / "local" / "target.py"
    path.parent.mkdir(parents=True)
    path.write_text("from ...serving.client import Client\nfrom ..spec import ServiceSpec\nimport httpx")
    assert list(lint.violations(tmp_path)) == []
