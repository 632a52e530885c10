"""A model folder is read without trust: what is broken or points elsewhere is said, and nothing is loaded."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tenfold.serving import artifact
from tenfold.serving.errors import ModelUnloadable
from tenfold.serving.model import load
from unit.serving.stage import Folders, settings


@pytest.fixture
def folder(folders: Folders, tmp_path: Path) -> Path:
    """A copy to break."""
    shutil.copytree(folders.iris, tmp_path / "model")
    return tmp_path / "model"


def change(folder: Path, **parts: Any) -> None:
    content = yaml.safe_load((folder / "MLmodel").read_text())
    for path, value in parts.items():
        *parents, last = path.split("__")
        inner = content
        for parent in parents:
            inner = inner[parent]
        inner[last] = value
    (folder / "MLmodel").write_text(yaml.safe_dump(content))


def refusal(folder: Path) -> str:
    with pytest.raises(ModelUnloadable) as caught:
        load(folder, name="", version="", settings=settings())
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_what_a_folder_says(folder: Path) -> None:
    saved = artifact.read(folder)
    assert saved.format == "skops"
    assert saved.file == folder / "model.skops"
    assert len(saved.digest) == 12
    assert len(saved.example) == 3
    assert saved.inputs
    assert "sepal_length" in saved.inputs


def test_no_folder_and_no_file(tmp_path: Path) -> None:
    assert "There is no model at" in refusal(tmp_path / "nowhere")
    sentence = refusal(tmp_path)
    assert "its file MLmodel cannot be read (No such file or directory)" in sentence
    assert "mlflow.sklearn.save_model" in sentence


@pytest.mark.parametrize("text", ["{broken: [", "\x00", "a: b: c", "a: 2013-99-99", "[" * 5000])
def test_broken_yaml(folder: Path, text: str) -> None:
    (folder / "MLmodel").write_text(text)
    assert "is not YAML" in refusal(folder)


@pytest.mark.parametrize("text", ["", "7", "[]", "flavors: 7", "flavors: {}"])
def test_yaml_of_something_else(folder: Path, text: str) -> None:
    (folder / "MLmodel").write_text(text)
    assert "saved as nothing known, and only scikit-learn, XGBoost and LightGBM models can be served" in refusal(folder)


def test_yaml_that_would_run_code(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "ran"
    (folder / "MLmodel").write_text(f"flavors: !!python/object/apply:os.mkdir ['{target}']")
    assert "is not YAML" in refusal(folder)
    assert not target.exists()


def test_another_flavor(folder: Path) -> None:
    change(folder, flavors={"spark": {}, 7: {}})
    assert "is saved as 7, spark, and only scikit-learn, XGBoost and LightGBM models can be served" in refusal(folder)
    change(folder, flavors={"keras": {}, "python_function": {"loader_module": "mlflow.keras"}})
    sentence = refusal(folder)
    assert "is saved as keras, python_function, which only MLflow's python_function loads, with code that" in sentence
    assert "Save it as scikit-learn (skops), XGBoost or LightGBM, or, if you trust whoever wrote it, set" in sentence


@pytest.mark.parametrize("name", ["../other.skops", "/etc/passwd", "a/../../other.skops"])
def test_a_file_outside_of_the_folder(folder: Path, name: str) -> None:
    change(folder, flavors__sklearn__pickled_model=name)
    assert f"names a file outside of its folder, {name}" in refusal(folder)


def test_a_link_that_leads_outside_of_the_folder(folder: Path, folders: Folders) -> None:
    (folder / "model.skops").unlink()
    (folder / "model.skops").symlink_to(folders.line / "model.skops")
    assert "names a file outside of its folder" in refusal(folder)


def test_a_file_that_is_not_there(folder: Path) -> None:
    (folder / "model.skops").unlink()
    assert "model.skops cannot be read (No such file or directory). Register the model again" in refusal(folder)


def test_a_file_that_is_cut_off(folder: Path) -> None:
    file = folder / "model.skops"
    file.write_bytes(file.read_bytes()[:-200])
    assert "is not a readable skops file" in refusal(folder)


@pytest.mark.parametrize("name", ["joblib", None, 7, ["skops"]])
def test_an_unknown_format(folder: Path, name: Any) -> None:
    change(folder, flavors__sklearn__serialization_format=name)
    assert f"saved in the unknown format '{name}'. Save it as skops" in refusal(folder)


def test_types_that_the_artifact_itself_trusts_are_not_trusted(folder: Path) -> None:
    change(folder, flavors__sklearn__skops_trusted_types=["os.system"], flavors__sklearn__serialization_format="pickle")
    assert "loading a pickle can run any code" in refusal(folder)


@pytest.mark.parametrize(
    "content",
    [
        *(
            "",
            "{broken",
            "7",
            "[7]",
            '{"columns": 7}',
            '{"columns": ["a"], "data": [7]}',
            '{"columns": 7, "data": [[1]]}',
        ),
        *('{"columns": [[]], "data": [[1]]}', '{"columns": ["a"], "data": {}}', '{"data": [["a", 1, 1, 1]]}'),
    ],
)
def test_a_broken_example_costs_only_the_example(folder: Path, content: str) -> None:
    info = yaml.safe_load((folder / "MLmodel").read_text())["saved_input_example_info"]
    (folder / info["artifact_path"]).write_text(content)
    model = load(folder, name="", version="", settings=settings())
    model.warm_up()
    assert model.example == [{"sepal_length": 1.5, "sepal_width": 1.5, "petal_length": 1.5, "petal_width": 1.5}]
