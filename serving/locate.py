"""Finds the files of the model that the settings name: a folder here, or a version in a registry.

Called once by `Core.load`, before anything is known of the model. MLflow is only imported for what is neither a folder
nor can be had by plain HTTP: see `fetch`.
Files that are not those that were registered are refused before any of them is read: see `digest`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .digest import DIGEST_TAG, digest
from .errors import ModelChanged, ModelUnloadable, first_line
from .fetch import LoginNeeded, fetch, is_plain
from .settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

_REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<version>\d+)|@(?P<alias>[^/@]+))")
_URI = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Located:
    """A model's folder, and the name and version that it is registered under; empty for one that is not."""

    folder: Path
    name: str = ""
    version: str = ""
    digest: str = ""
    """That the registry says the files have."""


@contextmanager
def located(settings: Settings) -> Generator[Located]:
    """The files of `settings.model`, for as long as the context lasts.

    Raises:
        ModelUnloadable: there is no such model, or the registry cannot be reached.
        ModelChanged: the files are not those that `settings.model_digest`, or else the registry, names.
    """
    if not _URI.match(settings.model):
        yield _verified(Located(Path(settings.model)), settings)
        return
    with TemporaryDirectory(prefix="tenfold-model-") as folder:
        yield _verified(_fetched(settings, folder), settings)


def _verified(found: Located, settings: Settings) -> Located:
    wanted = settings.model_digest or found.digest
    if wanted and found.folder.is_dir():  # else the reader says what is missing
        there = digest(found.folder)
        if there != wanted:
            raise ModelChanged(settings.model, there, wanted)
    return found


def _fetched(settings: Settings, into: str) -> Located:
    # MLflow asks a registry that does not answer for minutes by default, and draws progress bars.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    try:
        return _plainly(settings, Path(into)) or _by_mlflow(settings, into)
    except Exception as e:  # whatever HTTP, MLflow's stores and its file systems raise
        where = "the registry" if settings.registry_uri else "MLflow's default registry"
        raise ModelUnloadable(
            f"The model {settings.model} cannot be fetched from {where} ({type(e).__name__}: {first_line(e)}). Check "
            f"the name and the version, and that TENFOLD_REGISTRY_URI names a registry that can be reached from here"
        ) from e


def _plainly(settings: Settings, into: Path) -> Located | None:
    found = _REGISTERED.fullmatch(settings.model)
    if found is None or found["version"] is None or not is_plain(settings.registry_uri):
        return None
    try:
        tags = fetch(settings.registry_uri, found["name"], found["version"], into)
    except LoginNeeded:
        return None
    return None if tags is None else Located(into, found["name"], found["version"], tags.get(DIGEST_TAG, ""))


def _by_mlflow(settings: Settings, into: str) -> Located:
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    registry = settings.registry_uri or None
    client = MlflowClient(tracking_uri=registry, registry_uri=registry)
    name, version = _registered(client, settings.model)
    uri = client.get_model_version_download_uri(name, version) if name else settings.model
    said = str(client.get_model_version(name, version).tags.get(DIGEST_TAG, "")) if name else ""
    folder = download_artifacts(artifact_uri=uri, dst_path=into, tracking_uri=registry)
    return Located(Path(folder), name, version, said)


def _registered(client: MlflowClient, uri: str) -> tuple[str, str]:
    found = _REGISTERED.fullmatch(uri)
    if found is None:
        return "", ""
    name, version, alias = found["name"], found["version"], found["alias"]
    return name, version or str(client.get_model_version_by_alias(name, alias).version)
