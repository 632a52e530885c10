"""What the answers of a cluster mean for a deploy."""

from typing import Any

import pytest
from tenfold.platform.kubernetes.doctor import (
    Diagnosis,
    Finding,
    about_images,
    about_ingress,
    about_metrics,
    about_rights,
    about_storage,
    about_version,
)
from tenfold.platform.spec import Autoscaling, Ingress

DEFAULT = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}


@pytest.mark.parametrize(
    ("finding", "result", "words"),
    [
        (about_version({"major": "1", "minor": "34"}), "ok", "Kubernetes 1.34"),
        (about_version({"major": "1", "minor": "28+"}), "problem", "older than 1.30"),
        (about_version({"major": "1", "minor": "40"}), "warning", "newer"),
        (about_rights([])[0], "ok", "allowed"),
        (about_rights(["patch deployments"])[0], "problem", "patch deployments. Ask for"),
        (about_ingress(Ingress(), [{"metadata": {"name": "nginx"}}]), "ok", "nginx"),
        (about_ingress(Ingress(), [{"metadata": {"name": "traefik"}}]), "warning", "there are: traefik"),
        (about_ingress(Ingress(), []), "warning", "there is none"),
        (about_ingress(Ingress(), None), "warning", "may not be listed"),
        (about_ingress(Ingress(kind="none"), []), "ok", "no Ingress"),
        (about_metrics(None, []), "warning", "metrics-server"),
        (about_metrics(Autoscaling(), []), "problem", "metrics-server"),
        (about_metrics(Autoscaling(), ["metrics.k8s.io"]), "ok", "answers"),
        (about_storage([{"metadata": {"name": "fast", **DEFAULT}}]), "ok", "fast"),
        (about_storage([{"metadata": {"name": "fast"}}]), "problem", "database=SECRET"),
        (about_storage(None), "warning", "may not be listed"),
    ],
)
def test_findings(finding: Finding, result: str, words: Any) -> None:
    assert finding.result == result
    assert words in finding.sentence


def tried(*states: dict[str, Any]) -> dict[str, Any]:
    containers = [{"name": f"image-{n}", "image": f"image:{n}"} for n in range(len(states))]
    statuses = [{"name": f"image-{n}", "image": f"docker.io/image:{n}", "state": s} for n, s in enumerate(states)]
    return {"spec": {"containers": containers}, "status": {"containerStatuses": statuses}}


def test_images_are_pulled_refused_or_not_known() -> None:
    ended = {"terminated": {"exitCode": 0}}
    broken = {"waiting": {"reason": "CreateContainerError", "message": "no such file"}}
    (fine,) = about_images(tried(ended, {"running": {}}, broken))
    assert (fine.result, fine.sentence) == ("ok", "a node can pull all of them")
    missing = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}
    problem, warning = about_images(tried(ended, missing, {"waiting": {"reason": "ContainerCreating"}}))
    assert (problem.result, warning.result) == ("problem", "warning")
    assert "image:1 cannot be pulled (ErrImagePull: not found)" in problem.sentence
    assert "image:2: not known after" in warning.sentence


def test_only_a_problem_stands_in_the_way() -> None:
    fine = [about_metrics(None, []), about_rights([])[0]]
    assert Diagnosis(findings=tuple(fine)).healthy
    broken = Diagnosis(findings=(*fine, about_storage([])))
    assert not broken.healthy
    assert "no storage class is the default" in str(broken)
