"""What can go wrong between a request and its answer, and between a model folder and a ready server.

    ServingError
    ├── InvalidInput            400  rows, labels or parameters that the model cannot take
    ├── Unauthorized            401  no API key, or an unknown one
    ├── UnknownModel            404  another model or version was asked for
    ├── UnknownPath             404  no route has this path
    ├── MethodNotAllowed        405  no route of this path has this method
    ├── TooLarge                413
    │   ├── TooManyRows              more rows than `max_rows`
    │   ├── TooManyValues            more values than `max_rows` rows can have
    │   └── BodyTooLarge             more bytes than `max_body_bytes`
    ├── UnsupportedMediaType    415  a content type that the route does not speak
    │   └── UnsupportedEncoding      a content encoding that is not known
    ├── PredictionFailed        500  the model itself broke
    │   └── ValueRefused        422  on these rows, while it still answers its own example
    ├── NoInferenceLog          501  feedback, but the server keeps no log
    ├── NotReady                503  the model is loading, could not be loaded, or the log is away
    ├── Shed
    │   ├── Overloaded          503  too many rows wait already
    │   ├── NoRoom              503  the bodies of all requests together are too large
    │   ├── TooManyLabels       503  too many labels wait already
    │   ├── DeadlineExceeded    504  no answer within `deadline_seconds`
    │   └── LabelsTooLate       504  labels that were not written within `deadline_seconds`
    ├── KeysUnreadable               raised at the start: the file of API keys cannot be read
    ├── NotCompiled                  the model's compiled form cannot be used; the model answers without it
    └── ModelUnloadable         503  raised while loading
        ├── ModelChanged             the files are not those that were registered
        ├── UntrustedTypes           the model holds types that are not on the allow-list
        ├── NeedsPickle              the model is pickled, and pickle is not allowed
        └── NeedsCode                only code that comes with the model can load it, and that is not allowed

Each carries the HTTP `status` of its family and writes its own sentence: what happened, with which value, and what
to do next. The HTTP layer turns that sentence into the shape of the protocol that was spoken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from .echo import echo

RETRY: Mapping[str, str] = {"Retry-After": "1"}
"""Headers of an answer to a client that should ask again in a moment."""


class ServingError(Exception):
    """Root of the package.

    Attributes:
        status: that HTTP has for it.
        headers: of a response that says so over HTTP.
    """

    status: ClassVar[int] = 500
    headers: Mapping[str, str] = {}


class InvalidInput(ServingError):
    """Rows, labels or parameters that the model cannot take."""

    status = 400


class Unauthorized(ServingError):
    """No API key where one is needed, or one that is not valid (any more)."""

    status = 401
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}

    def __init__(self, given: bool) -> None:
        what = "The API key is not valid" if given else "An API key is needed here"
        super().__init__(f"{what}. Send a valid one in the header Authorization: Bearer KEY")


class UnknownModel(ServingError):
    """The request names another model or version than the one served here."""

    status = 404

    def __init__(self, name: str, version: str | None, served_name: str, served_version: str) -> None:
        asked = f"model '{echo(name)}'" + (f" version '{echo(version)}'" if version is not None else "")
        super().__init__(
            f"There is no {asked} here; this server has model '{served_name}' version '{served_version}'. "
            f"Ask for that one"
        )


class UnknownPath(ServingError):
    """No route has this path."""

    status = 404

    def __init__(self, path: str) -> None:
        super().__init__(f"There is nothing at {echo(path)}. GET / lists what there is")


class MethodNotAllowed(ServingError):
    """No route of this path has this method."""

    status = 405

    def __init__(self, method: str, path: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{echo(method)} is not possible on {echo(path)}; use {', '.join(allowed)}")
        self.headers = {"Allow": ", ".join(allowed)}


class TooLarge(ServingError):
    """More than the server takes in one request."""

    status = 413


class TooManyRows(TooLarge):
    """More rows than `max_rows`."""

    def __init__(self, rows: int, limit: int) -> None:
        super().__init__(
            f"The request has {rows} rows, more than the {limit} allowed. "
            f"Send several requests, or raise TENFOLD_MAX_ROWS on the server"
        )


class TooManyValues(TooLarge):
    """More values than `max_rows` rows of the model's columns can have."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The request has more than {limit} values, which is more than the rows allowed can have. "
            f"Send several requests, or raise TENFOLD_MAX_ROWS on the server"
        )


class BodyTooLarge(TooLarge):
    """More bytes than `max_body_bytes`; `size` is None when the body did not announce its length."""

    def __init__(self, size: int | None, limit: int) -> None:
        size_words = f"{size} bytes" if size is not None else "more bytes than allowed"
        super().__init__(
            f"The request body has {size_words}; the limit is {limit} bytes. "
            f"Send several requests, or raise TENFOLD_MAX_BODY_BYTES on the server"
        )


class UnsupportedMediaType(ServingError):
    """A content type that the route does not speak."""

    status = 415

    def __init__(self, content_type: str, supported: Sequence[str]) -> None:
        super().__init__(f"Content-Type '{echo(content_type)}' is not understood here. Send {' or '.join(supported)}")


class UnsupportedEncoding(UnsupportedMediaType):
    """A body that is packed in a format that is not known here."""

    headers: Mapping[str, str] = {"Accept-Encoding": "gzip, deflate"}

    def __init__(self, encoding: str) -> None:
        super(UnsupportedMediaType, self).__init__(
            f"Content-Encoding '{echo(encoding)}' is not understood here. Send gzip, deflate or none"
        )


class PredictionFailed(ServingError):
    """The model itself broke on rows that agree with its signature."""

    sentence: ClassVar[str] = (
        "The model's {method} failed with {kind}: {said}. "
        "The server's log has the traceback; try the same rows on the model in Python"
    )

    def __init__(self, method: str, error: BaseException) -> None:
        said = echo(self._said(error))
        super().__init__(self.sentence.format(method=method, kind=type(error).__name__, said=said))

    @staticmethod
    def _said(error: BaseException) -> str:
        return first_line(error)


class ValueRefused(PredictionFailed):
    """Rows that fit their columns, but that the model itself refuses: an unknown category, a number too large.

    The model still answers its own example, so that it is the rows that are to blame.

    It has a status of its own, since a version that refuses what the one before took is as bad as one that breaks: the
    watch after a rollout counts it.
    """

    status = 422
    sentence = "The model's {method} refuses a value: {said}. Send values such as it was fitted with"

    def __init__(self, method: str, error: BaseException) -> None:
        super().__init__(method, error)
        if "unknown categor" in str(error):
            self.args = (f"{self}; to take unknown categories, fit its encoder with handle_unknown='ignore'",)

    @staticmethod
    def _said(error: BaseException) -> str:
        return " ".join(str(error).split()).rstrip(". ")  # scikit-learn names the value in its second line


class NoInferenceLog(ServingError):
    """Feedback, but the server keeps no log."""

    status = 501

    def __init__(self) -> None:
        super().__init__(
            "This server keeps no inference log, so labels have nowhere to go. Start it with TENFOLD_LOG_URL set"
        )


class NotReady(ServingError):
    """The model is loading, could not be loaded, or the inference log cannot be reached."""

    status = 503
    headers = RETRY


class Shed(ServingError):
    """Refused because the server has more requests than it can answer; `reason` is what ran out."""

    reason: ClassVar[Literal["queue", "bytes", "deadline"]]


class Overloaded(Shed):
    """More requests than the model can answer; it was not called."""

    status = 503
    headers = RETRY
    reason = "queue"

    def __init__(self, waiting: int, limit: int) -> None:
        super().__init__(
            f"Too many rows wait for the model: {waiting}, and {limit} may. Try again in a second, or run more replicas"
        )


class NoRoom(Shed):
    """The bodies of all requests that are being answered are larger together than the server may hold."""

    status = 503
    reason = "bytes"
    headers = RETRY

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The requests that are being answered hold {limit} bytes together, which is all that they may. "
            f"Try again in a second, or raise TENFOLD_MAX_HELD_BYTES on the server"
        )


class DeadlineExceeded(Shed):
    """No answer in time."""

    status = 504
    reason = "deadline"

    def __init__(self) -> None:
        super().__init__(
            "The model did not answer in time. Send fewer rows at a time, or give the server a longer deadline: "
            "TENFOLD_DEADLINE_SECONDS"
        )


class TooManyLabels(Shed):
    """More labels than the inference log takes; none was kept."""

    status = 503
    headers = RETRY
    reason = "queue"

    def __init__(self, waiting: int, limit: int, whose: str = "labels") -> None:
        super().__init__(
            f"No label was kept: {waiting} {whose} wait for the inference log already, and {limit} may. "
            f"Send the same again in a second"
        )


class LabelsTooLate(Shed):
    """The inference log did not take labels in time."""

    status = 504
    reason = "deadline"

    def __init__(self, *, maybe_kept: bool) -> None:
        kept = "It is not known whether the labels were kept" if maybe_kept else "No label was kept"
        super().__init__(
            f"{kept}: the inference log did not answer in time. Send the same again later; a label that was kept is "
            f"then 'repeated', and counts once"
        )


class KeysUnreadable(ServingError):
    """The file of API keys cannot be read; the server does not start without it."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(
            f"The API keys in {file} cannot be read ({reason}). "
            f"Write one key per line into it, or unset TENFOLD_API_KEYS_FILE"
        )


class NotCompiled(ServingError):
    """The model's compiled form cannot be used, and why; the model itself can. Part of another sentence."""


class ModelUnloadable(ServingError):
    """The model cannot be served from where it was looked for; raised while loading."""

    status = 503
    headers = RETRY


class ModelChanged(ModelUnloadable):
    """The files are not those that were registered."""

    def __init__(self, source: str, found: str, wanted: str) -> None:
        super().__init__(
            f"The files of the model {source} have the digest {found}, not {wanted}: they were changed after they were "
            f"registered, or are not whole. Find out who writes to the registry's files, and register the model again"
        )


class UntrustedTypes(ModelUnloadable):
    """The model holds types that are not on the allow-list; `types` names them."""

    def __init__(self, source: str, types: Sequence[str]) -> None:
        self.types = tuple(types)
        super().__init__(
            f"The model {source} holds types that are not trusted: {', '.join(self.types)}. "
            f"If you know them and where the model comes from, name them in TENFOLD_TRUSTED_TYPES"
        )


class NeedsPickle(ModelUnloadable):
    """The model is pickled, and loading a pickle can run any code."""

    def __init__(self, source: str, how: str) -> None:
        super().__init__(
            f"The model {source} is saved with {how}, and loading a pickle can run any code. Save it with "
            f'serialization_format="skops", or, if you trust whoever wrote it, set TENFOLD_ALLOW_PICKLE=true'
        )


class NeedsCode(ModelUnloadable):
    """Only MLflow's python_function can load the model, which runs code that the artifact names."""

    def __init__(self, source: str, flavors: str) -> None:
        super().__init__(
            f"The model {source} is saved as {flavors}, which only MLflow's python_function loads, with code that the "
            f"model names. Save it as scikit-learn (skops), XGBoost or LightGBM, or, if you trust whoever wrote it, "
            f"set TENFOLD_ALLOW_PICKLE=true"
        )


def first_line(error: BaseException) -> str:
    """The first line of an error's message, without a full stop: fit to be part of a sentence."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(". ") if lines else "no message"
