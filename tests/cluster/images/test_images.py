"""The images as pods see them: small, without what they need not have, and at work on a read-only root file system."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.cluster import kubectl, objects
from support.places import wait_until
from tenfold.platform.spec import Images

TMP = "/tmp"  # noqa: S108 - of the container, not of this machine
PROBE = Path(__file__).with_name("probe.py").read_text()
# In megabytes, without compression, on a base image of some 200.
LIMITS = {"serving": 700, "training": 1150, "user-interface": 900}
PAGE = (Path(__file__).parents[3] / "docs/images.md").read_text()
NAMES = {"serving": Images().serving, "training": Images().training, "user-interface": Images().user_interface}
NEVER = {"pip", "setuptools"}
HAS = {
    "serving": {"mlflow", "sklearn", "tenfold.serving.server"},
    "training": {"flask", "kubernetes", "mlflow.server", "tenfold.platform.cli.app", "tenfold.training.train"},
    "user-interface": {"kubernetes", "locust", "tenfold.platform.page.app", "tenfold.platform.kubernetes.platform"},
}
HAS_NOT = {
    "serving": {
        "flask",
        "gevent",
        "kubernetes",
        "locust",
        "mlflow.server",
        "pytest",
        "tenfold.platform.cli.app",
        "typer",
    },
    # Locust requires pytest.
    "training": {"locust", "pytest"},
    "user-interface": {"mlflow.server"},
}


def pod(image: str) -> dict[str, Any]:
    """A pod that Pod Security "restricted" admits, and that can write to /tmp only."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "probe-" + image.partition(":")[0].rpartition("/")[2]},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "probe",
                    "image": image,
                    "command": ["python", "-c", PROBE],
                    "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": "tmp", "mountPath": TMP}],
                }
            ],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        },
    }


@pytest.fixture(scope="module", params=list(NAMES))
def seen(ns: str, request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """What a pod of the image has found."""
    manifest = pod(NAMES[request.param])
    name = manifest["metadata"]["name"]
    kubectl("apply", "--filename", "-", namespace=ns, given=json.dumps(manifest))

    def ended() -> bool:
        return objects("pod", name, namespace=ns)["status"].get("phase") in ("Succeeded", "Failed")

    wait_until(ended, within=240, what=f"the end of the pod {name}")
    said = kubectl("logs", name, namespace=ns)
    try:
        return request.param, json.loads(said.splitlines()[-1])
    except (IndexError, ValueError):
        raise AssertionError(f"the probe of {name} said: {said}") from None


def test_size(seen: tuple[str, dict[str, Any]]) -> None:
    target, found = seen
    print(f"{target}: {found['bytes'] / 1e6:.0f} MB")
    assert found["bytes"] < LIMITS[target] * 1e6
    assert f"`{target}` {LIMITS[target]} MB" in " ".join(PAGE.split())


def test_the_user_has_a_number_and_can_write_to_tmp_only(seen: tuple[str, dict[str, Any]]) -> None:
    _, found = seen
    assert found["uid"] == 10001
    assert found["writable"] == [TMP]


def test_there_is_no_compiler_and_no_cache(seen: tuple[str, dict[str, Any]]) -> None:
    _, found = seen
    assert (found["compilers"], found["caches"]) == ([], [])


def test_everything_is_compiled_already(seen: tuple[str, dict[str, Any]]) -> None:
    assert seen[1]["stale"] == []


def test_what_is_there_and_what_is_not(seen: tuple[str, dict[str, Any]]) -> None:
    target, found = seen
    assert HAS[target] <= set(found["modules"])
    assert not (HAS_NOT[target] | NEVER) & set(found["modules"])
    assert found["python"].startswith("/opt/tenfold/bin/python")


def test_the_command_line_is_where_it_is_needed(seen: tuple[str, dict[str, Any]]) -> None:
    target, found = seen
    assert found["help"] == (target != "serving")
