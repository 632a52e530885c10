"""The model registry (MLflow): versions, the champion, and the nights that led to them.

`Platform` registers and promotes here, the local target fetches files, the night records what it decided. Versions
are never changed; which of them is the champion is an alias, and every night is a tag of the registered model.
Constructing opens nothing and imports no MLflow; every method may, and then blocks.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import rmtree
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from ..serving.digest import DIGEST_TAG, digest
from .errors import RegistryError, UnknownModel, UnknownVersion
from .mlflow_client import is_missing, open_client, place, said, sqlite_file
from .night import Night

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

CHAMPION = "champion"
NIGHT_TAG = "tenfold.night."


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered version of a model."""

    name: str
    version: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def uri(self) -> str:
        """Its pinned URI, e.g. models:/flight-delay/7."""
        return f"models:/{self.name}/{self.version}"


class Registry:
    """The registry behind one URI. Safe to share between threads."""

    def __init__(self, uri: str, artifacts: Path | None = None) -> None:
        """
        Args:
            uri: sqlite:////path/registry.db, postgresql://..., or the http(s) address of an MLflow server.
            artifacts: folder for the files of versions, where no server keeps them; default, for SQLite: `artifacts`
                beside the file.
        """
        self.uri = uri
        file = sqlite_file(uri)
        self._artifacts = artifacts or (file.parent / "artifacts" if file else None)
        self._lock = Lock()
        self._opened: MlflowClient | None = None

    def __repr__(self) -> str:
        return f"Registry({place(self.uri)})"

    def register(
        self,
        model: Any,
        name: str,
        *,
        example: Any,
        tags: dict[str, str],
        accelerate: Literal["onnx"] | None = None,
        logged: Sequence[Mapping[str, Any]] = (),
    ) -> ModelVersion:
        """Keep a fitted model as the next version of `name`; the first version becomes the champion.

        Args:
            model: a fitted scikit-learn estimator.
            name: of the registered model; made if there is none.
            example: a few rows as the model takes them; see `mlmodel.save`.
            tags: kept with the version.
            accelerate: "onnx": keep its compiled form too.
            logged: rows of the inference log on which model and compiled form are compared, besides the example.

        Raises:
            ModelNotStorable: serving would refuse to load it, or it cannot predict the example.
            NotCompilable: it has no compiled form that gives the same answers.
            RegistryUnreachable: nothing is registered.
        """
        self._client()  # an unreachable registry is said at once, and MLflow is imported the quiet way
        from .compiled import ACCELERATE_TAG, compile_beside, rows_of
        from .mlmodel import save

        with tempfile.TemporaryDirectory(prefix="tenfold-") as temporary:
            folder = Path(temporary) / "model"
            saved = save(model, folder, name=name, example=example)
            if accelerate:
                compile_beside(saved, folder, rows_of(saved, logged))
                tags = {**tags, ACCELERATE_TAG: accelerate}
            return self.register_folder(folder, name, tags=tags)

    def register_folder(
        self, folder: Path, name: str, *, tags: dict[str, str], metrics: Mapping[str, float] | None = None
    ) -> ModelVersion:
        """Keep what `mlmodel` wrote into `folder` as the next version of `name`; the first becomes the champion.

        A replica that loads the version makes sure that the files are those of today, by the tag `tenfold.digest`.
        """
        tags = {**tags, DIGEST_TAG: digest(folder)}
        client = self._client()
        with said(self.uri):
            run = client.create_run(self._experiment(client, name), run_name=name)
            for key, value in (metrics or {}).items():
                client.log_metric(run.info.run_id, key, value)
            client.log_artifacts(run.info.run_id, str(folder), "model")
            client.set_terminated(run.info.run_id)
            if self._find(client, name) is None:
                self._make(client, name)
            source = f"{run.info.artifact_uri}/model"
            made = client.create_model_version(name, source, run_id=run.info.run_id, tags=tags, await_creation_for=0)
            version = _version(made)
            if CHAMPION not in self._model(name).aliases:
                client.set_registered_model_alias(name, CHAMPION, version.version)
        return version

    def version(self, name: str, version: str) -> ModelVersion:
        """That version.

        Raises:
            UnknownModel, UnknownVersion: there is none.
        """
        client = self._client()
        with said(self.uri):
            self._model(name)
            try:
                return _version(client.get_model_version(name, version))
            except Exception as e:
                if not is_missing(e):
                    raise
            known = sorted(int(v.version) for v in client.search_model_versions(f"name = '{name}'"))
        raise UnknownVersion(name, version, tuple(map(str, known)))

    def champion(self, name: str) -> ModelVersion:
        """The version that is served unless another is asked for, and that the next challenger has to beat.

        Raises:
            UnknownModel, UnknownVersion: there is none.
        """
        return self.version(name, str(self._model(name).aliases.get(CHAMPION, CHAMPION)))

    def promote(self, name: str, version: str) -> None:
        """Make that version the champion.

        Raises:
            UnknownModel, UnknownVersion: there is none.
        """
        self.version(name, version)
        with said(self.uri):
            self._client().set_registered_model_alias(name, CHAMPION, version)

    def with_tag(self, name: str, key: str, value: str) -> list[ModelVersion]:
        """The versions of `name` that have this tag, oldest first."""
        with said(self.uri):
            found = self._client().search_model_versions(f"name = '{name}' and tag.`{key}` = '{value}'")
        return sorted(map(_version, found), key=lambda v: int(v.version))

    def fetch(self, name: str, version: str, into: Path) -> None:
        """Bring the files of a version into the folder `into`; if they are there already, nothing happens.

        They appear there all at once. Two processes may fetch into the same folder.

        Raises:
            UnknownModel, UnknownVersion: there is none.
            RegistryUnreachable: the registry or the store of its files does not answer.
        """
        if (into / "MLmodel").exists():
            return
        self.version(name, version)
        with said(self.uri):
            into.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=".fetch-", dir=into.parent))
        try:
            with said(self.uri):
                files = self._download(name, version, temporary)
            try:
                files.rename(into)
            except OSError as e:
                if not (into / "MLmodel").exists():  # else another process was faster
                    raise RegistryError(
                        f"The files of models:/{name}/{version} cannot be put into {into} ({e.strerror}). "
                        "Empty that folder, or name another"
                    ) from e
        finally:
            rmtree(temporary, ignore_errors=True)

    def nights(self, name: str) -> list[Night]:
        """What became of every night of the model, by date; empty when there is no such model."""
        with said(self.uri):
            model = self._find(self._client(), name)
        found: list[Night] = []
        for key, value in (model.tags if model else {}).items():
            if key.startswith(NIGHT_TAG):
                try:
                    found.append(Night.model_validate_json(value))
                except ValidationError:
                    log.warning("the tag %s of %s is not a valid night; it is left out", key, name)
        return sorted(found, key=lambda night: night.date)

    def record_night(self, name: str, night: Night) -> None:
        """Keep the night, in place of an earlier one of the same date.

        Raises:
            UnknownModel: there is none of that name.
        """
        self._model(name)
        with said(self.uri):
            self._client().set_registered_model_tag(name, f"{NIGHT_TAG}{night.date}", night.model_dump_json())

    def first_date(self, name: str, timezone: str) -> date | None:
        """The day on which the model was registered: no night before it is owed. None when there is no such model."""
        with said(self.uri):
            model = self._find(self._client(), name)
        if model is None:
            return None
        return datetime.fromtimestamp(model.creation_timestamp / 1000, UTC).astimezone(ZoneInfo(timezone)).date()

    def _client(self) -> MlflowClient:
        with self._lock:
            if self._opened is None:
                self._opened = open_client(self.uri, self._artifacts)
            return self._opened

    def _model(self, name: str) -> Any:
        with said(self.uri):
            model = self._find(self._client(), name)
        if model is None:
            raise UnknownModel(name, place(self.uri))
        return model

    def _find(self, client: MlflowClient, name: str) -> Any | None:
        try:
            return client.get_registered_model(name)
        except Exception as e:
            if not is_missing(e):
                raise
            return None

    def _make(self, client: MlflowClient, name: str) -> None:
        try:
            client.create_registered_model(name)
        except Exception:
            if self._find(client, name) is None:  # else another process was faster
                raise

    def _experiment(self, client: MlflowClient, name: str) -> str:
        """The model's own experiment, which says where its files are kept, whoever registers later."""
        title = f"tenfold/{name}"
        for attempt in range(2):
            found = client.get_experiment_by_name(title)
            if found is not None:
                return str(found.experiment_id)
            served = self.uri.startswith(("http://", "https://"))
            if not served and self._artifacts is None:
                raise RegistryError(
                    f"The registry at {place(self.uri)} says nothing of where files are kept. "
                    "Give Registry(..., artifacts=FOLDER), or name an MLflow server in TENFOLD_REGISTRY_URI"
                )
            location = None if served or self._artifacts is None else f"{self._artifacts.resolve().as_uri()}/{name}"
            try:
                return str(client.create_experiment(title, artifact_location=location))
            except Exception:
                if attempt:  # else another process was faster
                    raise
        raise AssertionError("the loop returns or raises")

    def _download(self, name: str, version: str, into: Path) -> Path:
        from mlflow.artifacts import download_artifacts

        source = self._client().get_model_version_download_uri(name, version)
        return Path(
            download_artifacts(artifact_uri=source, dst_path=str(into), tracking_uri=self.uri, registry_uri=self.uri)
        )


def _version(found: Any) -> ModelVersion:
    return ModelVersion(str(found.name), str(found.version), dict(found.tags))
