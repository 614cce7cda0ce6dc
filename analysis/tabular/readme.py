"""The README.md of a tabular benchmark, with a reader of ten lines in it."""

from __future__ import annotations

from analysis.tabular.collect import MISSING, WHOLE, Benchmark
from spaces.common.errors import make_printable
from spaces.common.wording import format_count

READER = """import json, numpy as np, pandas as pd

names = json.load(open("metadata.json"))
points = pd.read_parquet("hyperparameters.parquet")
table = np.load("objectives_evaluations.npy")  # (tasks, points, seeds, epochs, objectives)
for task, values in zip(names["task_names"], table):
    curves = dict(zip(names["objectives_names"], values[:, 0].transpose(2, 0, 1)))  # each (points, epochs)
    best = np.nanargmax(curves["val_accuracy"][:, -1])
    hours = np.nanmax(curves["elapsed_time"], axis=1).sum() / 3600
    print(f"{task}: {curves['val_accuracy'][best, -1]:.4f} at {points.loc[best].to_dict()}; all took {hours:.2f} h")
"""
SYNE_TUNE = """from syne_tune.blackbox_repository.blackbox_tabular import deserialize

blackbox = deserialize(".")["{task}"]
blackbox(blackbox.hyperparameters.loc[0].to_dict(), fidelity={{"epoch": {epoch}}})
"""


def write_readme(benchmark: Benchmark) -> str:
    """A page for people who find the folder."""
    spec, tasks = benchmark.run.spec, ", ".join(benchmark.tasks)
    domains = "\n".join(
        f"| {name} | {', '.join(str(value) for value in values)} |"
        for name, values in benchmark.space.list_choices().items()
    )
    count, size = len(benchmark.hyperparameters), f"{benchmark.space.size:.0f}"
    grid, length = make_printable(spec["space"]["name"]), format_count(benchmark.max_epochs, "epoch")
    batches = "" if "batch_size" in benchmark.space.domains else f" in batches of {spec['batch_size']}"
    engines = ", ".join(sorted(benchmark.trials["engine"].dropna().unique())) or "an engine that is not on record"
    return f"""# {tasks} on {spec["dataset"]}: a tabular benchmark

{count} of the {size} points of the grid `{grid}`, each trained with SGD for {length}{batches}
(seed {spec["seed"]}, held-out split {spec["split_seed"]}) and judged after every epoch on held-out training images; the
test set was not used. Trained by {make_printable(engines)}.

| hyperparameter | values |
|---|---|
{domains}

## Read it

In this folder, with NumPy, pandas and pyarrow:

```python
{READER}```

With [Syne Tune](https://github.com/syne-tune/syne-tune), whose blackbox repository has this layout (read by 0.16, with
fastparquet):

```python
{SYNE_TUNE.format(task=benchmark.tasks[0], epoch=benchmark.max_epochs)}```

| file | holds |
|---|---|
| hyperparameters.parquet | the points: row i is `[:, i]` of the array |
| objectives_evaluations.npy | float64 (tasks, points, 1 seed, epochs, objectives) |
| fidelities_values.npy | the epochs, 1 to {benchmark.max_epochs} |
| configspace.json, fidelityspace.json | the grid and the epochs, as Syne Tune's domains |
| metadata.json | tasks and objectives in the order of the array, how trials ended, and what was asked for |
| trials.parquet | a row for each task and point: `status`, `epochs`, `seconds`, engine, seeds and ids |
| data-TASK.parquet | a row for each epoch on record: its point, the objectives, and the `seconds` of that epoch |

`val_accuracy` is a fraction of the held-out images, higher is better; `val_loss` and `train_loss` are mean cross
entropies, the latter over the images while they were trained on. `elapsed_time` is the sum of the seconds of training
and judging since the trial began, on one core or device while other trials kept the rest of the machine busy: fit for
simulating arrivals, not for comparing speeds.

## What is not there

{_describe_gaps(benchmark)}
"""


def _describe_gaps(benchmark: Benchmark) -> str:
    diverged = benchmark.trials.loc[benchmark.trials["status"] == "diverged", "task"].value_counts()
    each = ", ".join(f"{diverged.get(task, 0)} ({task})" for task in benchmark.tasks)
    said = [
        f"Diverged trials: {each}. A loss was not finite, which ended the trial: its losses and accuracies are NaN in\n"
        "the array from that epoch on (in data-TASK.parquet its rows end there), and its `elapsed_time` stays at what\n"
        "it had taken. A search that cannot handle NaN may take an accuracy of 0, as `invsearch replay` does."
    ]
    others = sorted({*benchmark.trials["status"]} - {*WHOLE})
    if others:
        means = {"stopped": "a scheduler ended it early", MISSING: "it was never begun", "failed": "an error ended it"}
        kinds = "; ".join(f"`{kind}`: {means.get(kind, 'it had not ended yet')}" for kind in others)
        said.append(
            f"**Not every trial was trained to the end.** {'. '.join(benchmark.lacks)}.\nWhat such a trial would have "
            f"done is not known: after its last epoch all objectives are NaN, the time too ({kinds})."
        )
    if not benchmark.is_whole_grid:
        said.append("The run asked for some of the grid's points only; the others are not in the table.")
    said.append("One seed: how much of a difference between two points is luck is not in the table.")
    return "\n\n".join(said)
