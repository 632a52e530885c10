"""What we use of other libraries that they do not promise to keep: each name, why, and that it is still there.

Where this fails after an update, look at what the library does now, mend the file that is named, and only then raise
the library's upper bound in pyproject.toml.
"""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from tenfold.serving import estimator_bounds, skops_reader

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]


@dataclass(frozen=True)
class Name:
    """One that is used.

    Attributes:
        path: module:attribute, or module:Class.attribute.
        used: the file, and what for.
        shape: the names of a function's parameters; empty: they do not matter, or it is no function.
    """

    package: str
    path: str
    used: str
    shape: str = ""


HTTP = "uvicorn.protocols.http.httptools_impl:HttpToolsProtocol"
NAMES = [
    Name("uvicorn", "uvicorn.protocols.http.httptools_impl:STATUS_LINE", "connection.py writes an answer's first line"),
    *(
        Name(
            "uvicorn",
            f"{HTTP}.{name}",
            "http1.py adds its limits to it, and calls it",
            f"self{', ' if args else ''}{args}",
        )
        for name, args in (
            ("connection_made", "transport"),
            ("connection_lost", "exc"),
            ("data_received", "data"),
            ("on_message_begin", ""),
            ("on_url", "url"),
            ("on_header", "name, value"),
            ("on_headers_complete", ""),
            ("on_body", "body"),
            ("on_message_complete", ""),
            ("on_response_complete", ""),
            ("timeout_keep_alive_handler", ""),
            ("shutdown", ""),
            ("_unset_keepalive_if_required", ""),
        )
    ),
    Name("uvicorn", "uvicorn.server:Server.serve", "server.py loads the model in it", "self, sockets"),
    Name("uvicorn", "uvicorn.server:Server.shutdown", "server.py drains before it", "self, sockets"),
    Name("uvicorn", "uvicorn.server:ServerState", "server.py counts its connections"),
    Name("httptools", "httptools:HttpRequestParser.set_dangerous_leniencies", "http1.py reads on after a close"),
    Name("hpack", "hpack.hpack:encode_integer", "rpc/headers.py writes a header's length", "integer, prefix_bits"),
    Name("hpack", "hpack.table:HeaderTable.dynamic_entries", "rpc/headers.py knows a block of headers again by it"),
    Name("scikit-learn", "sklearn.tree._tree:Tree.__setstate__", "skops_reader.py makes trees"),
    Name("scikit-learn", "sklearn.ensemble._hist_gradient_boosting.predictor:TreePredictor", "bounds.py checks it"),
    Name("scikit-learn", "sklearn.utils.fixes:", "lean.py imports it without pandas"),
    *(
        Name("scikit-learn", f"{base.rpartition('.')[0]}:{base.rpartition('.')[2]}", "estimator_bounds.py checks it")
        for base in estimator_bounds._CHECKS
    ),
    *(
        Name("scipy" if made.startswith("scipy") else "scikit-learn", ":".join(made.rsplit(".", 1)), "skops_reader.py")
        for made in skops_reader._MADE
        if not made.startswith("lightgbm")
    ),
    Name(
        "lightgbm",
        "lightgbm.basic:Booster.__setstate__",
        "booster_bounds.py makes one of a checked text",
        "self, state",
    ),
    Name("skl2onnx", "skl2onnx.common._container:make_node", "training/compiled.py writes integers for booleans"),
]


def found(path: str) -> object:
    module, _, attribute = path.partition(":")
    part = importlib.import_module(module)
    for name in attribute.split(".") if attribute else []:
        if not hasattr(part, name) and name == "dynamic_entries":
            return part().dynamic_entries  # of an instance
        part = getattr(part, name)
    return part


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.path)
def test_a_name_that_nobody_promised_is_still_there(name: Name) -> None:
    where = f"{name.package} {version(name.package)} has changed {name.path}, which {name.used}"
    try:
        part = found(name.path)
    except (ImportError, AttributeError) as e:
        pytest.fail(f"{where}: it is gone ({e})")
    if name.shape:
        parameters = ", ".join(inspect.signature(part).parameters)  # pyright: ignore[reportArgumentType]
        assert parameters == name.shape, f"{where}: its parameters are ({parameters})"


def test_an_histogram_keeps_what_is_counted_where_metrics_writes_it() -> None:
    from prometheus_client import CollectorRegistry, Histogram

    histogram = Histogram("seconds", "x", registry=CollectorRegistry(), buckets=(1, 2))
    for name in ("_buckets", "_upper_bounds", "_sum"):
        assert hasattr(histogram, name), f"prometheus_client has changed Histogram.{name}, which metrics.py writes"
    assert [*histogram._upper_bounds] == [1, 2, float("inf")]
    histogram._buckets[0].inc(2)
    histogram._sum.inc(3.5)
    values = {sample.name: sample.value for metric in histogram.collect() for sample in metric.samples}
    assert (values["seconds_count"], values["seconds_sum"]) == (2, 3.5)


def test_skops_writes_what_our_reader_reads() -> None:
    from skops.io import _protocol
    from skops.io._audit import NODE_TYPE_MAPPING
    from tenfold.serving.skops_archive import _PROTOCOLS

    assert max(_PROTOCOLS) == _protocol.PROTOCOL, "skops has a new format: see its changes, and skops_reader.py"
    written = {loader for loader, _ in NODE_TYPE_MAPPING} - {"CachedNode", "_DictWithDeprecatedKeysNode"}
    known = skops_reader.Reader._LOADERS.keys()
    assert written <= known, "skops writes parts in a way that skops_reader.py does not know"


BOUNDED = sorted({name.package for name in NAMES if name.package != "scipy"} | {"prometheus-client", "skops"})


@pytest.mark.parametrize("package", BOUNDED)
def test_its_library_has_an_upper_bound(package: str) -> None:
    every = [*PROJECT["dependencies"], *(line for lines in PROJECT["optional-dependencies"].values() for line in lines)]
    stated = [Requirement(line) for line in every if re.match(rf"{package}\b(?!-)", line)]
    assert stated, f"{package} is not in pyproject.toml"
    for requirement in stated:
        assert "<" in str(requirement.specifier), f"{requirement} has no upper bound, though names of its own are used"
        assert Version(version(package)) in requirement.specifier
