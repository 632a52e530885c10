"""What can go wrong around the benchmark; a bar that is missed is a result, not an error.

BenchmarkError
├── InvalidChoice          an option names what there is not
├── ProgramMissing         a program that makes the load is not installed
├── EnvironmentUnusable    a virtual environment cannot be made
├── ServerFailed           a server does not start, or ended
├── WrongAnswer            a server answers something else than scikit-learn
└── LoadFailed             the program that makes the load ended badly
"""


class BenchmarkError(Exception):
    """Root of the package; every message says what happened, with which value, and what to do next."""


class InvalidChoice(BenchmarkError):
    """An option names what there is not."""


class ProgramMissing(BenchmarkError):
    """A program that makes the load is not installed."""


class EnvironmentUnusable(BenchmarkError):
    """A virtual environment cannot be made."""


class ServerFailed(BenchmarkError):
    """A server does not start, or ended."""


class WrongAnswer(BenchmarkError):
    """A server answers something else than scikit-learn."""


class LoadFailed(BenchmarkError):
    """The program that makes the load ended badly."""
