"""Which commands build the images: argument lists, for whichever builder is here and works."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from tenfold.platform.cli.app import run_command
from tenfold.platform.images.build import (
    IMAGES,
    TAG,
    Image,
    baked,
    command,
    find_builder,
    images,
    in_bytes,
    run,
)
from tenfold.platform.images.context import SOURCE
from tenfold.platform.images.errors import BuildFailed, NoBuilder
from tenfold.platform.spec import ServiceSpec
from tenfold.serving.digest import digest
from tenfold.serving.locate import Located

EVIL = 'x"; RUN rm -rf / #$(id)'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs; builders are put there that answer as real ones do."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr("shutil.which", lambda name: str(folder / name) if (folder / name).exists() else None)
    return folder


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_the_default_names_are_those_that_a_service_asks_for() -> None:
    wanted = ServiceSpec(name="x", model="models:/x/1").images
    assert [image.name for image in images(list(IMAGES))] == [wanted.serving, wanted.training, wanted.user_interface]


def test_tag_prefix_and_base() -> None:
    (image,) = images(["training"], tag="2", prefix="registry.example.com/team/", base="localhost/python-base")
    assert image.name == "registry.example.com/team/ml-training:2"
    assert command("docker", image, "/c") == [
        "docker", "build", "--file", "/c/Dockerfile", "--target", "training",
        "--tag", "registry.example.com/team/ml-training:2", "--build-arg", "PYTHON_IMAGE=localhost/python-base", "/c",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("uid", "isolation", "words"),
    [
        (0, None, ["buildah", "bud", "--layers", "--isolation", "chroot", "--file"]),
        (0, "oci", ["buildah", "bud", "--layers", "--file"]),
        (1000, None, ["buildah", "bud", "--layers", "--file"]),
    ],
)
def test_buildah_as_root_needs_neither_namespaces_nor_cgroups(
    monkeypatch: pytest.MonkeyPatch, uid: int, isolation: str | None, words: list[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.delenv("BUILDAH_ISOLATION", raising=False)
    if isolation:
        monkeypatch.setenv("BUILDAH_ISOLATION", isolation)
    assert command("buildah", Image("serving", "a:1"), "/c")[: len(words)] == words


def test_a_value_stays_one_argument_and_out_of_the_dockerfile() -> None:
    words = command("podman", Image("serving", "a:1", {"MODEL_NAME": EVIL}, {"label": EVIL}), "/c")
    assert f"MODEL_NAME={EVIL}" in words
    assert f"label={EVIL}" in words
    assert not re.search(r"^\s*(RUN|SHELL).*\$\{?(MODEL|PYTHON_IMAGE)", (SOURCE / "Dockerfile").read_text(), re.M)


def test_a_baked_model_names_the_image(tmp_path: Path) -> None:
    (tmp_path / "Flight Delay").mkdir()
    (tmp_path / "Flight Delay/MLmodel").write_text("x")
    folder = tmp_path / "Flight Delay"
    image = baked(Located(folder, "flight-delay", "7"), prefix="r.example.com")
    assert image.name == "r.example.com/flight-delay-serving:7"
    assert image.arguments == {"MODEL_NAME": "flight-delay", "MODEL_VERSION": "7"}
    assert image.labels == {"dev.tenfold.model.digest": digest(folder)}
    unregistered = baked(Located(folder), base="b")
    assert unregistered.name == f"flight-delay-serving:{TAG}"
    assert unregistered.arguments == {"PYTHON_IMAGE": "b", "MODEL_NAME": "Flight Delay", "MODEL_VERSION": ""}


def test_the_first_builder_that_works_is_taken(programs: Path) -> None:
    with pytest.raises(NoBuilder, match="docker: not installed; podman: not installed; buildah: not installed"):
        find_builder()
    put(programs, "buildah", "echo buildah version 1")
    assert find_builder() == "buildah"
    put(programs, "docker", "echo 'Cannot connect to the Docker daemon. Is it running?' >&2; exit 1")
    assert find_builder() == "buildah"
    with pytest.raises(NoBuilder, match=r"docker: Cannot connect to the Docker daemon.*start docker"):
        find_builder("docker")
    put(programs, "docker", "echo 28.2")
    assert find_builder() == "docker"
    assert find_builder("buildah") == "buildah"


def test_a_build_that_fails_is_said(programs: Path) -> None:
    put(programs, "docker", "exit 3")
    with pytest.raises(BuildFailed, match=r"could not build the image \(exit code 3\)"):
        run([str(programs / "docker"), "build"])


@pytest.mark.parametrize(
    ("text", "size"), [("434 MB\n", 434_000_000), ("1.2 GB", 1_200_000_000), ("12345", 12345), ("9.5 kB", 9500)]
)
def test_sizes(text: str, size: int) -> None:
    assert in_bytes(text) == size
    with pytest.raises(ValueError, match="is not a size"):
        in_bytes("big")


def test_dry_run_shows_the_commands_and_runs_none(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(programs, "docker", '[ "$1" = version ] || touch "$0.built"')
    (programs / "mine.py").write_text("")
    arguments = ["build", "--dry-run", "--target", "training,serving", "--tag", "2 3", "--project", str(programs)]
    assert run_command(arguments) == 0
    head, *commands = capsys.readouterr().out.splitlines()
    assert head == f"# CONTEXT: a temporary folder with the source of tenfold, the project {programs}"
    assert commands == [
        "docker build --file CONTEXT/Dockerfile --target serving --tag 'ml-serving:2 3' CONTEXT",
        "docker build --file CONTEXT/Dockerfile --target training --tag 'ml-training:2 3' CONTEXT",
    ]
    assert not (programs / "docker.built").exists()


def test_a_build_hands_the_builder_a_whole_folder_and_shows_the_size(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = tmp_path / "seen"
    put(programs, "docker", f'case "$1" in image) echo 434000000;; build) for c; do :; done; ls "$c" > {seen};; esac')
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors: {sklearn: {pickled_model: m.skops, serialization_format: skops}}")
    assert run_command(["build", "--model", str(model)]) == 0
    assert {"Dockerfile", "model", "serving", "constraints.txt"} <= set(seen.read_text().split())
    assert re.search(r"model-serving:1.0\W+434", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "page"], "There is no image 'page'; choose from serving,training,user-interface"),
        (["--builder", "kaniko"], "'kaniko' builds no images here"),
        (["--project", "/nowhere"], "There is no folder /nowhere"),
        (["--model", "x", "--target", "training"], "A model is baked into the serving image"),
        (["--model", "/nowhere/model"], "There is no model at /nowhere/model"),
    ],
)
def test_what_is_asked_wrongly_is_said(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["build", *arguments]) == 1
    assert words in " ".join(capsys.readouterr().err.split())
