"""Each error of the server stands in the tree of its package."""

import inspect

import pytest
from tenfold.serving import errors
from tenfold.serving.errors import ServingError

ALL = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, ServingError)]


@pytest.mark.parametrize("error", ALL)
def test_every_error_has_one_root_and_is_drawn(error: type[ServingError]) -> None:
    assert f"{error.__name__} " in f"{errors.__doc__}\n".replace("\n", " ")


@pytest.mark.parametrize("error", ALL)
def test_the_status_that_is_drawn_is_the_one_that_is_answered(error: type[ServingError]) -> None:
    (line,) = (line for line in str(errors.__doc__).splitlines() if f" {error.__name__} " in f"{line} ")
    drawn = line.split(error.__name__)[1].split()[:1]
    if drawn and drawn[0].isdigit():
        assert error.status == int(drawn[0])
