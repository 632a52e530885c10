"""What can go wrong in requests to a model server.

ClientError
├── Unsendable       what was given has no place in a request; nothing was sent
├── Unreachable      no server answered, or the connection broke, as often as it was tried
├── Refused          4xx: the server does not take this request; 429: not now
├── ServerFailed     5xx: the server could not answer, as often as it was tried; 504 is tried once
└── NotUnderstood    an answer that is none of tenfold's: another program listens there
"""

from __future__ import annotations


class ClientError(Exception):
    """Root of the package; the message is the server's own sentence wherever there is one."""


class Unsendable(ClientError):
    """What was given has no place in a request; nothing was sent."""


class Unreachable(ClientError):
    """No server answered."""

    def __init__(self, url: str, why: str, tries: int) -> None:
        tried = f" ({tries} tries)" if tries > 1 else ""
        super().__init__(f"{url} does not answer: {why}{tried}. Check that the service runs: tenfold status")


class _Answered(ClientError):
    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        self.sentence = sentence
        super().__init__(sentence)


class Refused(_Answered):
    """The server does not take this request. `status` is the HTTP status, `sentence` says why and what to do."""


class ServerFailed(_Answered):
    """The server could not answer. `status` is the HTTP status, `sentence` says why."""


class NotUnderstood(ClientError):
    """An answer that is none of tenfold's."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"What listens at {url} does not answer as tenfold does: {why}. Check host, port and path")
