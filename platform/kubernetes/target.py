"""The Kubernetes target: a service as a Deployment and what belongs to it, by server-side apply.

Kubernetes keeps the replicas alive; nothing here re-implements what it does. The desired state stands as an annotation
on the Deployment, what was served before in its rollout history. A night changes the Deployment alone, so that its
Role need allow nothing else.
"""

from __future__ import annotations

import re
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx

from ..errors import PlatformError, UnknownService
from ..plan import differences
from ..spec import NAME, ServiceSpec
from ..target import Change, LogLine, Status, Traffic
from ..traffic import traffic_of
from . import manifests as made
from . import plan as dry
from . import secret
from .api import MANAGER, Api
from .errors import FieldConflict, KubernetesError, NotAllowed
from .logs import pod_logs
from .verdict import Seen, judge, past_deadline, previous, replicas, restarts, revision_of

Object = dict[str, Any]
SHARED_READY_SECONDS = 300.0
DELETION_SECONDS = 180.0
AUTOSCALER = "kube-controller-manager"
# httpx would read all certificate authorities for each question, though none is asked over TLS.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class KubernetesTarget:
    """Implements `tenfold.platform.target.Target` on one namespace of a cluster."""

    poll_seconds = 1.0

    def __init__(self, api: Api) -> None:
        self.api = api
        # What each container had answered when it was seen last: counters of those that ended must not go back.
        self._answered: dict[str, dict[str, tuple[Traffic, ...]]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The services that exist, sorted."""
        found = self.api.list("Deployment", made.SERVICE_LABEL)
        return tuple(sorted(d["metadata"]["labels"][made.SERVICE_LABEL] for d in found if not _leaving(d)))

    def plan(self, spec: ServiceSpec) -> tuple[Change, ...]:
        """What `apply(spec)` would change, by a server-side dry run; empty when nothing."""
        live = self._deployment(spec.name)
        wished = self._wished(spec, live)
        found = [c for m in wished for c in dry.changes(self.api.find(m["kind"], m["metadata"]["name"]), self._dry(m))]
        if spec.database is None and self.api.find("Secret", made.DATABASE_SECRET) is None:
            found.append(Change(field=f"Secret {made.DATABASE_SECRET}", before=None, after="new, with a new password"))
        found += [Change(field=f"{kind} {name}", before="there", after=None) for kind, name in _pruned(live, spec)]
        before = _before(live)
        if before and spec.autoscaling:
            before = before.changed(replicas=spec.replicas)  # the number is the autoscaler's
        return tuple(found) or differences(before, spec)

    def apply(self, spec: ServiceSpec) -> None:
        """Make `spec` the desired state and return at once.

        Raises:
            FieldConflict: another manager set a field to another value.
        """
        self._await_deletion(spec.name)
        live = self._deployment(spec.name)
        if spec.database is None and not _only_version(live, spec):
            secret.make(self.api)
        for manifest in self._wished(spec, live):
            self._apply(manifest)
        for kind, name in _pruned(live, spec):
            self.api.delete(kind, name)

    def prepare(self, spec: ServiceSpec | None = None) -> None:
        """Make sure that the shared database and registry are there, as the spec wishes; returns at once."""
        if spec is None or spec.database is None:
            secret.make(self.api)
        for manifest in made.shared_manifests(spec):
            self.api.apply(manifest)

    def await_registry(self) -> None:
        """Return when the registry's server of this namespace answers; it is made if it is not there.

        Raises:
            KubernetesError: it does not become ready.
        """
        deadline = time.monotonic() + SHARED_READY_SECONDS
        if self.api.find("Deployment", "mlflow") is None:
            self.prepare()
        while True:
            live = self.api.get("Deployment", "mlflow")
            if (live.get("status") or {}).get("readyReplicas"):
                return
            if time.monotonic() > deadline:
                pods = [*self.api.list("Pod", "app=mlflow"), *self.api.list("Pod", "app=postgres")]
                events = self.api.list("Event", fields="type=Warning")
                causes = {p["metadata"]["name"]: made_cause for p in pods if (made_cause := _cause(p, events))}
                why = "; ".join(f"{pod}: {cause}" for pod, cause in causes.items()) or "nothing says why"
                raise KubernetesError(f"The registry is not ready after {SHARED_READY_SECONDS:g} s: {why}")
            time.sleep(self.poll_seconds)

    def status(self, name: str) -> Status:
        """Desired and actual state.

        Raises:
            UnknownService: no such service.
        """
        seen = self.seen(name)
        spec = self._spec(seen.deployment)
        desired = spec.changed(replicas=seen.deployment["spec"].get("replicas", 1))
        verdict, reason = judge(seen, desired)
        return Status(
            name=name,
            verdict=verdict,
            reason=reason,
            timed_out=verdict == "failed" and past_deadline(seen),
            spec=desired,
            revision=revision_of(seen.deployment),
            previous=previous(seen, spec),
            replicas=replicas(seen),
            restarts=restarts(seen),
            url=f"http://{name}-svc.{self.api.namespace}",
            page_url=self._page_url(spec),
            # That of the namespace is for its pods alone.
            registry_url=spec.registry or "",
            traffic=self._traffic(name, seen),
            next_run=_next_run(spec),
        )

    def seen(self, name: str) -> Seen:
        """What the cluster has of the service at this moment.

        Raises:
            UnknownService: no such service.
        """
        live = self.existing(name)
        selector = f"app={name}"
        settled = _settled(live)
        return Seen(
            live,
            self.api.list("ReplicaSet", selector),
            self.api.list("Pod", selector),
            () if settled else self.api.list("Event", fields="type=Warning"),
        )

    def existing(self, name: str) -> Object:
        """The service's Deployment.

        Raises:
            UnknownService: no such service.
        """
        live = self._deployment(name)
        if live is None or made.spec_of(live) is None:
            raise UnknownService(name, self.names)
        return live

    def any_spec(self) -> ServiceSpec | None:
        """The spec of some service of the namespace: all share database and registry."""
        found = (made.spec_of(d) for d in self.api.list("Deployment", made.SERVICE_LABEL) if not _leaving(d))
        return next((spec for spec in found if spec), None)

    def logs(self, name: str, *, follow: bool = False, previous: bool = False) -> Iterator[LogLine]:
        """What all replicas wrote; with `follow`, on and on, with `previous`, before their last restart."""
        self.existing(name)
        return pod_logs(self.api, f"app={name}", follow=follow, previous=previous)

    def delete(self, name: str) -> tuple[str, ...]:
        """Stop and forget the service. Returns what is kept."""
        spec = self._spec(self.existing(name))
        wished = made.service_manifests(spec.changed(autoscaling=spec.autoscaling or {}))
        for manifest in reversed(wished):
            # The Deployment stays until its pods have ended: they may still answer, and write to the log.
            foreground = manifest["kind"] == "Deployment"
            self.api.delete(manifest["kind"], manifest["metadata"]["name"], foreground=foreground)
        self._await_deletion(name)
        if not self.names:
            for manifest in made.page_manifests(spec):
                self.api.delete(manifest["kind"], manifest["metadata"]["name"])
        kept = (f"the versions of {name} in the registry", f"the predictions and labels of {name} in the inference log")
        if spec.registry is None:
            kept += ("Deployment mlflow and PersistentVolumeClaim mlflow-artifacts, which hold the registry",)
        if spec.database is None:
            kept += ("StatefulSet postgres and PersistentVolumeClaim data-postgres-0, which hold the data",)
            kept += (f"Secret {made.DATABASE_SECRET}, which opens it",)
        return kept

    @staticmethod
    def _spec(live: Object) -> ServiceSpec:
        spec = made.spec_of(live)
        assert spec is not None, "looked at by existing()"
        return spec

    def _deployment(self, name: str) -> Object | None:
        # A name becomes part of a path; what cannot be one is not asked for.
        if not re.fullmatch(NAME, name):
            return None
        live = self.api.find("Deployment", f"{name}-serving")
        return None if live is None or _leaving(live) else live

    def _wished(self, spec: ServiceSpec, live: Object | None) -> list[Object]:
        """The manifests that `apply` sends: where only the version differs, the Deployment alone."""
        count = int(live["spec"].get("replicas", 1)) if live and spec.autoscaling else None
        alone = _only_version(live, spec)
        wished = [made.deployment(spec, replicas=count)] if alone else made.manifests(spec, replicas=count)
        if live and spec.autoscaling and _owner_of_replicas(live) - {MANAGER}:
            # The autoscaler holds the number now; naming it would take it back.
            del wished[-1]["spec"]["replicas"]
        return wished

    def _apply(self, manifest: Object) -> Object:
        try:
            return self.api.apply(manifest)
        except FieldConflict as e:
            # An autoscaler that is no longer wished for leaves its number behind.
            left = all(field == ".spec.replicas" and AUTOSCALER in said for field, said in e.causes)
            if not left or manifest["kind"] != "Deployment":
                raise
            return self.api.apply(manifest, force=True)

    def _dry(self, manifest: Object) -> Object:
        return self.api.apply(manifest, dry_run=True)

    def _await_deletion(self, name: str) -> None:
        """Return when a Deployment that is being deleted is gone."""
        deadline = time.monotonic() + DELETION_SECONDS
        while (live := self.api.find("Deployment", f"{name}-serving")) is not None and _leaving(live):
            if time.monotonic() > deadline:
                raise PlatformError(
                    f"After {DELETION_SECONDS:g} s the replicas of {name} have not ended. "
                    f"See: kubectl get pods --selector app={name}"
                )
            time.sleep(0.5)

    def _traffic(self, name: str, seen: Seen) -> tuple[Traffic, ...]:
        """Summed over all containers of the service that were ever seen from here."""
        answered = self._answered.setdefault(name, {})
        asked: list[tuple[str, str, str]] = [
            (_life(pod), str(pod["metadata"]["name"]), str(pod["status"].get("podIP")))
            for pod in seen.pods
            if pod.get("status", {}).get("podIP") and pod["status"].get("phase") == "Running"
        ]
        ask: Callable[[str, str], str | None] = self._ask_directly if self.api.in_cluster else self._ask_through
        if asked:
            with ThreadPoolExecutor(max_workers=8) as threads:
                answers = threads.map(ask, [name for _, name, _ in asked], [address for *_, address in asked])
                for (life, *_), text in zip(asked, answers, strict=True):
                    if text:
                        answered[life] = traffic_of(text)
        requests, errors = Counter[str](), Counter[str]()
        for of_pod in answered.values():
            for t in of_pod:
                requests[t.version] += t.requests
                errors[t.version] += t.errors
        return tuple(Traffic(version=v, requests=requests[v], errors=errors[v]) for v in sorted(requests))

    def _ask_through(self, pod: str, _address: str) -> str | None:
        return self.api.through(pod, 80, "/metrics")

    @staticmethod
    def _ask_directly(_pod: str, address: str) -> str | None:
        host = f"[{address}]" if ":" in address else address
        try:
            answer = httpx.get(f"http://{host}/metrics", timeout=2, trust_env=False, verify=NO_TLS)
            return answer.raise_for_status().text
        except httpx.HTTPError:
            return None

    def _page_url(self, spec: ServiceSpec) -> str:
        way = spec.ingress
        if way.kind == "none":
            return f"http://user-interface-svc.{self.api.namespace}/"
        scheme = "https" if way.tls_secret else "http"
        host = way.host
        if host is None and way.kind == "ingress" and not self.api.in_cluster:
            try:
                live = self.api.find("Ingress", "ml-product-ingress") or {}
            except NotAllowed:
                live = {}
            points = live.get("status", {}).get("loadBalancer", {}).get("ingress") or []
            host = next((p.get("hostname") or p.get("ip") for p in points), None)
        return f"{scheme}://{host}{way.path}/" if host else f"{way.path}/ at the address of the cluster's ingress"


def _before(live: Object | None) -> ServiceSpec | None:
    return made.spec_of(live) if live else None


def _only_version(live: Object | None, after: ServiceSpec) -> bool:
    before = _before(live)
    return before is not None and {c.field for c in differences(before, after)} == {"model"}


def _pruned(live: Object | None, spec: ServiceSpec) -> list[tuple[str, str]]:
    """What an earlier spec asked for and this one does not."""
    before = _before(live) or spec
    gone: list[tuple[str, str]] = []
    if before.autoscaling and not spec.autoscaling:
        gone.append(("HorizontalPodAutoscaler", f"{spec.name}-serving"))
    if (secret := before.server.api_keys_secret) and not spec.server.api_keys_secret:
        gone += [(part["kind"], part["metadata"]["name"]) for part in made.keys_manifests(spec.name, secret)]
    if before.ingress.kind != spec.ingress.kind:
        names = {"ingress": ("Ingress", "ml-product-ingress"), "httproute": ("HTTPRoute", "ml-product-route")}
        gone += [names[before.ingress.kind]] if before.ingress.kind in names else []
    return gone


def _owner_of_replicas(live: Object) -> set[str]:
    entries = live["metadata"].get("managedFields") or []
    return {e["manager"] for e in entries if "f:replicas" in ((e.get("fieldsV1") or {}).get("f:spec") or {})}


def _life(pod: Object) -> str:
    """One life of the pod's container: its counters begin at nothing."""
    statuses: list[Object] = pod["status"].get("containerStatuses") or []
    return f"{pod['metadata']['uid']} {sum(int(c.get('restartCount') or 0) for c in statuses)}"


def _leaving(live: Object) -> bool:
    return bool(live["metadata"].get("deletionTimestamp"))


def _settled(live: Object) -> bool:
    """Whether nothing of it needs explaining."""
    status, wanted = live.get("status") or {}, live["spec"].get("replicas", 1)
    counts = {status.get(key) or 0 for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")}
    return counts == {wanted}


def _cause(pod: Object, events: list[Object]) -> object:
    from .explain import of_pod

    return of_pod(pod, events)


def _next_run(spec: ServiceSpec) -> datetime | None:
    if not spec.retraining.at or spec.retraining.paused:
        return None
    from ..local.alarm import next_run

    return next_run(spec.retraining, datetime.now(UTC))
