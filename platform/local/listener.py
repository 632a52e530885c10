"""The sockets that replicas inherit: one per service, shared by its replicas, and one per replica for probes."""

from __future__ import annotations

import socket

from ..errors import AddressInUse


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A bound socket on which nobody listens yet: replicas do, once they are ready.

    Args:
        host: address or name to bind to.
        port: port to bind to; 0 for a free one.
        shared: replicas of an earlier controller may still listen there, on a socket of their own.

    Raises:
        AddressInUse: another program has the port, or the address is none of this machine's.
    """
    if shared:
        return _bind(host, port, reuse_port=True)
    # SO_REUSEPORT lets any process of this user in, a second platform too. A bind without it tells if one is there.
    _bind(host, port, reuse_port=False).close()
    return _bind(host, port, reuse_port=True)


def port_of(bound: socket.socket) -> int:
    """The port that the socket is bound to."""
    return int(bound.getsockname()[1])


def _bind(host: str, port: int, *, reuse_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    # Not both: with SO_REUSEADDR too, a socket that is bound but not yet listened on would let another platform in.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if reuse_port else socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        if not reuse_port:
            bound.listen(1)
    except OSError as e:
        bound.close()
        raise AddressInUse(host, port, e.strerror or str(e)) from e
    return bound
