"""The manifests of a spec as YAML, for whoever keeps them in Git."""

from __future__ import annotations

from ..spec import ServiceSpec
from .manifests import load, manifests, pod_of


def render(spec: ServiceSpec) -> str:
    """All that the service needs; `kubectl apply --server-side -f` takes it.

    The Secret of the small database is made in the cluster, by a Job, so that no password stands in a file.
    """
    import yaml

    password = [] if spec.database else load("password.yaml")
    for part in password:
        if pod := pod_of(part):
            pod["containers"][0]["image"] = spec.images.training
    return yaml.safe_dump_all([*password, *manifests(spec)], sort_keys=False, width=120)
