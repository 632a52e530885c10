"""What every request is answered with: the core, the settings and the metrics, and what all of them share."""

from __future__ import annotations

from dataclasses import dataclass, field

from .admission import Admission
from .budget import ByteBudget
from .core import Core
from .errors import BodyTooLarge, MethodNotAllowed, Overloaded, ServingError, Unauthorized, UnknownPath
from .keys import ApiKeys, bearer
from .metrics import Metrics
from .request import RequestHead
from .routes import Match, Route, RouteTable
from .scrapes import Scrapes
from .settings import Settings
from .tracing import Tracer
from .turns import Turns


@dataclass(slots=True)
class Context:
    """One per process, for HTTP and gRPC.

    Attributes:
        keys: None where nobody needs one.
        tracer: None where nothing is traced.
        held: the bytes of the bodies of all requests that are not answered yet, and of answers of HTTP that wait to be
            taken by their clients.
    """

    core: Core
    settings: Settings
    metrics: Metrics
    table: RouteTable
    keys: ApiKeys | None = None
    tracer: Tracer | None = None
    held: ByteBudget = field(init=False)
    admission: Admission = field(init=False)
    turns: Turns = field(init=False, default_factory=Turns)
    scrapes: Scrapes = field(init=False)

    def __post_init__(self) -> None:
        s = self.settings
        self.held = ByteBudget(s.max_held_bytes)
        self.admission = Admission(s.max_connections, s.max_connections_per_address)
        self.scrapes = Scrapes(self.publish, self.metrics.render)

    def needs_key(self, route: Route | None) -> bool:
        """Whether a request needs an API key; one that no route takes does."""
        if self.keys is None:
            return False
        if route is None or route.access == "key":
            return True
        return route.access == "probe" and self.settings.api_keys_for_probes

    def judge(self, method: str, path: str, match: Match, head: RequestHead) -> tuple[bool, ServingError | None]:
        """What a request's head alone says of it.

        Returns:
            Whether it came with a key, or there are none; a key counts where none is needed, too. And why it is refused
            before its body is looked at; None for one that is not.
        """
        if self.keys is not None:
            key = bearer(head.headers.get(b"authorization", b""))
            if not key or not self.keys.accept(key):
                if self.needs_key(match.route):
                    return False, Unauthorized(bool(key))
                return False, self._refusal(method, path, match, head)
        return True, self._refusal(method, path, match, head)

    def answered(self, protocol: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self.metrics.answered(protocol, status, self.core.version, seconds)

    def publish(self) -> None:
        """Bring the metrics up to date."""
        self.metrics.publish()
        if self.core.writer:
            self.metrics.logged(self.core.writer.counts())

    def _refusal(self, method: str, path: str, match: Match, head: RequestHead) -> ServingError | None:
        route = match.route
        if route is None:
            return MethodNotAllowed(method, path, match.allowed) if match.allowed else UnknownPath(path)
        length, most = head.headers.get(b"content-length", b""), self.settings.max_body_bytes
        if length.isdigit() and (len(length) > 18 or int(length) > most):
            return BodyTooLarge(int(length[:18]), most)
        if route.reader is not None and self.core.full:
            return Overloaded(self.settings.max_waiting_rows, self.settings.max_waiting_rows)
        return None
