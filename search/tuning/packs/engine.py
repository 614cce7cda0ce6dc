"""Which engine trains a run, and whether in packs."""

from __future__ import annotations

from collections.abc import Sequence

from search.cluster.resources import Resources
from search.datasets import find_dataset
from search.training.engines import EngineChoice
from spaces.specs.run import RunSpec


def choose_engine(spec: RunSpec, resources: Resources, names: Sequence[str]) -> EngineChoice:
    """The engine of a run for some of its architectures, of which the user's own are known in this process.

    Raises:
        UserError: it cannot work there.
    """
    alone = {}
    if resources.lanes > 1:
        from search.training.packable import explain_alone

        data = find_dataset(spec.dataset, spec.data_hash, spec.data_source)
        for name in names:
            theta = spec.find_middle(name)
            trial = spec.list_rerun_trials(name, theta)[0] if spec.thetas else spec.sweep_trial(name, theta)
            if reason := explain_alone(trial, data):
                alone[name] = reason
    here = resources.address is None
    return EngineChoice(resources.engine, resources.device, spec.augments, here, resources.lanes, alone)
