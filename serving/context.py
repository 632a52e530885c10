"""What every request is answered with: the core, the settings and the metrics, and what all of them share."""

from __future__ import annotations

from dataclasses import dataclass, field

from .admission import Admission
from .budget import ByteBudget
from .core import Core
from .errors import BodyTooLarge, MethodNotAllowed, Overloaded, ServingError, Unauthorized, UnknownPath
from .keys import ApiKeys
from .metrics import Metrics
from .request import RequestHead
from .routes import Match, Route, RouteTable
from .scrapes import Scrapes
from .settings import Settings
from .tracing import Tracer
from .turns import Turns


@dataclass(frozen=True, slots=True)
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
        object.__setattr__(self, "held", ByteBudget(s.max_held_bytes))
        object.__setattr__(self, "admission", Admission(s.max_connections, s.max_connections_per_address))
        object.__setattr__(self, "scrapes", Scrapes(self.publish, self.metrics.render))

    def needs_key(self, route: Route | None) -> bool:
        """Whether a request needs an API key; one that no route takes does."""
        if self.keys is None:
            return False
        if route is None or route.access == "key":
            return True
        return route.access == "probe" and self.settings.api_keys_for_probes

    def refuse_by_head(self, method: str, path: str, match: Match, head: RequestHead) -> ServingError | None:
        """Why a request is refused before its body is looked at; None for one that is not."""
        route = match.route
        if self.keys is not None and self.needs_key(route):
            try:
                self.keys.check(head.headers.get(b"authorization", b""))
            except Unauthorized as e:
                return e.with_traceback(None)  # which leads to the frames of all callers, and all that they have read
        if route is None:
            return MethodNotAllowed(method, path, match.allowed) if match.allowed else UnknownPath(path)
        length, most = head.headers.get(b"content-length", b""), self.settings.max_body_bytes
        if length.isdigit() and (len(length) > 18 or int(length) > most):
            return BodyTooLarge(int(length[:18]), most)
        if route.reader is not None and self.core.full:
            return Overloaded(self.settings.max_waiting_rows, self.settings.max_waiting_rows)
        return None

    def authenticated(self, route: Route | None, head: RequestHead, refused: ServingError | None) -> bool:
        """Whether a request came with a key, or there are none; a key counts where none is needed, too.

        Args:
            route: that takes it.
            head: of the request.
            refused: what `refuse_by_head` said of it.
        """
        if self.keys is None:
            return True
        if self.needs_key(route):
            return not isinstance(refused, Unauthorized)
        return self.keys.has(head.headers.get(b"authorization", b""))

    def answered(self, protocol: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self.metrics.answered(protocol, status, self.core.version, seconds)

    def publish(self) -> None:
        """Bring the metrics up to date."""
        self.metrics.publish()
        if self.core.writer:
            self.metrics.logged(self.core.writer.counts())
