"""What `doctor` says of a namespace that nothing was applied to."""

from __future__ import annotations

from typing import Any

from support.cluster import kubectl
from tenfold import Platform
from tenfold.platform.spec import ServiceSpec


def spec(**fields: Any) -> ServiceSpec:
    return ServiceSpec.of(name="iris", model="models:/iris/1", **fields)


def test_doctor_finds_what_stands_in_the_way_of_a_deploy(ns: str, cluster: Platform) -> None:
    found = {f.about: f for f in cluster.doctor(spec()).findings}
    assert {about: f.result for about, f in found.items()} == dict.fromkeys(found, "ok"), found
    assert set(found) == {"version", "namespace", "rights", "ingress", "metrics", "storage", "images"}
    broken = cluster.doctor(spec(images={"training": "no-such-image:1"}, ingress={"class_name": "no-such-class"}))
    assert not broken.healthy
    sentences = {f.sentence for f in broken.findings if f.result != "ok"}
    assert any("no-such-image:1 cannot be pulled" in s for s in sentences)
    assert any("no ingress class is named no-such-class" in s for s in sentences)
    assert "tenfold-doctor" not in kubectl("get", "pods", namespace=ns)
