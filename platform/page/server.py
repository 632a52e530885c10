"""Runs the page: one process, one port, until SIGTERM or SIGINT.

`__main__.py` calls `run`. The port is bound before anything else, so that a port in use is one sentence and not a
traceback out of the server's start.
"""

from __future__ import annotations

import signal
import socket

import uvicorn
from fastapi import FastAPI

from ..errors import AddressInUse


def run(app: FastAPI, host: str, port: int) -> None:
    """Serve `app` on host:port; returns after a stop by SIGTERM or SIGINT.

    Raises:
        AddressInUse: another program listens there, or the address is none of this machine's.
    """
    listener = _bind(host, port)
    # uvicorn raises the signal that stopped it once more when it is done; a stop that was asked for is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop_is_no_failure)
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    with listener:
        uvicorn.Server(config).run(sockets=[listener])


def _stop_is_no_failure(_number: int, _frame: object) -> None:
    """What is done with the repeated signal: nothing."""


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as e:
        listener.close()
        raise AddressInUse(host, port, e.strerror or str(e)) from e
    return listener
