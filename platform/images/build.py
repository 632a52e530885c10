"""`tenfold build`: which commands build the images, and running them.

Values that a person chose reach the builder as arguments of a list, never by a shell and never inside a Dockerfile.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ...serving.digest import digest
from ...serving.locate import Located
from .errors import BuildFailed, NoBuilder

Target = Literal["serving", "training", "user-interface"]
IMAGES: Mapping[Target, str] = {
    "serving": "ml-serving",
    "training": "ml-training",
    "user-interface": "user-interface",
}
TAG = "1.0"
# Which are tried, in this order, and the question that only a working one answers: docker's program may be there
# without its server.
BUILDERS: Mapping[str, tuple[str, ...]] = {
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("version",),
    "buildah": ("version",),
}
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True, slots=True)
class Image:
    """One image to build."""

    target: Target
    name: str
    """With its tag, and with the registry that it is for."""
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the Dockerfile."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


def images(targets: Sequence[Target], *, tag: str = TAG, prefix: str = "", base: str | None = None) -> list[Image]:
    """The images of these targets.

    Args:
        targets: in the order in which they are built.
        tag: of all of them.
        prefix: registry and folder, e.g. registry.example.com/team.
        base: image with a Python that they are built on; None: the Dockerfile's own.
    """
    before = f"{prefix.rstrip('/')}/" if prefix else ""
    arguments = {"PYTHON_IMAGE": base} if base else {}
    return [Image(target, f"{before}{IMAGES[target]}:{tag}", arguments) for target in targets]


def baked(model: Located, *, tag: str = "", prefix: str = "", base: str | None = None) -> Image:
    """The serving image with a model inside, named after it: `flight-delay-serving:7`."""
    before = f"{prefix.rstrip('/')}/" if prefix else ""
    name = model.name or model.folder.resolve().name
    # What a registry takes as a model's name is more than what one takes as an image's.
    safe = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "model"
    return Image(
        "serving",
        f"{before}{safe}-serving:{tag or model.version or TAG}",
        {
            **({"PYTHON_IMAGE": base} if base else {}),
            "MODEL_NAME": name,
            "MODEL_VERSION": model.version,
        },
        {"dev.tenfold.model.digest": digest(model.folder)},
    )


def command(builder: str, image: Image, context: str) -> list[str]:
    """What builds the image out of the folder `context`."""
    words = [builder, "bud" if builder == "buildah" else "build"]
    if builder == "buildah":
        words += ["--layers", *_isolation()]
    words += ["--file", f"{context}/Dockerfile", "--target", image.target, "--tag", image.name]
    for name, value in image.arguments.items():
        words += ["--build-arg", f"{name}={value}"]
    for name, value in image.labels.items():
        words += ["--label", f"{name}={value}"]
    return [*words, context]


def _isolation() -> tuple[str, ...]:
    # root needs neither user namespaces nor cgroups for a chroot, so that it works inside containers too.
    if os.geteuid() == 0 and "BUILDAH_ISOLATION" not in os.environ:
        return ("--isolation", "chroot")
    return ()


def find_builder(wanted: str | None = None) -> str:
    """The first of docker, podman and buildah that is here and works, or the one that is wanted.

    Raises:
        NoBuilder: there is none.
    """
    tried: dict[str, str] = {}
    for name, question in BUILDERS.items():
        if wanted not in (None, name):
            continue
        program = shutil.which(name)
        if program is None:
            tried[name] = "not installed"
            continue
        answer = subprocess.run([program, *question], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            return name
        tried[name] = (answer.stderr.strip().splitlines() or ["does not work"])[-1].rstrip(".")
    raise NoBuilder(tried)


def run(words: Sequence[str]) -> None:
    """Run a builder; what it says goes where this process writes.

    Raises:
        BuildFailed: it ended with an error.
    """
    code = subprocess.run(words, check=False).returncode
    if code:
        raise BuildFailed(f"{words[0]} could not build the image (exit code {code}); its own message stands above")


def size(builder: str, image: str) -> int:
    """Bytes of an image that was built, without compression."""
    if builder == "buildah":
        words = [builder, "images", "--format", "{{.Size}}", image]
    else:
        words = [builder, "image", "inspect", "--format", "{{.Size}}", image]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise BuildFailed(f"{builder} knows no image {image}: {answer.stderr.strip()}. Build it with: tenfold build")
    return in_bytes(answer.stdout)


def in_bytes(text: str) -> int:
    """The number behind 434 MB, as buildah says it, or 434123456."""
    found = re.fullmatch(r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kKMGT]?B)?\s*", text)
    if found is None:
        raise ValueError(f"'{text}' is not a size")
    return round(float(found["number"]) * _UNITS[(found["unit"] or "B").upper()])
