"""A load test's Job and what belongs to it: what stands in k8s/, with the plan and the names of one run."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from tenfold.loadtests import access
from tenfold.loadtests.errors import InvalidPlan
from tenfold.loadtests.plan import LoadTest
from tenfold.platform.kubernetes.loadtest import FILE, START_SECONDS, objects, service_named
from tenfold.platform.kubernetes.manifests import load, named

Object = dict[str, Any]
IMAGE = "registry.example/user-interface:2.1"
URL = "http://m-svc"


def by_kind(parts: list[Object]) -> dict[str, Object]:
    return {part["kind"]: part for part in parts}


def test_all_parts_are_of_one_run() -> None:
    made = objects("m", "abc123", IMAGE, LoadTest(URL, processes=1))
    assert [part["kind"] for part in made] == ["Job", "Service", "NetworkPolicy"]
    assert {part["metadata"]["name"] for part in made} == {"m-loadtest-abc123"}
    parts, seed = by_kind(made), by_kind(load(FILE))
    for kind in ("Service", "NetworkPolicy"):
        assert parts[kind] == named(named(seed[kind], "m"), "m-loadtest-abc123", "m-loadtest")
    assert parts["Service"]["spec"]["selector"] == {
        "batch.kubernetes.io/job-name": "m-loadtest-abc123",
        "batch.kubernetes.io/job-completion-index": "0",
    }
    pod = parts["Job"]["spec"]["template"]
    # The service lets it in, and does not take it for one of its replicas.
    assert pod["metadata"]["labels"]["tenfold.dev/client"] == "m"
    assert "app" not in pod["metadata"]["labels"]


def test_the_pods_have_the_keys_that_the_service_asks_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    job = objects("m", "x", IMAGE, LoadTest(URL), api_keys_secret="shop-keys")[0]
    pod = job["spec"]["template"]["spec"]
    (env,) = (e for e in pod["containers"][0]["env"] if e["name"] == access.FILE_VARIABLE)
    (mount,) = (m for m in pod["containers"][0]["volumeMounts"] if env["value"] == f"{m['mountPath']}/keys")
    (volume,) = (v for v in pod["volumes"] if v["name"] == mount["name"])
    assert volume["secret"] == {"secretName": "shop-keys"}

    (tmp_path / "keys").write_text("# of the shop\nfirst\nsecond\n")
    monkeypatch.setenv(access.FILE_VARIABLE, str(tmp_path / "keys"))
    monkeypatch.setenv(access.VARIABLE, "")
    assert access.headers() == {}
    access.take_from_file()
    assert access.headers() == {"Authorization": "Bearer first"}


def test_the_job_differs_from_the_yaml_in_what_the_plan_says_alone() -> None:
    plan = LoadTest(URL, users=8, processes=3, run_time=600, timeout=10)
    job = objects("ml-model", "x", IMAGE, plan)[0]
    spec = job["spec"]
    assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (4, 4, "Indexed")
    # Long enough for slow pods, and ended by itself some minutes after the run.
    assert START_SECONDS + 600 + 21 < spec["activeDeadlineSeconds"] < 600 + 21 + 660
    container = spec["template"]["spec"]["containers"][0]
    assert LoadTest.of(json.loads(container["args"][0])) == plan
    assert container["args"][1:] == ["ml-model-loadtest-x", "5557"]
    assert container["image"] == IMAGE

    seed = named(by_kind(load(FILE))["Job"], "ml-model-loadtest-x", "ml-model-loadtest")
    pod = seed["spec"]["template"]["spec"]
    pod["volumes"].pop()
    pod["containers"][0]["volumeMounts"].pop()
    pod["containers"][0] |= {"args": container["args"], "image": IMAGE}
    seed["spec"] |= {key: spec[key] for key in ("completions", "parallelism", "activeDeadlineSeconds")}
    assert job == seed


def test_a_file_of_rows_is_brought_along_under_its_own_name(tmp_path: Path) -> None:
    rows = tmp_path / "my $(HOME).csv"
    rows.write_text("a,b\n1,2\n")
    parts = by_kind(objects("m", "x", IMAGE, LoadTest(URL, rows_file=rows, label_column="b", processes=1)))
    assert base64.b64decode(parts["ConfigMap"]["binaryData"]["rows"]) == rows.read_bytes()
    pod = parts["Job"]["spec"]["template"]["spec"]
    config_map = {"name": "m-loadtest-x", "items": [{"key": "rows", "path": rows.name}]}
    assert pod["volumes"][-1] == {"name": "rows", "configMap": config_map}
    # Kubernetes makes $ of $$, and would put a variable in the place of $(HOME).
    document = json.loads(pod["containers"][0]["args"][0].replace("$$", "$"))
    assert document["rows_file"] == f"/rows/{rows.name}"
    assert pod["containers"][0]["args"][0].count("$") == 2


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("rows.csv", 1024 * 1024 + 1, "has 1,048,577 bytes, and at most 1,048,576 can be brought into the cluster"),
        ("rows.parquet", 10, "convert it to CSV"),
    ],
)
def test_a_file_that_cannot_be_brought_along_is_refused(tmp_path: Path, name: str, size: int, words: str) -> None:
    (tmp_path / name).write_bytes(b"1" * size)
    with pytest.raises(InvalidPlan) as raised:
        objects("m", "x", IMAGE, LoadTest(URL, rows_file=tmp_path / name, processes=1))
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "words",
    [
        "flight-delay",
        URL.replace("m-", "flight-delay-"),
        "http://flight-delay-svc.ml/",
        "http://flight-delay-svc.ml.svc",
    ],
)
def test_a_service_is_meant_by_its_name_or_its_address(words: str) -> None:
    assert service_named(words, "ml") == "flight-delay"


@pytest.mark.parametrize("words", ["http://127.0.0.1:8080", "http://flight-delay-svc.other", "http://example.org"])
def test_an_address_of_something_else_is_refused(words: str) -> None:
    with pytest.raises(
        InvalidPlan, match="is not the address of a service in the namespace ml; give the service's name"
    ):
        service_named(words, "ml")
