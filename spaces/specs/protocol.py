"""The fixed words of a run folder, the version of its files, and the published protocol: one home for each."""

FORMAT = 2
"""Of spec.json, record.json and verdict.json."""

PHASES = ("sweep", "choice", "rerun")
JUDGED_ON = {"sweep": "val", "choice": "val", "rerun": "test"}
"""Phase -> the images that a trial is judged on, as the names of its measures begin."""

ENDED_BY_ITSELF = ("diverged", "failed")
ENDED = ("completed", "stopped", *ENDED_BY_ITSELF)
"""How a trial ends: its outcome."""
STATUSES = (*ENDED, "unfinished")

SEARCHES = ("grid", "random", "tpe")
SCHEDULERS = ("asha", "halving", "none")
WITH_RUNGS = ("asha", "halving")
JUDGES = ("final", "last5")
"""What decides: the accuracy after the last epoch, as in the chapter, or the mean of the last five epochs."""
BOTH = "both"
"""The mean of what the two say, by which only a race may go; the rest of such a run goes by the last epoch."""

MAX_SEEDS = 100_000
"""Of reruns: they use the seeds after the sweep's, and the race of finalists those that come after all of these."""

# Section 1.5.1; eta is Ray's default.
GRACE_PERIOD, MAX_EPOCHS, REDUCTION_FACTOR = 5, 20, 4.0
SAMPLES, SEEDS = 256, 10
FINALISTS, CHOICE_SEEDS = 12, 8
"""Of the race between sweep and reruns, which the chapter has not: docs/statistics.md says why these."""
