"""The Secret of the shared database: made once with a password of its own, never read back into a file.

`target.py` makes it from outside; `password.py` is what the Job of `k8s/password.yaml` runs in the cluster.
"""

from __future__ import annotations

import secrets
from typing import Any

from .api import Api
from .errors import KubernetesError
from .manifests import DATABASE_KEY, DATABASE_SECRET


def manifest(password: str) -> dict[str, Any]:
    """The Secret, with the database's URL as MLflow and the inference log both take it."""
    url = f"postgresql+psycopg://tenfold:{password}@postgres:5432/tenfold"
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": DATABASE_SECRET, "labels": {"app.kubernetes.io/part-of": "tenfold"}},
        "type": "Opaque",
        "stringData": {"password": password, DATABASE_KEY: url},
    }


def make(api: Api) -> bool:
    """Make the Secret unless there is one. Returns whether it was made."""
    try:
        api.create(manifest(secrets.token_urlsafe(24)))
    except KubernetesError as e:
        if "already exists" in str(e):
            return False
        raise
    return True
