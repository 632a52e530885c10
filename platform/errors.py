"""What can go wrong between a wish and the running service.

PlatformError
├── InvalidSpec          a field of the spec is wrong
├── KeysElsewhere        API keys are wished for in a way that this target does not have
├── KeyUnknown           a model asks for an API key, and this process does not have one
├── InvalidRows          rows of the past, their labels or times cannot be imported
├── UnknownService       no service of that name
├── AddressInUse         nothing can listen on the address
├── StateUnusable        the state folder cannot be written, or another process holds it
└── RolloutFailed        a version did not become ready, or failed requests
    ├── RolloutTimedOut  it made no progress within its deadline
    ├── RolloutStopped   the service was stopped or deleted meanwhile
    └── RolledBack       it failed, and what served before serves again
"""

from __future__ import annotations

from pydantic import ValidationError


class PlatformError(Exception):
    """Root of the package; every message says what happened, with which value, and what to do next."""


class InvalidSpec(PlatformError):
    """A field of the spec is wrong; one sentence for each."""

    def __init__(self, error: ValidationError) -> None:
        sentences = [
            f"{field}: {said} (got {e['input']!r})" if (field := ".".join(map(str, e["loc"]))) else said
            for e in error.errors(include_url=False, include_context=False)
            if (said := e["msg"].removeprefix("Value error, "))
        ]
        super().__init__("The service cannot be described: " + "; ".join(sentences))


class KeysElsewhere(PlatformError):
    """API keys are wished for in a way that this target does not have; without them everybody could ask the model."""

    def __init__(self, given: str, wanted: str) -> None:
        super().__init__(
            f"The keys of server.{given} are not known here, and without keys everybody could ask the model. "
            f"Set server.{wanted} as well"
        )


class KeyUnknown(PlatformError):
    """A model asks for an API key, and this process does not have one."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"No API key can be read from {where} ({why.rstrip('.')}). Set TENFOLD_API_KEY to a valid one")


class InvalidRows(PlatformError):
    """Rows of the past, their labels or their times do not fit together."""


class UnknownService(PlatformError):
    """No service of that name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        there = f"there are: {', '.join(known)}" if known else "there is none yet"
        super().__init__(f"No service is named '{name}'; {there}. Deploy it with: tenfold deploy {name}")


class AddressInUse(PlatformError):
    """Another program listens on the port, or the address is none of this machine's."""

    def __init__(self, host: str, port: int, cause: str = "Address already in use") -> None:
        super().__init__(
            f"Nothing can listen on {host}:{port} ({cause}). Stop the program that does, or choose another port"
        )


class StateUnusable(PlatformError):
    """The state folder cannot be written, or another process holds it."""


class RolloutFailed(PlatformError):
    """A version did not become ready in time, or failed requests."""

    timed_out = False


class RolloutTimedOut(RolloutFailed):
    """A version made no progress within its deadline, and nothing says that it never could."""

    timed_out = True


class RolloutStopped(RolloutFailed):
    """The service was stopped or deleted before it was ready; whoever did that does not want it started again."""


class RolledBack(RolloutFailed):
    """A rollout failed and was taken back.

    Args:
        cause: why it failed.
        version: that is served again; None when the version was not what changed.
    """

    def __init__(self, cause: RolloutFailed, version: str | None) -> None:
        back = f"Version {version}" if version else "What was deployed before"
        super().__init__(f"{str(cause).rstrip('.')}. {back} is back")
        self.timed_out = cause.timed_out
