"""A load test whose load comes from pods of the cluster: Locust's master and workers as one Job.

`ClusterLoad.measure` takes the place of `tenfold.loadtests.runner.measure_here`: it makes the Job and what belongs to
it, waits, reads from the master's log what was measured, and removes all of it, however it ends. After a kill -9 the
Job ends by its own deadline and removes itself. What runs in the pods is `tenfold.loadtests.pod`.
"""

from __future__ import annotations

import base64
import json
import math
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ...loadtests import transcript
from ...loadtests.errors import InvalidPlan, RunFailed
from ...loadtests.plan import WORKERS_ELSEWHERE_SECONDS, LoadTest
from ...loadtests.runner import HTML, MEASURED, STARTUP_SECONDS, Progress
from . import manifests as made
from .api import Api
from .errors import KubernetesError, NotFound
from .explain import Cause, of_job, of_pod
from .target import KubernetesTarget

Object = dict[str, Any]
FILE: Final = "loadtest/loadtest.yaml"
LOOK_SECONDS = 1.0
# How long pods may take to start; less than the master waits for its workers, so that the reason is told from here.
START_SECONDS = 120.0
SPARE_SECONDS = 60.0
# What a ConfigMap holds.
MOST_BYTES: Final = 1024 * 1024
JOB_LABEL, NUMBER_LABEL = "batch.kubernetes.io/job-name", "batch.kubernetes.io/job-completion-index"
MASTER: Final = "0"
# The first from the moment on when its pods are ended, where the cluster has it; the other when they are.
_FAILED = {"FailureTarget", "Failed"}
# `explain` tells what helps a model server; these help a load test.
REMEDIES: Final[Mapping[str, str]] = {
    "no room": "Use fewer --processes, or add a node",
    "image": "Push it where the nodes can pull it, or name another with: tenfold deploy NAME --set "
    "images.user_interface=IMAGE",
    "memory": "Use more --processes with the same --users, or a smaller --batch",
    "crash": "Start it again; when that does not help, see that the image is of this version of tenfold",
}


def service_named(words: str, namespace: str) -> str:
    """The name of the service that a person means: its name, or its address in the cluster.

    Raises:
        InvalidPlan: it is the address of something else.
    """
    if "://" not in words:
        return words
    host = urlsplit(words).hostname or ""
    found = re.fullmatch(rf"(.+)-svc(\.{re.escape(namespace)}(\.svc(\.cluster\.local)?)?)?", host)
    if found is None:
        raise InvalidPlan(
            f"'{words}' is not the address of a service in the namespace {namespace}; give the service's name, which "
            "tenfold --target kubernetes status shows"
        )
    return found[1]


def objects(name: str, suffix: str, image: str, plan: LoadTest, *, api_keys_secret: str | None = None) -> list[Object]:
    """The Job, and what is made after it and owned by it: pure but for reading the file of rows.

    Raises:
        InvalidPlan: the file of rows cannot be brought into the cluster.
    """
    seed = f"{name}-loadtest"
    parts = {p["kind"]: made.named(made.named(p, name), f"{seed}-{suffix}", seed) for p in made.load(FILE)}
    job, rows = parts["Job"], parts["ConfigMap"]
    spec, document = job["spec"], plan.document()
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    if plan.rows_file is None:
        del parts["ConfigMap"]
        pod["volumes"].pop()
        container["volumeMounts"].pop()
    else:
        # Under its own name, which stands in what is said of its rows.
        rows["binaryData"] = {"rows": base64.b64encode(_rows(plan.rows_file)).decode()}
        pod["volumes"][-1]["configMap"]["items"] = [{"key": "rows", "path": plan.rows_file.name}]
        document["rows_file"] = f"{container['volumeMounts'][-1]['mountPath']}/{plan.rows_file.name}"
    spec["completions"] = spec["parallelism"] = 1 + plan.processes
    spec["activeDeadlineSeconds"] = math.ceil(
        START_SECONDS + STARTUP_SECONDS + WORKERS_ELSEWHERE_SECONDS + plan.run_time + plan.stop_seconds + SPARE_SECONDS
    )
    container["image"] = image
    if api_keys_secret:
        made.mount_keys(pod, api_keys_secret)
    # $(NAME) in an argument would stand for a variable.
    container["args"][0] = json.dumps(document).replace("$", "$$")
    return list(parts.values())


def _rows(file: Path) -> bytes:
    if file.suffix.lower() == ".parquet":
        raise InvalidPlan(f"'{file}' cannot be read in the cluster, where pyarrow is not; convert it to CSV")
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise InvalidPlan(
            f"'{file}' has {size:,} bytes, and at most {MOST_BYTES:,} can be brought into the cluster; give fewer rows"
        )
    return file.read_bytes()


class ClusterLoad:
    """Load on one service from pods beside it."""

    def __init__(self, target: KubernetesTarget, words: str) -> None:
        """
        Args:
            target: of the namespace.
            words: the service's name, or its address in the cluster.

        Raises:
            UnknownService: no such service.
        """
        self._api: Api = target.api
        self._name = service_named(words, target.api.namespace)
        spec = made.spec_of(target.existing(self._name))
        assert spec is not None, "looked at by existing()"
        self._image, self._keys = spec.images.user_interface, spec.server.api_keys_secret

    @property
    def url(self) -> str:
        """Where the pods reach the service."""
        return f"http://{self._name}-svc"

    def measure(self, plan: LoadTest, folder: Path, progress: Progress) -> None:
        """Measure with Locust in the cluster; `tenfold.loadtests.runner.Measure` says what is left where.

        Raises:
            RunFailed: the run could not be done.
        """
        job, *owned = objects(self._name, secrets.token_hex(3), self._image, plan, api_keys_secret=self._keys)
        name = str(job["metadata"]["name"])
        try:
            live = self._api.create(job)
            owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": live["metadata"]["uid"]}
            for part in owned:
                part["metadata"]["ownerReferences"] = [owner]
                self._api.create(part)
            measured, html = self._wait(live, progress)
        finally:
            self._remove(name)
        (folder / MEASURED).write_bytes(measured)
        (folder / HTML).write_bytes(html)

    def _wait(self, job: Object, progress: Progress) -> tuple[bytes, bytes]:
        """What the master's log carries when it has ended."""
        name, wanted = job["metadata"]["name"], job["spec"]["completions"]
        made_at, begun = time.monotonic(), None
        seen: set[str] = set()
        while True:
            pods = self._api.list("Pod", f"{JOB_LABEL}={name}")
            master = next((p for p in pods if p["metadata"]["labels"].get(NUMBER_LABEL) == MASTER), None)
            if master and _phase(master) in {"Succeeded", "Failed"}:
                return self._result(master)
            if ended := next((p for p in pods if _phase(p) == "Failed"), None):
                raise RunFailed(f"A worker of the load test ended. {_why(of_pod(ended), _said(ended))}")
            self._check(name)
            there = {str(p["metadata"]["name"]) for p in pods if not p["metadata"].get("deletionTimestamp")}
            if gone := seen - there:
                raise RunFailed(f"Somebody took {', '.join(sorted(gone))} of the load test away; start it again")
            seen = there
            if begun is None and master and _phase(master) == "Running" and self._has_begun(master):
                begun = time.monotonic()
            running = sum(_phase(p) == "Running" for p in pods)
            if begun is None and running < wanted and time.monotonic() - made_at > START_SECONDS:
                raise RunFailed(self._not_started(job, pods, wanted - running))
            progress(0.0 if begun is None else time.monotonic() - begun)
            time.sleep(LOOK_SECONDS)

    def _result(self, master: Object) -> tuple[bytes, bytes]:
        said = transcript.read(self._api.lines(master["metadata"]["name"]))
        if said.error:
            raise RunFailed(said.error)
        if said.files is None:
            raise RunFailed(f"The load test ended without a result. {_why(of_pod(master), said.last)}")
        return said.files

    def _has_begun(self, master: Object) -> bool:
        # A container that has just started may have no log yet.
        with suppress(KubernetesError):
            return transcript.read(self._api.lines(master["metadata"]["name"])).begun
        return False

    def _remove(self, name: str) -> None:
        try:
            self._api.delete("Job", name)
        except KeyboardInterrupt:
            # There is no second one: see `signals_interrupt`.
            self._api.delete("Job", name)
            raise

    def _check(self, name: str) -> None:
        """Raise when the Job is over although no pod says why."""
        try:
            conditions = (self._api.get("Job", name).get("status") or {}).get("conditions") or []
        except NotFound as e:
            raise RunFailed(f"Somebody deleted the Job {name} of the load test; start it again") from e
        failed = next((c for c in conditions if c["type"] in _FAILED and c["status"] == "True"), None)
        if failed:
            raise RunFailed(f"The cluster ended the load test: {failed.get('message', '')}")

    def _not_started(self, job: Object, pods: Sequence[Object], missing: int) -> str:
        events = self._api.list("Event", fields="type=Warning")
        causes = (of_pod(p, events) for p in pods if _phase(p) == "Pending")
        cause = next((c for c in causes if c), None) or of_job(job, events)
        why = _why(cause, "Nothing says why")
        return f"After {START_SECONDS:g} s {missing} of the load test's pods do not run. {why}"


def _why(cause: Cause | None, otherwise: str) -> str:
    if cause is None:
        return otherwise or "It said nothing"
    return f"{cause.sentence.rstrip('.')}. {REMEDIES.get(cause.kind, cause.remedy)}"


def _said(pod: Object) -> str:
    status: Object = pod.get("status") or {}
    return ": ".join(str(status[key]) for key in ("reason", "message") if status.get(key))


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase", ""))
