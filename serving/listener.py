"""A socket to listen on, for a server that inherits none."""

from __future__ import annotations

import socket


def bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that listens on `host` and `port`; 0 is any free port.

    Args:
        host: an IPv6 address, or one that IPv4 knows.
        shared: several processes may listen on the same port, each on a socket of its own.

    Raises:
        OSError: nothing can listen there.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
