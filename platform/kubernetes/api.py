"""Requests to the API server, as plain data in and out: the only module that imports `kubernetes`, and lazily.

Objects are dicts. Writes are server-side applies in the name of `tenfold`, so that the server says which field
another manager holds. Kinds stand in a table instead of being discovered: nothing is asked before it is needed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from .errors import ClusterUnreachable, FieldConflict, KubernetesError, NotAllowed, NotFound

MANAGER: Final = "tenfold"
TIMEOUT_SECONDS: Final = 30.0
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")

Object = dict[str, Any]

# Kind to API version and plural; "" stands for the core group.
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "ConfigMap": ("v1", "configmaps"),
    "Event": ("v1", "events"),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims"),
    "Pod": ("v1", "pods"),
    "ResourceQuota": ("v1", "resourcequotas"),
    "Secret": ("v1", "secrets"),
    "Service": ("v1", "services"),
    "ServiceAccount": ("v1", "serviceaccounts"),
    "Deployment": ("apps/v1", "deployments"),
    "ReplicaSet": ("apps/v1", "replicasets"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers"),
    "CronJob": ("batch/v1", "cronjobs"),
    "Job": ("batch/v1", "jobs"),
    "HTTPRoute": ("gateway.networking.k8s.io/v1", "httproutes"),
    "Ingress": ("networking.k8s.io/v1", "ingresses"),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
    "Role": ("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", "rolebindings"),
}


@dataclass(frozen=True)
class Request:
    """One request as data: what is sent can be looked at without a server."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    content_type: str = "application/json"

    @property
    def url(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


def path_of(kind: str, namespace: str, name: str = "", *, subresource: str = "") -> str:
    """Where objects of that kind are, or one of them."""
    version, plural = KINDS[kind]
    root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
    return "/".join(part for part in (f"{root}/namespaces/{namespace}/{plural}", name, subresource) if part)


def apply_request(manifest: Object, namespace: str, *, dry_run: bool = False, force: bool = False) -> Request:
    """The server-side apply of a manifest."""
    query = [("fieldManager", MANAGER), ("force", str(force).lower()), ("fieldValidation", "Strict")]
    path = path_of(manifest["kind"], namespace, manifest["metadata"]["name"])
    dry = [("dryRun", "All")] if dry_run else []
    return Request("PATCH", path, tuple(query + dry), manifest, "application/apply-patch+yaml")


def failure(status: int, said: Object, what: str) -> KubernetesError:
    """The error that an answer of the API server stands for, as a sentence about `what`."""
    message = str(said.get("message") or f"status {status}")
    causes = (said.get("details") or {}).get("causes") or []
    if status == 409 and (fields := [c for c in causes if c.get("reason") == "FieldManagerConflict"]):
        return FieldConflict(what, [(str(c.get("field")), str(c.get("message"))) for c in fields])
    if status == 401:
        return NotAllowed(f"The cluster does not accept the login ({message}). Log in again, or choose another context")
    if status == 403:
        quota = "exceeded quota" in message or "violates PodSecurity" in message
        remedy = "Change the namespace's policy or the spec" if quota else "Ask for the right, or use another account"
        return NotAllowed(f"The cluster refuses {what}: {message}. {remedy}")
    if status == 404 and message.startswith("namespaces "):
        return NotFound(
            f"The cluster does not have the namespace: {message}. Make it with: kubectl create namespace NAME"
        )
    if status == 404:
        return NotFound(f"The cluster does not have {what}: {message}")
    return KubernetesError(f"The cluster does not take {what}: {message}. See: tenfold --target kubernetes doctor")


class Api:
    """One namespace of one cluster. Constructing it reads and opens nothing."""

    def __init__(self, namespace: str | None = None, context: str | None = None) -> None:
        self._wished = namespace or os.environ.get("TENFOLD_NAMESPACE")
        self._context = context

    @property
    def in_cluster(self) -> bool:
        """Whether this process runs in a pod, and no KUBECONFIG leads elsewhere."""
        return not os.environ.get("KUBECONFIG") and (SERVICE_ACCOUNT / "token").exists()

    @cached_property
    def namespace(self) -> str:
        """The wished namespace, else the pod's own, else the context's."""
        if self._wished:
            return self._wished
        if self.in_cluster:
            return (SERVICE_ACCOUNT / "namespace").read_text().strip()
        from kubernetes import config

        with suppress(Exception):
            listed: Any = config.list_kube_config_contexts()
            contexts, active = listed
            chosen = next((c for c in contexts if c["name"] == self._context), active)
            return str(chosen["context"].get("namespace") or "default")
        return "default"

    @cached_property
    def _client(self) -> Any:
        from kubernetes import config
        from kubernetes.client.api_client import ApiClient
        from kubernetes.client.configuration import Configuration

        settings: Any = Configuration()
        try:
            if self.in_cluster:
                config.load_incluster_config(client_configuration=settings)
            else:
                config.load_kube_config(context=self._context, client_configuration=settings, persist_config=False)
        except config.ConfigException as e:
            raise ClusterUnreachable(
                f"There is no configuration for a cluster ({e}). Set KUBECONFIG, or give --context"
            ) from e
        settings.connection_pool_maxsize = 32
        return ApiClient(settings)

    def get(self, kind: str, name: str) -> Object:
        """That object.

        Raises:
            NotFound: there is none.
        """
        return self._ask(Request("GET", path_of(kind, self.namespace, name)), f"{kind} {name}")

    def find(self, kind: str, name: str) -> Object | None:
        """That object, or None."""
        try:
            return self.get(kind, name)
        except NotFound:
            return None

    def list(self, kind: str, selector: str = "", fields: str = "") -> list[Object]:
        """All objects of that kind whose labels and fields match."""
        query = [("labelSelector", selector)] if selector else []
        query += [("fieldSelector", fields)] if fields else []
        request = Request("GET", path_of(kind, self.namespace), tuple(query))
        return list(self._ask(request, f"the list of {KINDS[kind][1]}").get("items") or [])

    def apply(self, manifest: Object, *, dry_run: bool = False, force: bool = False) -> Object:
        """Make the object what the manifest says, and return what it then is.

        Args:
            manifest: what should be.
            dry_run: whether the server only tells what would be.
            force: whether fields are taken from other managers.

        Raises:
            FieldConflict: another manager set a field to another value.
        """
        what = f"{manifest['kind']} {manifest['metadata']['name']}"
        return self._ask(apply_request(manifest, self.namespace, dry_run=dry_run, force=force), what)

    def create(self, manifest: Object) -> Object:
        """Make a new object."""
        what = f"{manifest['kind']} {manifest['metadata'].get('name', '')}".strip()
        path = path_of(manifest["kind"], self.namespace)
        return self._ask(Request("POST", path, (("fieldManager", MANAGER),), manifest), what)

    def delete(self, kind: str, name: str, *, foreground: bool = False) -> None:
        """Delete an object and what it owns; nothing happens when there is none.

        Args:
            kind, name: of the object.
            foreground: whether the object stays until what it owns is gone.
        """
        options = {"propagationPolicy": "Foreground" if foreground else "Background"}
        with suppress(NotFound):
            self._ask(Request("DELETE", path_of(kind, self.namespace, name), body=options), f"{kind} {name}")

    def read(self, path: str) -> Object:
        """What the API server says at that path."""
        return self._ask(Request("GET", path), path)

    def review(self, spec: Object) -> Object:
        """Whether the user of this configuration may do what a SelfSubjectAccessReview describes."""
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return self._ask(Request("POST", path, body=body), "a question about rights")

    def lines(self, pod: str, **options: str) -> Iterator[str]:
        """The lines of a pod's log; options are those of the API, such as follow="true" and previous="true"."""
        path = path_of("Pod", self.namespace, pod, subresource="log")
        wait = None if options.get("follow") else TIMEOUT_SECONDS
        answer = self._send(Request("GET", path, tuple(options.items())), stream=True, timeout=wait)
        try:
            if answer.status >= 400:
                raise failure(answer.status, _json(answer.read()), f"the log of {pod}")
            rest = b""
            for chunk in answer.stream(65536):
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line.decode(errors="replace")
            if rest:
                yield rest.decode(errors="replace")
        finally:
            answer.close()

    def through(self, pod: str, port: int, path: str) -> str | None:
        """What the pod answers to a GET that goes through the API server; None when it does not answer."""
        proxied = path_of("Pod", self.namespace, f"{pod}:{port}", subresource=f"proxy{path}")
        with suppress(KubernetesError):
            answer = self._send(Request("GET", proxied), timeout=5)
            return answer.data.decode() if answer.status == 200 else None
        return None

    def forward(self, pod: str, port: int) -> Any:
        """A websocket whose binary frames are the bytes of a connection to the pod's port; see `reach`.

        Raises:
            KubernetesError: the way to the pod cannot be opened.
        """
        from kubernetes.stream.ws_client import create_websocket
        from websocket import WebSocketBadStatusException, WebSocketException

        path = path_of("Pod", self.namespace, pod, subresource="portforward")
        settings = self._client.configuration
        url = f"{settings.host}{path}?ports={port}".replace("http", "ws", 1)
        headers = {**self._login(), "sec-websocket-protocol": "v4.channel.k8s.io"}
        what = f"a connection to {pod}"
        try:
            return create_websocket(settings, url, headers)
        except WebSocketBadStatusException as e:
            raise failure(e.status_code, _json(e.resp_body or b""), what) from e
        except (WebSocketException, OSError) as e:
            raise KubernetesError(f"The cluster does not open {what}: {e}") from e

    def _ask(self, request: Request, what: str) -> Object:
        answer = self._send(request)
        said = _json(answer.data)
        if answer.status >= 400:
            raise failure(answer.status, said, what)
        return said

    def _send(self, request: Request, *, stream: bool = False, timeout: float | None = TIMEOUT_SECONDS) -> Any:
        from urllib3 import Retry, Timeout
        from urllib3.exceptions import HTTPError

        headers = {"Accept": "application/json, */*", "Content-Type": request.content_type, **self._login()}
        body = None if request.body is None else json.dumps(request.body).encode()
        # A connection that broke before its answer is asked again: applies, gets and deletes may be repeated.
        again = Retry(total=3, connect=3, read=0 if request.method == "POST" else 3, backoff_factor=0.3, redirect=0)
        settings = self._client.configuration
        try:
            return self._client.rest_client.pool_manager.request(
                request.method,
                settings.host + request.url,
                body=body,
                headers=headers,
                preload_content=not stream,
                timeout=Timeout(connect=10, read=timeout),
                retries=again,
            )
        except HTTPError as e:
            raise ClusterUnreachable(
                f"The API server at {settings.host} does not answer ({e.__class__.__name__}). "
                "Check the network and the context: kubectl cluster-info"
            ) from e

    def _login(self) -> dict[str, str]:
        settings: Any = self._client.configuration
        found: dict[str, Any] = settings.auth_settings()
        return {str(a["key"]): str(a["value"]) for a in found.values() if a.get("in") == "header" and a.get("value")}


def _json(body: bytes) -> Object:
    try:
        said = json.loads(body)
    except ValueError:
        return {"message": body.decode(errors="replace").strip()}
    return said if isinstance(said, dict) else {"message": str(said)}
