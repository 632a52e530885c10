"""Sockets that are shared with replicas, and with nobody else."""

import socket

import pytest
from support.places import free_port
from tenfold.platform.errors import AddressInUse
from tenfold.platform.local.listener import bind, port_of


def test_a_free_port_is_found_and_told() -> None:
    with bind("127.0.0.1", 0) as bound:
        assert port_of(bound) > 0


def test_a_port_on_which_another_program_listens_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(AddressInUse, match="choose another port"):
        bind("127.0.0.1", port_of(other))


def test_a_second_platform_is_kept_out_even_before_the_first_listens() -> None:
    with bind("127.0.0.1", 0) as ours, pytest.raises(AddressInUse):
        bind("127.0.0.1", port_of(ours))


def test_a_new_controller_shares_the_port_with_the_replicas_of_the_one_before() -> None:
    port = free_port()
    with bind("127.0.0.1", port) as old:
        old.listen()
        with bind("127.0.0.1", port, shared=True) as new:
            new.listen()
            assert port_of(new) == port


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_an_address_that_is_none_of_this_machine_is_named(host: str) -> None:
    with pytest.raises(AddressInUse, match=f"Nothing can listen on {host}:"):
        bind(host, 0)
