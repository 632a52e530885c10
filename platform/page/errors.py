"""What the page refuses, each with the HTTP status that it is answered with.

PlatformError
└── PageError
    ├── ForeignRequest       403  a POST that another site's page sent
    ├── NotJson              415  a POST that is not application/json
    ├── BodyTooLarge         413  a POST with more bytes than the page passes on
    ├── ModelUnreachable     502  the model server cannot be reached, or answers no JSON
    └── SourceTooSlow        504  the platform or the model server does not answer in time
"""

from __future__ import annotations

from ..errors import PlatformError


class PageError(PlatformError):
    """Root of the package; `status` is the HTTP status of the answer."""

    status = 500


class ForeignRequest(PageError):
    """A POST that another site's page sent."""

    status = 403

    def __init__(self, origin: str) -> None:
        super().__init__(
            f"This request was sent by a page of {origin}, not by this one. Open the page itself and retry"
        )


class NotJson(PageError):
    """A POST that is not application/json."""

    status = 415

    def __init__(self, content_type: str) -> None:
        super().__init__(f"The body is '{content_type or 'untyped'}'; send it with Content-Type: application/json")


class BodyTooLarge(PageError):
    """A POST with more bytes than the page passes on."""

    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body has more than {limit} bytes; send large batches to the model server itself")


class ModelUnreachable(PageError):
    """The model server cannot be reached, or answers no JSON."""

    status = 502


class SourceTooSlow(PageError):
    """The platform or the model server does not answer in time."""

    status = 504
