"""The files of a tabular benchmark, in the layout of Syne Tune's blackbox repository."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import numpy as np

from analysis.records.whole import write_parquet
from analysis.tabular.collect import OBJECTIVES, Benchmark
from analysis.tabular.configspace import describe_epochs, describe_space
from analysis.tabular.readme import write_readme

FORMAT = "invsearch tabular benchmark 1"
PRIVATE = ("checksum", "data_source")  # Of a spec: the latter is a path on somebody's machine.


def make_files(benchmark: Benchmark) -> dict[str, bytes]:
    """The content of each file by its name; the same benchmark makes the same files."""
    return {
        "README.md": write_readme(benchmark).encode("utf-8", "replace"),
        "metadata.json": _write_json(_describe(benchmark)),
        "configspace.json": _write_json(describe_space(benchmark.space)),
        "fidelityspace.json": _write_json(describe_epochs(benchmark.max_epochs)),
        "hyperparameters.parquet": write_parquet(benchmark.hyperparameters),
        "objectives_evaluations.npy": _write_array(benchmark.evaluations),
        "fidelities_values.npy": _write_array(np.arange(1, benchmark.max_epochs + 1)),
        "trials.parquet": write_parquet(benchmark.trials),
        **{f"data-{task}.parquet": write_parquet(curves) for task, curves in benchmark.curves.items()},
    }


def _describe(benchmark: Benchmark) -> dict[str, Any]:
    """What Syne Tune's readers look for, of a table (the first two) and of evaluations; and what they pass over."""
    ends = {task: benchmark.trials.loc[benchmark.trials["task"] == task, "status"] for task in benchmark.tasks}
    return {
        "objectives_names": [*OBJECTIVES],
        "task_names": [*benchmark.tasks],
        "seed_col": None,
        "categorical_cols": [],
        "format": FORMAT,
        "engines": sorted(benchmark.trials["engine"].dropna().unique()),
        "status": {task: Counter(sorted(found)) for task, found in ends.items()},
        "lacks": [*benchmark.lacks],
        "run": {name: value for name, value in benchmark.run.spec.items() if name not in PRIVATE},
    }


def _write_json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()


def _write_array(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
