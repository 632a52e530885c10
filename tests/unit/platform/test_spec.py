"""A spec refuses what cannot be, changes field by field, and tells what a replica is made from."""

import json
from datetime import time
from typing import Any

import pytest
from tenfold.platform.errors import InvalidSpec
from tenfold.platform.plan import differences
from tenfold.platform.spec import ServerOptions, ServiceSpec
from tenfold.serving import options
from tenfold.serving.settings import Settings

# Of every field that the first version had.
OLD: dict[str, Any] = {
    "max_rows": 5,
    "max_body_bytes": 6,
    "max_batch_rows": 7,
    "max_waiting_rows": 8,
    "deadline_seconds": 1.5,
    "receive_seconds": 2.5,
    "connection_seconds": 3.5,
    "drain_seconds": 4.5,
    "allow_pickle": True,
    "trusted_types": ["a.B"],
    "accept_event_time": True,
    "accelerate": "onnx",
}
SPEC = ServiceSpec.of(name="flight-delay", model="models:/flight-delay/7")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "Flight"}, "Flight"),
        ({"name": "x" * 41}, "name"),
        ({"model": "models:/m@champion"}, "is not a pinned version"),
        ({"replicas": -1}, "replicas"),
        ({"replicas": "many"}, "'many'"),
        ({"port": 70000}, "70000"),
        ({"port": 8081}, "port 8081, page_port 8081 and registry_port 8082 must differ"),
        ({"model": "models:/other/7"}, "the service 'flight-delay' cannot serve models:/other/7"),
        ({"replica": 3}, "replica"),
        ({"retraining": {"timezone": "Mars"}}, "'Mars' is not a time zone"),
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


def test_what_a_spec_says_of_its_servers_reaches_them_by_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {"api_keys_file": "/keys", "api_keys_secret": "keys"}
    chosen = ServerOptions(max_rows=5, drain_seconds=2.5, trusted_types=("a.B", "c.D"), allow_pickle=True, **keys)
    for changed_only in (True, False):
        with monkeypatch.context() as patch:
            for name, value in chosen.environment(changed_only=changed_only).items():
                patch.setenv(name, value)
            told = Settings(model="m")
        assert {name: getattr(told, name) for name in options.ServerOptions.model_fields} == chosen.model_dump(
            exclude={"api_keys_secret"}
        )


def test_a_spec_that_an_older_version_stored_is_read() -> None:
    stored = {"name": "flight-delay", "model": "models:/flight-delay/7", "server": {**OLD, "api_keys_secret": "keys"}}
    server = ServiceSpec.model_validate_json(json.dumps(stored)).server
    assert {name: getattr(server, name) for name in OLD} == {**OLD, "trusted_types": ("a.B",)}
    assert server.max_held_bytes == Settings.model_fields["max_held_bytes"].default


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
