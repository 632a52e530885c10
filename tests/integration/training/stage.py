"""Real data, and a place where nights are run: by the script in a process of its own, or right here."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from support.places import GUARD
from tenfold.serving.inference_log.store import InferenceLog
from tenfold.training.night import Night
from tenfold.training.options import TrainingOptions
from tenfold.training.registry import Registry
from tenfold.training.retrain import retrain

DAY = date(2026, 3, 8)
CANCER, DIABETES, IRIS = "breast-cancer", "diabetes", "iris"


def cancer() -> tuple[pd.DataFrame, pd.Series]:
    data = load_breast_cancer(as_frame=True)
    return data.data.iloc[:, :6], data.target


def diabetes() -> tuple[pd.DataFrame, pd.Series]:
    data = load_diabetes(as_frame=True)
    return data.data, data.target


def iris() -> tuple[pd.DataFrame, pd.Series]:
    """With text labels."""
    data = load_iris(as_frame=True)
    return data.data, data.target.map(dict(enumerate(data.target_names.tolist())))


@dataclass(frozen=True)
class Place:
    """A registry and an inference log of their own."""

    folder: Path
    registry: Registry
    log_url: str

    def put(
        self, name: str, rows: pd.DataFrame | list[dict[str, Any]], labels: list[Any], *, day: date = DAY
    ) -> list[str]:
        """Import rows, a second apart, from noon of `day` on."""
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        times = [noon + timedelta(seconds=n) for n in range(len(labels))]
        log = InferenceLog(self.log_url)
        try:
            return log.import_rows(name, rows if isinstance(rows, list) else rows.to_dict("records"), labels, times)
        finally:
            log.close()

    def put_cancer(self, *, day: date = DAY) -> list[str]:
        X, y = cancer()
        return self.put(CANCER, X, y.tolist(), day=day)

    def script(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        places = {"TENFOLD_REGISTRY_URI": self.registry.uri, "TENFOLD_LOG_URL": self.log_url}
        return subprocess.run(
            [sys.executable, "-m", "tenfold.training.train", *arguments],
            cwd=self.folder,
            env={**os.environ, **places, **environment},
            capture_output=True,
            text=True,
            timeout=GUARD,
            check=False,
        )

    def night_of_script(self, name: str, *options: str, day: date = DAY, **environment: str) -> Night:
        """Run the script; stdout has to be the night alone, and the exit code to agree with it."""
        script = self.script("--model", name, "--date", str(day), *options, **environment)
        assert script.stdout.count("\n") == 1, script.stderr
        night = Night.model_validate_json(script.stdout)
        assert script.returncode == (1 if night.outcome == "failed" else 0), script.stderr
        return night

    def night(self, name: str, *, day: date = DAY, accelerate: str | None = None, **options: Any) -> Night:
        """Run the night in this process."""
        log = InferenceLog(self.log_url)
        chosen = TrainingOptions(**options)
        try:
            return retrain(name, day, chosen, registry=self.registry, rows_from=log, accelerate=accelerate)
        finally:
            log.close()
