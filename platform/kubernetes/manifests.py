"""Manifests from a spec: the YAML of `k8s/`, loaded once, with typed fields set. Pure.

`k8s/` is the only source of what is applied: whatever is not set here stands there. A spec that says what the YAML
says gives the YAML, which a test shows. Nothing is put together as text.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from ..errors import KeysElsewhere
from ..spec import ServiceSpec

Object = dict[str, Any]

SEED: Final = "ml-model"
SPEC, CAUSE = "tenfold.dev/spec", "kubernetes.io/change-cause"
SERVICE_LABEL, OWNED_LABEL = "tenfold.dev/service", "tenfold.dev/of"
DATABASE_SECRET, DATABASE_KEY = "tenfold-database", "url"
REGISTRY: Final = "http://mlflow:5000"
PRE_STOP_SECONDS, STOP_SECONDS = 5, 5
KEYS_FOLDER, KEYS = "/etc/tenfold/api-keys", "keys"
NEVER: Final = "0 2 * * *"
_SHARED = ("database.yaml", "registry.yaml")
_PAGE = ("user-interface.yaml", "ingress.yaml", "httproute/httproute.yaml")
_OWN = ("training.yaml", "serving.yaml", "autoscaling/autoscaling.yaml")
_KEYS = "api-keys/api-keys.yaml"


@cache
def _documents(file: str) -> tuple[Object, ...]:
    import yaml

    text = resources.files("tenfold.k8s").joinpath(*file.split("/")).read_text(encoding="utf-8")
    return tuple(yaml.safe_load_all(text))


def load(*files: str) -> list[Object]:
    """Copies of the documents in those files of `k8s/`."""
    return [copy.deepcopy(document) for file in files for document in _documents(file)]


def manifests(spec: ServiceSpec, *, replicas: int | None = None) -> list[Object]:
    """Everything that the service needs, in the order in which it is applied.

    Args:
        spec: what should be.
        replicas: where another than `spec.replicas` runs now and an autoscaler decides; None: the spec's.
    """
    return [*shared_manifests(spec), *page_manifests(spec), *service_manifests(spec, replicas=replicas)]


def shared_manifests(spec: ServiceSpec | None = None) -> list[Object]:
    """The database and the registry's server, unless existing ones take their place."""
    parts: list[Object] = []
    if spec is None or spec.database is None:
        parts += load(_SHARED[0])
    if spec is None or spec.registry is None:
        parts += load(_SHARED[1])
    for part in parts:
        if pod := pod_of(part):
            container = pod["containers"][0]
            if part["metadata"]["name"] == "postgres" and spec:
                container["image"] = spec.images.postgres
            if part["metadata"]["name"] == "mlflow" and spec:
                container["image"] = spec.images.training
            _refer_to_database(container, spec)
    return parts


def page_manifests(spec: ServiceSpec) -> list[Object]:
    """The page and the way to it."""
    ways = {"Ingress": "ingress", "HTTPRoute": "httproute"}
    parts = [part for part in load(*_PAGE) if ways.get(part["kind"], spec.ingress.kind) == spec.ingress.kind]
    for part in parts:
        match part["kind"]:
            case "Deployment":
                container = part["spec"]["template"]["spec"]["containers"][0]
                container["image"] = spec.images.user_interface
                container["args"][-1] = spec.ingress.path
                _set(container, {"TENFOLD_REGISTRY_URI": spec.registry or REGISTRY})
            case "Ingress":
                _set_ingress(part["spec"], spec)
            case "HTTPRoute":
                part["spec"]["parentRefs"] = [{"name": spec.ingress.class_name}]
                if spec.ingress.host:
                    part["spec"]["hostnames"] = [spec.ingress.host]
                part["spec"]["rules"][0]["matches"][0]["path"]["value"] = spec.ingress.path
            case _:
                pass
    return parts


def service_manifests(spec: ServiceSpec, *, replicas: int | None = None) -> list[Object]:
    """What belongs to this service alone, its Deployment last: by then all that its pods need is there."""
    parts = [named(part, spec.name) for part in load(*_OWN)]
    if spec.server.api_keys_secret:
        parts += keys_manifests(spec.name, spec.server.api_keys_secret)
    setters: Mapping[str, Callable[[Object, ServiceSpec], None]] = {
        "CronJob": _set_cron_job,
        "HorizontalPodAutoscaler": _set_autoscaler,
    }
    for part in parts:
        if part["kind"] == "Deployment":
            set_deployment(part, spec, replicas=replicas)
        elif setter := setters.get(part["kind"]):
            setter(part, spec)
    wanted = [p for p in parts if spec.autoscaling or p["kind"] != "HorizontalPodAutoscaler"]
    return sorted(wanted, key=lambda part: part["kind"] == "Deployment")


def keys_manifests(name: str, secret: str) -> list[Object]:
    """What lets the page read the keys of the service."""
    parts = [named(part, name) for part in load(_KEYS)]
    for part in parts:
        if part["kind"] == "Role":
            part["rules"][0]["resourceNames"] = [secret]
    return parts


def mount_keys(pod: Object, secret: str) -> None:
    """Show the keys of a Secret to the first container of a pod; what changes in it changes there within a minute."""
    container = pod["containers"][0]
    container["env"].append({"name": "TENFOLD_API_KEYS_FILE", "value": f"{KEYS_FOLDER}/{KEYS}"})
    container["volumeMounts"].append({"name": "api-keys", "mountPath": KEYS_FOLDER, "readOnly": True})
    pod["volumes"].append({"name": "api-keys", "secret": {"secretName": secret}})


def deployment(spec: ServiceSpec, *, replicas: int | None = None) -> Object:
    """The one object that a new version changes."""
    return service_manifests(spec, replicas=replicas)[-1]


def set_deployment(part: Object, spec: ServiceSpec, *, replicas: int | None = None) -> None:
    """Set all of a Deployment that the spec says.

    Raises:
        KeysElsewhere: the spec names a file of keys alone.
    """
    if spec.server.api_keys_file and not spec.server.api_keys_secret:
        raise KeysElsewhere("api_keys_file", "api_keys_secret")
    annotations = part["metadata"]["annotations"]
    annotations[SPEC] = spec.model_dump_json(exclude_defaults=True)
    annotations[CAUSE] = spec.model
    part["spec"]["replicas"] = spec.replicas if replicas is None else replicas
    part["spec"]["progressDeadlineSeconds"] = max(
        math.ceil(spec.progress_deadline_seconds), part["spec"]["minReadySeconds"] + 1
    )
    pod = part["spec"]["template"]["spec"]
    pod["terminationGracePeriodSeconds"] = (
        PRE_STOP_SECONDS + math.ceil(spec.server.drain_seconds + spec.server.deadline_seconds) + STOP_SECONDS
    )
    container = pod["containers"][0]
    container["image"] = spec.images.serving
    container["resources"] = {
        "requests": {"cpu": f"{math.ceil(spec.resources.cpu * 1000)}m", "memory": spec.resources.memory},
        "limits": {"memory": spec.resources.memory},
    }
    _set(
        container,
        {
            "TENFOLD_NAME": spec.name,
            "TENFOLD_MODEL": spec.model,
            "TENFOLD_VERSION": spec.version,
            "TENFOLD_CPU": f"{spec.resources.cpu:g}",
            "TENFOLD_REGISTRY_URI": spec.registry or REGISTRY,
        },
    )
    chosen = spec.server.model_copy(update={"api_keys_file": None}).environment(changed_only=True)
    container["env"] += [{"name": name, "value": value} for name, value in chosen.items()]
    _refer_to_database(container, spec)
    if spec.server.api_keys_secret:
        mount_keys(pod, spec.server.api_keys_secret)


def named(part: Object, name: str, seed: str = SEED) -> Object:
    """The object with the seed's name replaced: where it is the whole of a text, or the first part of a name."""

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(v) for key, v in value.items()}
        if isinstance(value, list):
            return [renamed(v) for v in value]
        if isinstance(value, str) and (value == seed or value.startswith(f"{seed}-")):
            return name + value.removeprefix(seed)
        return value

    return renamed(part)


def pod_of(part: Object) -> Object | None:
    """The pod that a workload is made from; None for what is no workload."""
    spec: Object = part.get("spec") or {}
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    pod: Object | None = spec.get("template", {}).get("spec")
    return pod


def spec_of(live: Object) -> ServiceSpec | None:
    """The spec that a Deployment or ReplicaSet carries; None when it carries none, and so is not tenfold's.

    Raises:
        InvalidSpec: a newer tenfold wrote it, or a person wrongly.
    """
    written = (live["metadata"].get("annotations") or {}).get(SPEC)
    return ServiceSpec.of(**json.loads(written)) if written else None


def version_of(pod: Object) -> str:
    """The model version that a pod, or a pod template, serves."""
    return next(
        (str(e.get("value", "")) for c in pod["spec"]["containers"] for e in c.get("env") or [] if _is_version(e)), ""
    )


def _is_version(entry: Object) -> bool:
    return entry["name"] == "TENFOLD_VERSION"


def _set_cron_job(part: Object, spec: ServiceSpec) -> None:
    retraining = spec.retraining
    at = retraining.at
    part["spec"]["schedule"] = f"{at.minute} {at.hour} * * *" if at else NEVER
    part["spec"]["timeZone"] = retraining.timezone
    part["spec"]["suspend"] = at is None or retraining.paused
    pod = pod_of(part)
    assert pod is not None
    container = pod["containers"][0]
    container["image"] = spec.images.training
    _set(container, {"TENFOLD_REGISTRY_URI": spec.registry or REGISTRY})
    _refer_to_database(container, spec)


def _set_autoscaler(part: Object, spec: ServiceSpec) -> None:
    if spec.autoscaling:
        part["spec"]["minReplicas"] = spec.autoscaling.min_replicas
        part["spec"]["maxReplicas"] = spec.autoscaling.max_replicas
        part["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] = spec.autoscaling.cpu_percent


def _set_ingress(part: Object, spec: ServiceSpec) -> None:
    part["ingressClassName"] = spec.ingress.class_name
    rule = part["rules"][0]
    rule["http"]["paths"][0]["path"] = f"{spec.ingress.path}(/|$)(.*)"
    if spec.ingress.host:
        rule["host"] = spec.ingress.host
    if spec.ingress.tls_secret:
        hosts = {"hosts": [spec.ingress.host]} if spec.ingress.host else {}
        part["tls"] = [{**hosts, "secretName": spec.ingress.tls_secret}]


def _refer_to_database(container: Object, spec: ServiceSpec | None) -> None:
    for entry in container.get("env") or []:
        reference = (entry.get("valueFrom") or {}).get("secretKeyRef")
        if reference and reference["key"] == DATABASE_KEY and spec and spec.database:
            reference["name"] = spec.database


def _set(container: Object, values: Mapping[str, str]) -> None:
    """Replace the values of variables that stand in the YAML."""
    entries: Iterable[Object] = container["env"]
    for entry in entries:
        if entry["name"] in values:
            entry.pop("value", None)
            # The server forgets an empty value, and would find a difference in every apply.
            if value := values[entry["name"]]:
                entry["value"] = value
    missing = values.keys() - {entry["name"] for entry in entries}
    assert not missing, f"k8s/ does not declare {missing}"
