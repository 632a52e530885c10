"""Commands inside an image, with whichever builder is here; no cluster and no registry is needed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from tenfold.platform.images.build import find_builder

BASE_IMAGE = "TENFOLD_TEST_BASE_IMAGE"
USER = "10001:10001"
TMP = "/tmp"  # noqa: S108 - of the container, not of this machine


def base_image() -> list[str]:
    """The option of `tenfold build` for the image that the tests build on; none: the Dockerfile's own."""
    return ["--base-image", os.environ[BASE_IMAGE]] if os.environ.get(BASE_IMAGE) else []


def run_in(image: str, command: Sequence[str]) -> str:
    """What the command writes to stdout, run by the image's own user, on this machine's network."""
    builder = find_builder()
    if builder != "buildah":
        inside = [builder, "run", "--rm", "--read-only", "--tmpfs", TMP, "--network", "host"]
        return _said([*inside, "--entrypoint", command[0], image, *command[1:]])
    container = _said([builder, "from", "--pull-never", image]).strip()
    try:
        isolation = ["--isolation", "chroot"] if os.geteuid() == 0 else []
        return _said([builder, "run", *isolation, "--user", USER, container, "--", *command])
    finally:
        _said([builder, "rm", container])


def _said(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{command[:3]}: {done.stderr or done.stdout}"
    return done.stdout
