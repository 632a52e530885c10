"""`Platform`: the Python entrance. Registers models, deploys services, and hands out `Service` objects.

    platform = Platform.local()
    platform.register(model, name="flight-delay", example=X.head())
    service = platform.deploy("flight-delay", replicas=10)

Everything it does goes through one target and one registry; the CLI has a command of the same name for every method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from . import keys
from .errors import PlatformError, UnknownService
from .history import past_rows
from .local.state import State
from .local.target import LocalTarget
from .progress import shown_progress
from .rollout import Progress, roll_out
from .service import Service
from .spec import ServiceSpec
from .target import Change, Status, Target

if TYPE_CHECKING:
    from pandas import DataFrame

    from ..serving.inference_log.store import InferenceLog
    from ..training.registry import ModelVersion, Registry
    from .kubernetes.doctor import Diagnosis
    from .retraining import Nights

COMPARED_ROWS = 1000
"""Newest rows of the inference log on which a model and its compiled form are compared."""


class Platform:
    """Models, services and data of one place. Build it with `Platform.local()` or `Platform.kubernetes()`."""

    def __init__(
        self,
        target: Target,
        registry: Registry,
        log_url: str | Callable[[], str],
        *,
        address: Callable[[str], str] | None = None,
        api_key: Callable[[str], str | None] | None = None,
        nights: Nights | None = None,
    ) -> None:
        """
        Args:
            target: what runs the services.
            registry: of models and nights.
            log_url: where predictions and labels are kept, or how to find out.
            address: where this process reaches the model of a service; None: where its status says.
            api_key: what opens the model of a service to this process; None: the file that its spec names.
            nights: runs nights elsewhere; None: they run in this process.
        """
        self.target = target
        self.registry = registry
        self.nights = nights
        self._log_url = log_url
        self._address = address
        self._api_key = api_key

    @classmethod
    def local(cls, state: str | Path | None = None, *, background: bool = True) -> Self:
        """The platform on this machine, all of it under one folder. Nothing is opened or started yet.

        Args:
            state: the folder; default `TENFOLD_STATE`, else `~/.tenfold`.
            background: whether deploying starts a controller when none runs.
        """
        from ..training.registry import Registry

        folder = State(Path(state)) if state else State.default()
        registry = Registry(folder.registry_uri, artifacts=folder.artifacts)

        def fetch(name: str, version: str, into: Path) -> None:
            registry.fetch(name, version, into)

        return cls(LocalTarget(folder, fetch, background=background), registry, folder.log_url)

    @classmethod
    def kubernetes(cls, namespace: str | None = None, context: str | None = None) -> Self:
        """The platform in a namespace of a cluster. Nothing is read or opened yet.

        From outside of the cluster the model, the registry and the inference log are reached through the API server.

        Args:
            namespace: default `TENFOLD_NAMESPACE`, else the pod's own, else the context's.
            context: of the KUBECONFIG; default its current one.
        """
        from .kubernetes.platform import parts

        return cls(**parts(namespace, context))

    @property
    def log_url(self) -> str:
        """Where this process reaches the inference log's database."""
        return self._log_url if isinstance(self._log_url, str) else self._log_url()

    def address(self, name: str) -> str:
        """Where this process reaches the model of the service."""
        return self._address(name) if self._address else self.target.status(name).url

    def api_key(self, name: str) -> str | None:
        """What opens the model of the service to this process: `TENFOLD_API_KEY`, else the service's first key.

        None where nobody needs a key.

        Raises:
            tenfold.platform.errors.KeyUnknown: one is needed, and this process cannot read it.
        """
        if given := keys.given():
            return given
        return self._api_key(name) if self._api_key else keys.of_file(self.target.status(name).spec)

    def __repr__(self) -> str:
        return f"Platform({', '.join(self.target.names) or 'no services'})"

    def register(
        self,
        model: Any,
        name: str,
        *,
        example: Any,
        tags: dict[str, str] | None = None,
        accelerate: Literal["onnx"] | None = None,
    ) -> ModelVersion:
        """Keep a fitted model as the next version of `name`. The first version becomes the champion.

        Args:
            model: a fitted scikit-learn estimator.
            name: of the registered model and of the service.
            example: a few rows as the model takes them; names, types and missing values become the signature.
            tags: kept with the version.
            accelerate: "onnx": keep a compiled form too, for a service whose `server.accelerate` asks for it; default:
                what the service of that name asks for. It is compared on the example and on the newest logged rows.

        Raises:
            tenfold.training.errors.TrainingError: the registry is unreachable, or the model cannot be stored safely,
                or has no compiled form that gives the same answers.
        """
        ServiceSpec.of(name=name, model=f"models:/{name}/1")
        self._prepare()
        service = self._spec(name)
        if accelerate is None and service:
            accelerate = service.server.accelerate
        logged = self._newest_rows(name) if accelerate and service else []
        return self.registry.register(
            model, name, example=example, tags=tags or {}, accelerate=accelerate, logged=logged
        )

    def spec(self, name: str, *, version: str | None = None, **fields: Any) -> ServiceSpec:
        """The spec that `deploy` with the same arguments would apply.

        Args:
            name: of the service.
            version: of the model; default: the one that is served, for a new service the champion.
            fields: fields of `ServiceSpec` to set; all others stay, or have their default in a new service.
        """
        self._prepare()
        before = self._spec(name)
        if version:
            fields["model"] = self.registry.version(name, version).uri
        elif before is None and "model" not in fields:
            fields["model"] = self.registry.champion(name).uri
        return before.changed(**fields) if before else ServiceSpec.of(name=name, **fields)

    def plan(self, spec: ServiceSpec) -> tuple[Change, ...]:
        """What `deploy(spec)` would change; empty when nothing."""
        return self.target.plan(spec)

    def render(self, spec: ServiceSpec) -> str:
        """What a cluster is given to run `spec`, as YAML, whatever this platform runs on.

        The database's password is made in the cluster by a Job that is part of it.
        """
        from .kubernetes.render import render

        return render(spec)

    def doctor(self, spec: ServiceSpec) -> Diagnosis:
        """What stands in the way of deploying `spec` in the cluster's namespace; nothing is changed.

        Raises:
            PlatformError: this platform is no cluster's.
        """
        from .kubernetes.doctor import diagnose
        from .kubernetes.target import KubernetesTarget

        if not isinstance(self.target, KubernetesTarget):
            raise PlatformError("Only a cluster is looked at; say which with: tenfold --target kubernetes doctor")
        return diagnose(self.target.api, spec)

    def deploy(
        self,
        service: str | ServiceSpec,
        *,
        version: str | None = None,
        progress: Progress | None = None,
        roll_back: bool = True,
        **fields: Any,
    ) -> Service:
        """Make the service what it should be and return when it is ready.

        Args:
            service: its name, or a whole spec.
            version: of the model; default: the one that is served, for a new service the champion.
            progress: called with every status on the way; default: a line in a terminal or notebook.
            roll_back: whether what served before is deployed again when this does not become ready.
            fields: fields of `ServiceSpec` to set, e.g. `replicas=10`.

        Raises:
            tenfold.platform.errors.RolledBack: it did not become ready, and what served before serves again.
            tenfold.platform.errors.RolloutFailed: it did not become ready and stays as it is.
        """
        spec = self.spec(service, version=version, **fields) if isinstance(service, str) else service.changed(**fields)
        before = self._spec(spec.name)
        with shown_progress(progress) as report:
            roll_out(self.target, spec, progress=report, roll_back=roll_back)
        # What a person chose to serve is what the next night's challenger has to beat. Where nobody chose, a champion
        # that is not served yet waits for its night.
        chosen = before is None or before.model != spec.model
        if chosen and self.registry.champion(spec.name).version != spec.version:
            self.registry.promote(spec.name, spec.version)
        return self.service(spec.name)

    def service(self, name: str) -> Service:
        """The service of that name.

        Raises:
            tenfold.platform.errors.UnknownService: there is none.
        """
        self.target.status(name)
        return Service(self, name)

    def services(self) -> tuple[Service, ...]:
        """All services."""
        return tuple(Service(self, name) for name in self.target.names)

    def statuses(self) -> list[Status]:
        """How all services are; one that is deleted meanwhile is left out."""
        seen: list[Status] = []
        for name in self.target.names:
            with suppress(UnknownService):
                seen.append(self.target.status(name))
        return seen

    def down(self) -> int:
        """Stop everything that runs; desired state, models and data stay. Returns how many processes were stopped."""
        if not isinstance(self.target, LocalTarget):
            raise PlatformError("Only the local platform has processes of its own to stop; delete the services instead")
        return self.target.down()

    def inference_log(self) -> InferenceLog:
        """The predictions and labels; the caller closes it."""
        from ..serving.inference_log.store import InferenceLog

        self._prepare()
        return InferenceLog(self.log_url)

    def import_rows(
        self, name: str, rows: DataFrame | Sequence[Mapping[str, Any]], labels: Sequence[Any], times: Sequence[datetime]
    ) -> list[str]:
        """Put past rows of the model `name` with their labels into the inference log, to train on.

        Args:
            name: of the model; its service need not exist yet.
            rows: DataFrame or list of dicts, n rows.
            labels: n labels.
            times: n times, with a zone, at which each row would have been predicted.

        Returns:
            The ids of the n rows. Importing the same again gives the same ids and changes nothing.

        Raises:
            InvalidRows: the three differ in length, a time has no zone, or there are no rows; nothing is stored.
            tenfold.serving.inference_log.errors.LogError: a label cannot be one, or the log is unreachable.
        """
        given = past_rows(rows, labels, times)
        log = self.inference_log()
        try:
            return log.import_rows(name, given.rows, given.labels, given.times)
        finally:
            log.close()

    def _spec(self, name: str) -> ServiceSpec | None:
        """The desired state now; None where there is no such service."""
        return self.target.status(name).spec if name in self.target.names else None

    def _newest_rows(self, name: str) -> list[Mapping[str, Any]]:
        log = self.inference_log()
        try:
            return [prediction.row for prediction in log.recent(name, COMPARED_ROWS)]
        finally:
            log.close()

    def _prepare(self) -> None:
        """Say that the state folder cannot be used before a database driver says that it cannot open a file."""
        if isinstance(self.target, LocalTarget):
            self.target.state.create()
