"""Reads a run folder with pandas: the best configurations of each architecture, and what learning rate does.

python examples/read_a_run.py RUN
"""

import sys

from analysis.incumbents import find_incumbents
from analysis.records.reader import read_run

run = read_run(sys.argv[1])
print(find_incumbents(run)[["trial_id", "lr", "momentum", "val_accuracy"]].to_string())

sweep = run.trials.query("phase == 'sweep' and status == 'completed'")
print(sweep.pivot_table("val_accuracy", "lr", "architecture", aggfunc="max").round(4).to_string())
