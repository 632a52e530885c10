"""No model reads files, opens sockets or starts processes, whatever its parameters say.

`trust.load_skops` calls this once for each model that it loaded, and training before it saves one. The parameters were
looked for among all of scikit-learn's and LightGBM's; `tests/unit/serving/test_side_effects.py` fails for a new one.
`n_jobs` and `verbose` are not refused: `estimators.use_one_thread` sets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from . import estimators
from .errors import ModelUnloadable

_KEYWORDS = ("effective_metric_params_", "inv_kw_args", "kernel_params", "kw_args", "metric_params")
"""Attributes whose entries an estimator hands on to a function at each prediction."""

_LIGHTGBM = frozenset(
    {
        *(
            "config",
            "config_file",
            "convert_model",
            "convert_model_file",
            "data",
            "data_filename",
            "forcedbins_filename",
        ),
        *(
            "forced_splits",
            "forced_splits_file",
            "forced_splits_filename",
            "forcedsplits_filename",
            "fs",
            "input_model",
        ),
        *("init_score_file", "init_score_filename", "initscore_filename", "is_save_binary", "is_save_binary_file"),
        *("local_listen_port", "local_port", "machine_list", "machine_list_file", "machine_list_filename", "machines"),
        *("mlist", "model_in", "model_input", "model_out", "model_output", "name_pred", "nodes", "num_machine"),
        *("num_machines", "output_model", "output_result", "parser_config_file", "port", "pred_name", "predict_name"),
        *("predict_result", "prediction_name", "prediction_result", "save_binary", "save_period", "snapshot_freq"),
        *("task", "task_type", "test", "test_data", "test_data_file", "test_filenames", "train", "train_data"),
        *("train_data_file", "valid", "valid_data", "valid_data_file", "valid_filenames", "workers"),
    }
)
"""Parameters of LightGBM, by all their names, that name files to read or write, or machines to connect to."""


def refuse_side_effects(model: object, source: str) -> None:
    """Refuse a model whose parameters reach outside of it.

    Raises:
        ModelUnloadable: naming the parameter and what to set it to.
    """
    for part in estimators.nested(model):
        content = vars(part)
        name = type(part).__name__
        if content.get("input") in ("file", "filename"):
            _refuse(source, name, "input", content["input"], "would open the files that a request names", "'content'")
        if content.get("memory") is not None:
            _refuse(source, name, "memory", content["memory"], "reads and writes pickles in a folder", "None")
        for attribute in _KEYWORDS:
            keywords = content.get(attribute)
            if isinstance(keywords, Mapping) and cast("Mapping[str, Any]", keywords).get("n_jobs") not in (None, 1):
                _refuse(
                    source, name, f"{attribute}['n_jobs']", keywords["n_jobs"], "starts threads or processes", "None"
                )
        if type(part).__module__.startswith("lightgbm."):
            for parameter in sorted(_LIGHTGBM & content.get("_other_params", {}).keys()):
                given = content["_other_params"][parameter]
                _refuse(source, name, parameter, given, "reads files, writes files or opens sockets", "None")


def _refuse(source: str, name: str, parameter: str, given: object, does: str, remedy: str) -> None:
    raise ModelUnloadable(
        f"The model {source} holds a {name} with {parameter}={str(given)[:100]!r}, which {does}. "
        f"Set {parameter}={remedy} and register it again"
    )
