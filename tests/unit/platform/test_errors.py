"""Each error of the platform is a sentence with the value and the remedy, and stands in the tree of its package."""

import inspect

import pytest
from tenfold.platform import errors
from tenfold.platform.errors import AddressInUse, InvalidSpec, PlatformError, UnknownService
from tenfold.platform.spec import ServiceSpec

ALL = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, PlatformError)]


@pytest.mark.parametrize("error", ALL)
def test_every_error_has_one_root_and_is_drawn(error: type[PlatformError]) -> None:
    assert f"{error.__name__} " in f"{errors.__doc__}\n".replace("\n", " ")


def test_an_unknown_service_names_those_there_are() -> None:
    assert "there are: a, b. Deploy it with: tenfold deploy m" in str(UnknownService("m", ("a", "b")))
    assert "there is none yet" in str(UnknownService("m", ()))


def test_an_address_in_use_names_it_and_the_remedy() -> None:
    said = str(AddressInUse("127.0.0.1", 8080))
    assert said.startswith("Nothing can listen on 127.0.0.1:8080 (Address already in use).")
    assert said.endswith("choose another port")


def test_an_invalid_spec_names_field_and_value_but_never_the_whole_spec() -> None:
    with pytest.raises(InvalidSpec) as raised:
        ServiceSpec.of(name="m", model="models:/m/1", replicas="many")
    assert "replicas: " in str(raised.value)
    assert "(got 'many')" in str(raised.value)
    with pytest.raises(InvalidSpec) as raised:
        ServiceSpec.of(name="m", model="models:/m/1", port=8081)
    assert "got" not in str(raised.value)
