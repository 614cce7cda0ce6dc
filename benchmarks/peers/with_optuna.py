"""The usual training in Optuna: successive halving, as many trials at once as there are cores, in threads."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import optuna
import torch

from benchmarks.peers.task import read_task, write_results
from benchmarks.usual import accuracies


def search(folder: Path) -> None:
    """Runs the task of a folder on all cores."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    task, pictures, judged = read_task(folder)
    places = range(len(task.configurations))

    def objective(trial: optuna.Trial) -> float:
        configuration = task.configurations[trial.suggest_categorical("configuration", list(places))]
        accuracy = 0.0
        reports = accuracies(configuration, pictures, judged, task.batch_size, task.epochs)
        for epoch, accuracy in enumerate(reports, start=1):
            trial.report(accuracy, epoch)
            if epoch < task.epochs and trial.should_prune():
                raise optuna.TrialPruned
        return accuracy

    # Each configuration once: a grid sampler may give one twice to threads that ask at the same time.
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=task.epochs)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for place in places:
        study.enqueue_trial({"configuration": place})
    study.optimize(objective, n_trials=len(places), n_jobs=os.cpu_count() or 1)
    found = {trial.params["configuration"]: trial.value or 0.0 for trial in study.trials}
    write_results(folder, [found[place] for place in places])


if __name__ == "__main__":
    search(Path(sys.argv[1]).resolve())
