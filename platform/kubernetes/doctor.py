"""Looks at a namespace before anything is applied: rights, ingress class, metrics, storage, policy, images. Leaves
nothing behind.

The questions go to the API server; what its answers mean is decided by pure functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from ..display import Shown
from ..spec import Autoscaling, Frozen, Ingress, ServiceSpec
from . import pull
from .api import KINDS, Api, Object
from .errors import ClusterUnreachable, KubernetesError
from .manifests import manifests

if TYPE_CHECKING:
    from rich.console import RenderableType

Result = Literal["ok", "warning", "problem"]
_COLOURS: Final = {"ok": "green", "warning": "yellow", "problem": "red"}
OLDEST, NEWEST = (1, 30), (1, 37)


class Finding(Frozen):
    """One thing that was looked at."""

    about: str
    result: Result
    sentence: str


class Diagnosis(Shown, Frozen):
    """All that was looked at."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing stands in the way of a deploy."""
        return all(finding.result != "problem" for finding in self.findings)

    def __rich__(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False)
        for finding in self.findings:
            table.add_row(Text(finding.result, style=_COLOURS[finding.result]), finding.about, Text(finding.sentence))
        return table


def diagnose(api: Api, spec: ServiceSpec) -> Diagnosis:
    """What stands in the way of running `spec` in the namespace."""
    try:
        findings = [about_version(api.read("/version")), *_namespace(api)]
    except ClusterUnreachable as e:
        return Diagnosis(findings=(Finding(about="cluster", result="problem", sentence=str(e)),))
    findings += about_rights(list(_denied(api, spec)))
    findings.append(about_ingress(spec.ingress, _items(api, "/apis/networking.k8s.io/v1/ingressclasses")))
    findings.append(about_metrics(spec.autoscaling, _groups(api)))
    if spec.database is None or spec.registry is None:
        findings.append(about_storage(_items(api, "/apis/storage.k8s.io/v1/storageclasses")))
    findings += _images(api, spec)
    return Diagnosis(findings=tuple(findings))


def about_version(said: Object) -> Finding:
    """Whether this Kubernetes is one that tenfold was made for."""
    number = (int(said.get("major", 0)), int("".join(c for c in str(said.get("minor", "0")) if c.isdigit())))
    name = f"Kubernetes {number[0]}.{number[1]}"
    if number < OLDEST:
        sentence = f"{name} is older than {OLDEST[0]}.{OLDEST[1]}, whose preStop sleep is needed. Update the cluster"
        return Finding(about="version", result="problem", sentence=sentence)
    if number > NEWEST:
        return Finding(about="version", result="warning", sentence=f"{name} is newer than what tenfold was tried with")
    return Finding(about="version", result="ok", sentence=name)


def about_rights(denied: Sequence[str]) -> list[Finding]:
    """Whether what is applied may be applied."""
    if not denied:
        return [Finding(about="rights", result="ok", sentence="everything that a deploy does is allowed")]
    sentence = f"not allowed: {', '.join(denied)}. Ask for the role `admin` of the namespace"
    return [Finding(about="rights", result="problem", sentence=sentence)]


def about_ingress(ingress: Ingress, classes: Sequence[Object] | None) -> Finding:
    """Whether somebody will act on the Ingress."""
    if ingress.kind != "ingress":
        return Finding(about="ingress", result="ok", sentence=f"no Ingress is made (ingress.kind={ingress.kind})")
    if classes is None:
        return Finding(about="ingress", result="warning", sentence="the ingress classes may not be listed")
    names = sorted(c["metadata"]["name"] for c in classes)
    if ingress.class_name in names:
        return Finding(about="ingress", result="ok", sentence=f"the class {ingress.class_name} is there")
    there = f"there are: {', '.join(names)}" if names else "there is none"
    return Finding(
        about="ingress",
        result="warning",
        sentence=f"no ingress class is named {ingress.class_name}; {there}. "
        "Name one with --set ingress.class_name=NAME",
    )


def about_metrics(autoscaling: Autoscaling | None, groups: Sequence[str]) -> Finding:
    """Whether an autoscaler would have something to go by."""
    if "metrics.k8s.io" in groups:
        return Finding(about="metrics", result="ok", sentence="the metrics API answers")
    sentence = "the cluster has no metrics API, so an autoscaler cannot act. Install metrics-server"
    return Finding(about="metrics", result="problem" if autoscaling else "warning", sentence=sentence)


def about_storage(classes: Sequence[Object] | None) -> Finding:
    """Whether the volume claims of database and registry would be met."""
    if classes is None:
        return Finding(about="storage", result="warning", sentence="the storage classes may not be listed")
    default = "storageclass.kubernetes.io/is-default-class"
    found = [c for c in classes if (c["metadata"].get("annotations") or {}).get(default) == "true"]
    if found:
        return Finding(about="storage", result="ok", sentence=f"the default class is {found[0]['metadata']['name']}")
    return Finding(
        about="storage",
        result="problem",
        sentence="no storage class is the default, so the database gets no volume. Make one the default, or use an "
        "existing database and registry (--set database=SECRET --set registry=URL)",
    )


def about_images(pod: Object) -> list[Finding]:
    """Whether the node of that pod could pull its images."""
    refused, unknown = pull.refused(pod), pull.unknown(pod)
    findings = [
        Finding(
            about="images",
            result="problem",
            sentence=f"{image} cannot be pulled ({said}). Push it where the nodes can pull it, or name another with "
            "--set images.serving=IMAGE (images.training, images.user_interface, images.postgres)",
        )
        for image, said in refused.items()
    ]
    if unknown:
        sentence = f"{', '.join(unknown)}: not known after {pull.PULL_SECONDS:g} s; see: kubectl get events"
        findings.append(Finding(about="images", result="warning", sentence=sentence))
    return findings or [Finding(about="images", result="ok", sentence="a node can pull all of them")]


def _images(api: Api, spec: ServiceSpec) -> list[Finding]:
    try:
        return about_images(pull.try_images(api, spec))
    except ClusterUnreachable:
        raise
    except KubernetesError as e:
        return [Finding(about="images", result="warning", sentence=f"no pod can be made to try them: {e}")]


def _namespace(api: Api) -> Iterator[Finding]:
    try:
        live = api.read(f"/api/v1/namespaces/{api.namespace}")
    except ClusterUnreachable:
        raise
    except KubernetesError as e:
        yield Finding(about="namespace", result="problem", sentence=str(e))
        return
    level = (live["metadata"].get("labels") or {}).get("pod-security.kubernetes.io/enforce", "nothing")
    yield Finding(about="namespace", result="ok", sentence=f"{api.namespace}, Pod Security enforces {level}")


def _denied(api: Api, spec: ServiceSpec) -> Iterator[str]:
    kinds = sorted({m["kind"] for m in manifests(spec)} | {"Secret", "Job"})
    wished = [(kind, verb, "") for kind in kinds for verb in ("create", "patch")]
    wished += [("Pod", "list", ""), ("Pod", "create", "portforward"), ("Event", "list", "")]
    for kind, verb, subresource in wished:
        version, plural = KINDS[kind]
        attributes = {
            "namespace": api.namespace,
            "verb": verb,
            "group": version.rpartition("/")[0],
            "resource": plural,
            "subresource": subresource,
        }
        review: Any = api.review({"resourceAttributes": attributes})
        if not review["status"].get("allowed"):
            yield f"{verb} {'/'.join(part for part in (plural, subresource) if part)}"


def _items(api: Api, path: str) -> list[Object] | None:
    try:
        return list(api.read(path).get("items") or [])
    except ClusterUnreachable:
        raise
    except KubernetesError:
        return None


def _groups(api: Api) -> list[str]:
    return [group["name"] for group in api.read("/apis").get("groups") or []]
