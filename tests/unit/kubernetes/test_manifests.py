"""From spec to YAML: golden files, the YAML of k8s/ as it stands, and what every pod has to be like."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tenfold.platform.errors import KeysElsewhere
from tenfold.platform.kubernetes.manifests import (
    deployment,
    keys_manifests,
    load,
    manifests,
    named,
    pod_of,
    service_manifests,
    spec_of,
    version_of,
)
from tenfold.platform.kubernetes.render import render
from tenfold.platform.spec import ServerOptions, ServiceSpec
from tenfold.serving.settings import Settings

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
SPEC = ServiceSpec.of(name="flight-delay", model="models:/flight-delay/7")
SPECS = {
    "defaults": SPEC,
    "everything": SPEC.changed(
        replicas=4,
        resources={"cpu": 0.05, "memory": "1Gi"},
        server={
            "max_waiting_rows": 500,
            "deadline_seconds": 2.5,
            "receive_seconds": 10,
            "connection_seconds": 60,
            "api_keys_secret": "flight-keys",
            "trusted_types": ("mine.Step", "mine.Other"),
            "accept_event_time": True,
            "drain_seconds": 2,
        },
        retraining={"at": "02:30", "timezone": "America/New_York"},
        images={"serving": "registry.example/ml-serving:2.1", "training": "registry.example/ml-training:2.1"},
        ingress={"path": "/models", "host": "ml.example.org", "tls_secret": "ml-tls", "class_name": "traefik"},
        autoscaling={"min_replicas": 3, "max_replicas": 12, "cpu_percent": 60},
        database="company-postgres",
        registry="https://mlflow.example.org",
    ),
    "httproute": SPEC.changed(ingress={"kind": "httproute", "class_name": "gateway", "host": "ml.example.org"}),
}
SEED_FILES = ("database", "registry", "user-interface", "ingress", "training", "serving")
Object = dict[str, Any]


def by_name(parts: list[Object]) -> dict[tuple[str, str], Object]:
    found = {(p["kind"], p["metadata"]["name"]): p for p in parts}
    assert len(found) == len(parts)
    return found


@pytest.mark.parametrize("name", SPECS)
def test_golden(name: str) -> None:
    """`python tests/unit/kubernetes/test_manifests.py` writes the files anew."""
    assert render(SPECS[name]) == (GOLDEN / f"{name}.yaml").read_text(encoding="utf-8")


def test_the_yaml_is_what_its_own_spec_gives() -> None:
    seed = load(*(f"{file}.yaml" for file in SEED_FILES))
    (serving,) = (p for p in seed if p["metadata"]["name"] == "ml-model-serving" and p["kind"] == "Deployment")
    spec = spec_of(serving)
    assert spec
    assert by_name(manifests(spec)) == by_name(seed)


def test_the_kustomization_has_all_of_it() -> None:
    listed = yaml.safe_load((ROOT / "k8s" / "kustomization.yaml").read_text())["resources"]
    assert sorted(listed) == sorted([*(f"{file}.yaml" for file in SEED_FILES), "password.yaml"])
    assert sorted(p.name for p in (ROOT / "k8s").glob("*.yaml")) == sorted([*listed, "kustomization.yaml"])


@pytest.mark.parametrize("name", SPECS)
def test_a_deployment_tells_its_spec(name: str) -> None:
    spec = SPECS[name]
    live = deployment(spec)
    assert spec_of(live) == spec
    assert version_of(live["spec"]["template"]) == spec.version
    assert live["metadata"]["annotations"]["kubernetes.io/change-cause"] == spec.model


def every_pod() -> list[Any]:
    files = sorted(str(p.relative_to(ROOT / "k8s")) for p in (ROOT / "k8s").rglob("*.yaml"))
    parts = load(*(f for f in files if not f.endswith("kustomization.yaml")))
    return [pytest.param(pod, id=p["metadata"]["name"]) for p in parts if (pod := pod_of(p))]


@pytest.mark.parametrize("pod", every_pod())
def test_every_pod_is_restricted_and_leaves_nothing_to_chance(pod: Object) -> None:
    security = pod["securityContext"]
    assert security["runAsNonRoot"]
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert {s["name"] for s in security.get("sysctls", ())} <= {"net.ipv4.ip_unprivileged_port_start"}
    assert pod["enableServiceLinks"] is False
    assert isinstance(pod["automountServiceAccountToken"], bool)
    assert pod["serviceAccountName"]
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        resources = container["resources"]
        assert resources["requests"]["cpu"]
        assert set(resources["limits"]) == {"memory"}
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}  # noqa: S108
        assert not re.search(r":latest$|^[^:]+$", container["image"])


def test_the_replica_outlives_its_longest_request() -> None:
    slow = SPEC.changed(server={"drain_seconds": 12.5, "deadline_seconds": 90})
    pod = deployment(slow)["spec"]["template"]["spec"]
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= sleep + 12.5 + 90 + 5


def test_every_setting_of_the_server_reaches_its_container() -> None:
    env = {
        e["name"]: e.get("value", "")
        for e in deployment(SPECS["everything"])["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        told = Settings()  # pyright: ignore[reportCallIssue]
    wished = SPECS["everything"].server
    for field in set(ServerOptions.model_fields) - {"api_keys_file", "api_keys_secret"}:
        assert getattr(told, field) == getattr(wished, field), field
    assert told.api_keys_file == Path("/etc/tenfold/api-keys/keys")


def test_keys_are_a_mounted_secret_that_the_page_may_read() -> None:
    parts = by_name(service_manifests(SPECS["everything"]))
    rules = parts["Role", "flight-delay-api-keys"]["rules"]
    assert rules == [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["flight-keys"], "verbs": ["get"]}]
    binding = parts["RoleBinding", "flight-delay-api-keys"]
    assert (binding["roleRef"]["name"], [s["name"] for s in binding["subjects"]]) == (
        "flight-delay-api-keys",
        ["user-interface"],
    )
    assert not [name for _, name in by_name(service_manifests(SPEC)) if name.endswith("api-keys")]


def test_the_component_of_keys_is_what_its_own_spec_gives() -> None:
    component = yaml.safe_load((ROOT / "k8s" / "api-keys" / "kustomization.yaml").read_text())
    patch = yaml.safe_load(component["patches"][0]["patch"])
    spec = spec_of(patch)
    assert spec
    secret = spec.server.api_keys_secret
    assert secret
    without = deployment(spec.changed(server={"api_keys_secret": None}))["spec"]["template"]["spec"]
    pod = deployment(spec)["spec"]["template"]["spec"]
    added = patch["spec"]["template"]["spec"]
    for key in ("env", "volumeMounts"):
        assert pod["containers"][0][key] == without["containers"][0][key] + added["containers"][0][key]
    assert pod["volumes"] == without["volumes"] + added["volumes"]
    assert load("api-keys/api-keys.yaml") == keys_manifests("ml-model", secret)


def test_keys_in_a_file_of_this_machine_are_no_keys_on_a_cluster() -> None:
    with pytest.raises(KeysElsewhere, match=r"server.api_keys_file .* everybody could ask .* server.api_keys_secret"):
        manifests(SPEC.changed(server={"api_keys_file": "/etc/keys"}))


def test_a_night_may_change_one_deployment_and_nothing_else() -> None:
    (role,) = (p for p in service_manifests(SPEC) if p["kind"] == "Role")
    writing = [rule for rule in role["rules"] if set(rule["verbs"]) - {"get", "list"}]
    assert writing == [
        {
            "apiGroups": ["apps"],
            "resources": ["deployments"],
            "resourceNames": ["flight-delay-serving"],
            "verbs": ["get", "patch"],
        }
    ]


def test_two_services_share_only_what_is_shared() -> None:
    one, other = (by_name(manifests(ServiceSpec.of(name=n, model=f"models:/{n}/1"))) for n in ("one", "two"))
    shared = {name for _, name in one.keys() & other.keys()}
    assert not {name for name in shared if "one" in name or "two" in name}
    assert shared == {"postgres", "mlflow", "mlflow-artifacts", "user-interface", "user-interface-svc"} | {
        "ml-product-ingress"
    }
    assert not [name for _, name in other if "ml-model" in name]


def test_a_cron_job_has_a_name_that_kubernetes_takes() -> None:
    longest = "x" * 40
    parts = service_manifests(ServiceSpec.of(name=longest, model=f"models:/{longest}/1"))
    assert max(len(p["metadata"]["name"]) for p in parts) <= 52


def test_only_what_is_the_seed_or_begins_with_it_is_renamed() -> None:
    part = {"a": "ml-model", "b": "ml-model-svc", "c": "ml-modelling", "d": ["my-ml-model"], "ml-model": 1}
    assert named(part, "x") == {"a": "x", "b": "x-svc", "c": "ml-modelling", "d": ["my-ml-model"], "ml-model": 1}


def test_no_schedule_is_a_suspended_cron_job() -> None:
    def cron_job(**retraining: Any) -> Object:
        parts = service_manifests(SPEC.changed(retraining=retraining))
        return next(p["spec"] for p in parts if p["kind"] == "CronJob")

    assert cron_job()["suspend"] is True
    at_two = cron_job(at="02:05", timezone="Europe/Berlin")
    assert (at_two["suspend"], at_two["schedule"], at_two["timeZone"]) == (False, "5 2 * * *", "Europe/Berlin")
    assert cron_job(at="02:05", paused=True)["suspend"] is True


def write_golden() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, spec in SPECS.items():
        (GOLDEN / f"{name}.yaml").write_text(render(spec), encoding="utf-8")


if __name__ == "__main__":
    write_golden()
