"""What can go wrong on the way to an image.

PlatformError
└── ImageError               root
    ├── NoBuilder            neither docker, podman nor buildah is here and works
    ├── NoProject            the folder of the user's project holds nothing that could be installed
    └── BuildFailed          the builder ended with an error, which it has shown
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import PlatformError


class ImageError(PlatformError):
    """Root."""


class NoBuilder(ImageError):
    """None of the programs that build images is here and works."""

    def __init__(self, tried: Mapping[str, str]) -> None:
        looked = "; ".join(f"{name}: {reason}" for name, reason in tried.items())
        super().__init__(f"No image can be built here ({looked}). Install docker, podman or buildah, or start docker")


class NoProject(ImageError):
    """The folder holds nothing that could be installed."""


class BuildFailed(ImageError):
    """The builder ended with an error, which it has shown."""
