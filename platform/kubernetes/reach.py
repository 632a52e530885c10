"""Ways into the cluster from outside: a port here that leads to a port of whichever pod is ready.

`Platform.kubernetes` uses it for predictions, the registry and the inference log, without the user's doing. Every
connection is forwarded by the API server to a pod that is ready at that moment, so a replica that dies breaks the
connections to it and no others; the client's next one goes to another. A node that dies breaks nothing by itself, and
its pods are called ready for most of a minute: connections to them are found out here.
"""

from __future__ import annotations

import base64
import os
import random
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from ...training.registry import Registry
from .. import keys
from ..errors import KeyUnknown
from . import manifests as made
from .api import Api, Object
from .errors import KubernetesError, NotReachable
from .target import KubernetesTarget

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATA = 0
CHUNK = 64 * 1024
# A node that takes so long to open a tunnel is down; a pod that is silent for so long is asked whether it is there.
OPEN_SECONDS, SILENT_SECONDS = 3.0, 3.0


class Forward:
    """A listening port of this machine's loopback that leads to `port` of a ready pod that `selector` finds."""

    def __init__(self, api: Api, selector: str, port: int) -> None:
        self._api, self._selector, self._port = api, selector, port
        # When pods were found silent.
        self._silent: dict[str, float] = {}
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()

    def local_port(self) -> int:
        """The port here; it is opened by the first call and stays open as long as the program runs."""
        with self._lock:
            if self._listener is None:
                self._listener = socket.create_server(("127.0.0.1", 0))
                threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
            return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Take no more connections."""
        with self._lock:
            if self._listener is not None:
                with suppress(OSError):
                    self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
                self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(connection,), daemon=True).start()

    def _carry(self, connection: socket.socket) -> None:
        # A connection that cannot be carried is closed: to the client, a server that went away.
        with connection, suppress(KubernetesError, OSError):
            pod, tunnel = self._tunnel()
            try:
                pump(connection, tunnel, lambda: self._answers(pod))
            finally:
                _close(tunnel)

    def _tunnel(self) -> tuple[str, Any]:
        """A tunnel to a ready pod; one that answers is preferred to one that did not.

        Raises:
            NotReachable: none is ready, or none answers.
        """
        pods = [str(p["metadata"]["name"]) for p in self._api.list("Pod", self._selector) if _is_ready(p)]
        random.shuffle(pods)  # spreads load
        for pod in sorted(pods, key=lambda pod: self._silent.get(pod, 0.0)):
            with suppress(TimeoutError):
                return pod, self._opened(pod)
        ready = "No pod" if not pods else "None of the ready pods"
        raise NotReachable(
            f"{ready} of {self._selector} can be reached. See: kubectl get pods --selector {self._selector}"
        )

    def _opened(self, pod: str) -> Any:
        """A tunnel to this pod.

        Raises:
            TimeoutError: its node does not answer. It is remembered.
        """
        opening: Future[Any] = Future()

        def begin() -> None:
            try:
                opening.set_result(self._api.forward(pod, self._port))
            except BaseException as e:
                opening.set_exception(e)

        threading.Thread(target=begin, daemon=True).start()
        try:
            return opening.result(OPEN_SECONDS)
        except TimeoutError:
            self._silent[pod] = time.monotonic()
            opening.add_done_callback(lambda late: None if late.exception() else _close(late.result()))
            raise

    def _answers(self, pod: str) -> bool:
        try:
            _close(self._opened(pod))
        except (KubernetesError, OSError, TimeoutError):
            return False
        return True


def pump(connection: socket.socket, tunnel: Any, answers: Callable[[], bool]) -> None:
    """Copy bytes both ways until either side ends, or an answer does not come and `answers()` says that none will.

    A frame begins with its channel: 0 carries data, 1 errors. The first frame of each is the port, two bytes.
    """
    from websocket import ABNF, WebSocketException

    announced: set[int] = set()
    connection.settimeout(30)
    waiting = False
    with suppress(WebSocketException):
        while True:
            ready, _, _ = select.select([connection, tunnel.sock], [], [], SILENT_SECONDS if waiting else None)
            if not ready and not answers():
                return
            if connection in ready:
                sent = connection.recv(CHUNK)
                if not sent:
                    return
                tunnel.send(struct.pack("B", DATA) + sent, ABNF.OPCODE_BINARY)
                waiting = True
            while tunnel.sock in ready or _pending(tunnel.sock):
                ready = []
                opcode, frame = tunnel.recv_data()
                if opcode == ABNF.OPCODE_CLOSE:
                    return
                channel, content = frame[0], frame[1:]
                if channel not in announced:
                    announced.add(channel)
                elif channel == DATA:
                    connection.sendall(content)
                    waiting = False
                elif content:
                    return


def _close(tunnel: Any) -> None:
    with suppress(Exception):
        tunnel.close(timeout=1)
    # Where the other end closed it first, that closes nothing here.
    with suppress(Exception):
        tunnel.shutdown()


def _pending(sock: Any) -> bool:
    return bool(getattr(sock, "pending", lambda: 0)())


def _is_ready(pod: Object) -> bool:
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


class Reach:
    """The addresses of one namespace as this process can use them: inside the cluster as they are, else forwarded."""

    def __init__(self, target: KubernetesTarget) -> None:
        self._target = target
        self._forwards: dict[tuple[str, int], Forward] = {}

    def model(self, name: str) -> str:
        """Where this process reaches the model server of the service.

        Raises:
            UnknownService: no such service.
        """
        self._target.existing(name)
        if self._target.api.in_cluster:
            return f"http://{name}-svc.{self._target.api.namespace}"
        return f"http://127.0.0.1:{self._port(f'app={name}', 80)}"

    def api_key(self, name: str) -> str | None:
        """The first API key of the service; None where nobody needs one.

        Raises:
            UnknownService: no such service.
            KeyUnknown: its Secret cannot be read, or has none.
        """
        spec = made.spec_of(self._target.existing(name))
        secret = spec and spec.server.api_keys_secret
        if not secret:
            return None
        try:
            stored = self._target.api.get("Secret", secret).get("data") or {}
        except KubernetesError as e:
            raise KeyUnknown(f"the Secret {secret}", str(e)) from e
        return keys.first(base64.b64decode(stored.get(made.KEYS, "")), f"the Secret {secret}")

    def registry(self) -> str:
        """Where this process reaches the registry; the server is made and waited for if need be."""
        if given := os.environ.get("TENFOLD_REGISTRY_URI"):
            return given
        if (spec := self._target.any_spec()) and spec.registry:
            return spec.registry
        self._target.await_registry()
        if self._target.api.in_cluster:
            return made.REGISTRY
        return f"http://127.0.0.1:{self._port('app=mlflow', 5000)}"

    def log_url(self) -> str:
        """Where this process reaches the inference log's database."""
        if given := os.environ.get("TENFOLD_LOG_URL"):
            return given
        api = self._target.api
        spec = self._target.any_spec()
        name = (spec and spec.database) or made.DATABASE_SECRET
        if name == made.DATABASE_SECRET and api.find("Secret", name) is None:
            self._target.await_registry()
        stored = api.get("Secret", name)["data"][made.DATABASE_KEY]
        url = base64.b64decode(stored).decode()
        parts = urlsplit(url)
        if api.in_cluster or parts.hostname != "postgres":
            return url
        login = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self._port('app=postgres', 5432)}"))

    def _port(self, selector: str, port: int) -> int:
        forward = self._forwards.setdefault((selector, port), Forward(self._target.api, selector, port))
        return forward.local_port()


class ClusterRegistry(Registry):
    """The registry of a namespace; how it is reached is found out when it is first used."""

    def __init__(self, reach: Reach) -> None:
        super().__init__(os.environ.get("TENFOLD_REGISTRY_URI") or made.REGISTRY)
        self._reach = reach

    def _client(self) -> MlflowClient:
        if self._opened is None:
            self.uri = self._reach.registry()
        return super()._client()
