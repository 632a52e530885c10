"""Requests as data, and what an answer of the API server means, without a server."""

import pytest
from tenfold.platform.kubernetes import errors
from tenfold.platform.kubernetes.api import KINDS, Api, apply_request, failure, path_of
from tenfold.platform.kubernetes.manifests import load, manifests
from tenfold.platform.kubernetes.plan import changes
from unit.kubernetes.objects import SPEC, live


def test_paths() -> None:
    assert path_of("Pod", "ml", "x", subresource="log") == "/api/v1/namespaces/ml/pods/x/log"
    assert path_of("Deployment", "ml") == "/apis/apps/v1/namespaces/ml/deployments"


def test_the_table_knows_everything_that_is_applied() -> None:
    wished = [*manifests(SPEC.changed(autoscaling={})), *manifests(SPEC.changed(ingress={"kind": "httproute"}))]
    for manifest in [*wished, *load("password.yaml", "loadtest/loadtest.yaml")]:
        assert KINDS[manifest["kind"]][0] == manifest["apiVersion"]


def test_an_apply_is_ours_strict_and_never_forced_unasked() -> None:
    request = apply_request({"kind": "Service", "metadata": {"name": "x"}}, "ml", dry_run=True)
    assert request.method == "PATCH"
    assert request.content_type == "application/apply-patch+yaml"
    assert request.url == (
        "/api/v1/namespaces/ml/services/x?fieldManager=tenfold&force=false&fieldValidation=Strict&dryRun=All"
    )


def test_a_conflict_names_the_field_and_the_other_manager() -> None:
    cause = {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "kubectl-edit" using apps/v1',
        "field": ".spec.replicas",
    }
    error = failure(409, {"message": "Apply failed", "details": {"causes": [cause]}}, "Deployment m-serving")
    assert isinstance(error, errors.FieldConflict)
    assert (
        'Deployment m-serving has fields that another manager set to another value: .spec.replicas (conflict with "'
        in (str(error))
    )
    assert "--force-conflicts" in str(error)


@pytest.mark.parametrize(
    ("status", "message", "kind", "words"),
    [
        (401, "Unauthorized", errors.NotAllowed, "Log in again"),
        (403, 'User "x" cannot patch resource', errors.NotAllowed, "Ask for the right"),
        (403, "exceeded quota: small", errors.NotAllowed, "Change the namespace's policy or the spec"),
        (404, 'namespaces "ml" not found', errors.NotFound, "kubectl create namespace"),
        (404, 'services "x" not found', errors.NotFound, "does not have Service x"),
        (422, "spec.selector: field is immutable", errors.KubernetesError, "immutable"),
    ],
)
def test_answers(status: int, message: str, kind: type, words: str) -> None:
    error = failure(status, {"message": message}, "Service x")
    assert type(error) is kind
    assert words in str(error)


def test_no_configuration_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/none")
    # The client reads the variable when it is imported.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", f"{tmp_path}/none")
    with pytest.raises(errors.ClusterUnreachable, match="Set KUBECONFIG, or give --context"):
        Api().get("Pod", "x")


def test_a_plan_names_changed_fields_by_container_and_variable() -> None:
    before, after = live(2, 2, 2, 2), live(spec=SPEC.changed(replicas=3, model="models:/m/3"), generation=2)
    container = "Deployment m-serving spec.template.spec.containers[ml-rest-server]"
    assert {(c.field, c.before, c.after) for c in changes(before, after)} == {
        ("Deployment m-serving spec.replicas", "2", "3"),
        (f"{container}.env[TENFOLD_MODEL].value", "models:/m/2", "models:/m/3"),
        (f"{container}.env[TENFOLD_VERSION].value", "2", "3"),
    }
    assert changes(before, before) == ()
    assert [(c.field, c.before, c.after) for c in changes(None, after)] == [("Deployment m-serving", None, "new")]
