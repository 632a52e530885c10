"""What can go wrong around a load test; a limit that broke is a result, not an error.

LoadTestError
├── InvalidPlan          an option has no usable value
├── RowsUnusable         the file of rows, or the model's signature, gives no request
├── ServiceUnreachable   nothing ready answers under the URL
└── RunFailed            Locust is missing, ended badly, or measured nothing
"""


class LoadTestError(Exception):
    """Root of the package; every message says what happened, with which value, and what to do next."""


class InvalidPlan(LoadTestError):
    """An option has no usable value."""


class RowsUnusable(LoadTestError):
    """The file of rows, or the model's signature, gives no request that could be sent."""


class ServiceUnreachable(LoadTestError):
    """Nothing ready answers under the URL."""


class RunFailed(LoadTestError):
    """Locust is missing, ended badly, or measured nothing."""
