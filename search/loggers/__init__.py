"""Loggers for other programs: one file each, listed in ``LOGGERS``.

They are fed from the records, in the driver (search/loggers/exporter.py); training knows nothing of them.
"""

from __future__ import annotations

from search.loggers.base import Logger, Recorded
from search.loggers.mlflow_store import MlflowLogger
from search.loggers.tensorboard_events import TensorboardLogger

LOGGERS: dict[str, type[Logger]] = {
    "tensorboard": TensorboardLogger,
    "mlflow": MlflowLogger,
}

__all__ = ["LOGGERS", "Logger", "Recorded"]
