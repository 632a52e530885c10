"""A spec refuses what cannot be, changes field by field, and tells what a replica is made from."""

from datetime import time

import pytest
from tenfold.platform.errors import InvalidSpec
from tenfold.platform.plan import differences
from tenfold.platform.spec import ServerOptions, ServiceSpec
from tenfold.serving.settings import Settings

SPEC = ServiceSpec.of(name="flight-delay", model="models:/flight-delay/7")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "Flight"}, "Flight"),
        ({"name": "x" * 41}, "name"),
        ({"model": "models:/m@champion"}, "no pinned version"),
        ({"replicas": -1}, "replicas"),
        ({"replicas": "many"}, "'many'"),
        ({"port": 70000}, "70000"),
        ({"port": 8081}, "port 8081, page_port 8081 and registry_port 8082 must differ"),
        ({"model": "models:/other/7"}, "the service 'flight-delay' cannot serve models:/other/7"),
        ({"replica": 3}, "replica"),
        ({"retraining": {"timezone": "Mars"}}, "'Mars' is no time zone"),
        ({"retraining": {"at": "25:00"}}, "25:00"),
        ({"retraining": {"train": "os.system('x')"}}, "retraining.train"),
        ({"resources": {"memory": "much"}}, "resources.memory"),
        ({"server": {"api_keys_file": "keys"}}, "'keys' depends on the folder that one is in"),
        ({"server": {"api_keys_secret": "No Secret"}}, "server.api_keys_secret"),
    ],
)
def test_wrong_fields_are_named(fields: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidSpec, match="cannot be described") as raised:
        SPEC.changed(**fields)
    assert words in str(raised.value)


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(InvalidSpec, match=r"(?s)name.*replicas"):
        ServiceSpec.of(name="?", model="models:/m/1", replicas=-1)


def test_nested_fields_change_one_by_one() -> None:
    spec = SPEC.changed(retraining={"at": "02:00", "timezone": "America/New_York"}).changed(retraining={"paused": True})
    assert (spec.retraining.at, spec.retraining.timezone, spec.retraining.paused) == (time(2), "America/New_York", True)


def test_a_replica_is_made_from_version_and_server_but_not_from_their_number() -> None:
    assert SPEC.changed(replicas=3).template == SPEC.template
    assert SPEC.changed(retraining={"at": "02:00"}).template == SPEC.template
    assert SPEC.changed(model="models:/flight-delay/8").template != SPEC.template
    assert SPEC.changed(server={"max_rows": 5}).template != SPEC.template


def test_what_a_server_can_be_told_means_the_same_in_the_spec() -> None:
    for name, field in ServerOptions.model_fields.items():
        if name != "api_keys_secret":
            assert field.default == Settings.model_fields[name].default, name


def test_a_plan_names_changed_fields_only() -> None:
    after = SPEC.changed(replicas=3, retraining={"at": "02:00"})
    assert {(c.field, c.before, c.after) for c in differences(SPEC, after)} == {
        ("replicas", "10", "3"),
        ("retraining.at", None, "02:00:00"),
    }
    assert differences(SPEC, SPEC) == ()


def test_a_plan_shows_what_is_taken_away() -> None:
    scheduled = SPEC.changed(retraining={"at": "02:00"})
    assert [(c.field, c.before, c.after) for c in differences(scheduled, SPEC)] == [("retraining.at", "02:00:00", None)]


def test_a_plan_for_nothing_names_all_fields() -> None:
    assert {"name", "model", "replicas", "server.max_rows"} <= {c.field for c in differences(None, SPEC)}
