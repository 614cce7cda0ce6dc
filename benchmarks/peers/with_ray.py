"""The usual training in plain Ray Tune: a function that reports each epoch, ASHA, one CPU a trial."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.common.usual import Pictures, accuracies
from benchmarks.peers.task import Task, read_task, write_results
from search.cluster.session import Resources, set_environment


def train(config: dict[str, Any], task: Task, pictures: Pictures, judged: Pictures) -> None:
    """One trial."""
    from ray import tune

    torch.set_num_threads(1)
    for accuracy in accuracies(config["configuration"], pictures, judged, task.batch_size, task.epochs):
        tune.report({"accuracy": accuracy})


def search(folder: Path) -> None:
    """Runs the task of a folder on all cores."""
    set_environment(Resources())  # Ray reads some of it when it is imported.
    import ray
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    task, pictures, judged = read_task(folder)
    ray.init(
        address="local",
        num_cpus=os.cpu_count(),
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    trainable = tune.with_parameters(train, task=task, pictures=pictures, judged=judged)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"configuration": tune.grid_search(list(task.configurations))},
        tune_config=tune.TuneConfig(
            metric="accuracy", mode="max", scheduler=ASHAScheduler(grace_period=task.epochs, max_t=task.epochs)
        ),
        run_config=tune.RunConfig(name="ray", storage_path=str(folder), verbose=0),
    )
    results = tuner.fit()
    ray.shutdown()
    found = {
        str(result.config["configuration"]): result.metrics["accuracy"]
        for result in results
        if result.config and result.metrics
    }
    write_results(folder, [found[str(configuration)] for configuration in task.configurations])


if __name__ == "__main__":
    search(Path(sys.argv[1]).resolve())
