"""The usual training in Optuna: successive halving, a process for each core, a study in a shared journal."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

import optuna
import torch
from optuna.storages.journal import JournalFileBackend
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

from benchmarks.common.usual import accuracies
from benchmarks.peers.task import Task, read_task, write_results

STUDY = "sweep"


def storage(folder: Path) -> optuna.storages.JournalStorage:
    """Where the processes meet."""
    return optuna.storages.JournalStorage(JournalFileBackend(str(folder / "journal.log")))


def pruner(task: Task) -> optuna.pruners.BasePruner:
    """Prunes nothing before the last epoch."""
    return optuna.pruners.SuccessiveHalvingPruner(min_resource=task.epochs)


def work(folder: Path) -> None:
    """One process: takes configurations from the study until all are taken."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    task, pictures, judged = read_task(folder)
    places = list(range(len(task.configurations)))

    def objective(trial: optuna.Trial) -> float:
        configuration = task.configurations[trial.suggest_categorical("configuration", places)]
        accuracy = 0.0
        reports = accuracies(configuration, pictures, judged, task.batch_size, task.epochs)
        for epoch, accuracy in enumerate(reports, start=1):
            trial.report(accuracy, epoch)
            if epoch < task.epochs and trial.should_prune():
                raise optuna.TrialPruned
        return accuracy

    study = optuna.load_study(study_name=STUDY, storage=storage(folder), pruner=pruner(task))
    while any(trial.state == TrialState.WAITING for trial in study.get_trials(deepcopy=False)):
        taken = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        study.optimize(objective, n_trials=1, callbacks=[MaxTrialsCallback(len(places), states=taken)])


def search(folder: Path) -> None:
    """Runs the task of a folder on all cores."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    task, *_ = read_task(folder)
    study = optuna.create_study(study_name=STUDY, storage=storage(folder), direction="maximize", pruner=pruner(task))
    for place in range(len(task.configurations)):
        study.enqueue_trial({"configuration": place})
    context = multiprocessing.get_context("spawn")  # A fork of a process that has used torch may hang.
    processes = [context.Process(target=work, args=(folder,)) for _ in range(os.cpu_count() or 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = {trial.params["configuration"]: trial.value or 0.0 for trial in study.trials if trial.value is not None}
    write_results(folder, [found[place] for place in range(len(task.configurations))])


if __name__ == "__main__":
    search(Path(sys.argv[1]).resolve())
