"""hyperopt's TPE over the configurations of a grid, each looked up instead of trained."""

from __future__ import annotations

from dataclasses import replace

from analysis.replay.material import Material
from search.tuning.tpe import Proposer
from search.tuning.trainable import METRIC
from spaces.specs.run import RunSpec


class Proposed:
    """A source of what TPE proposes for one architecture, as in a sweep of ``--search tpe`` over the same grid.

    Args:
        spec: of the run that trained the whole grid.
        architecture: its name.
        material: what is looked up.
        samples: how many it proposes at most.
        seed: of hyperopt.
    """

    def __init__(self, spec: RunSpec, architecture: str, material: Material, samples: int, seed: int):
        asked = replace(spec, search="tpe", scheduler="none", earlier=(), samples=samples, seed=seed)
        self._proposer = Proposer(asked, architecture, [])
        self._places = {name: place for place, name in enumerate(material.names)}
        self._names: dict[int, str] = {}  # What hyperopt calls a configuration.

    def propose(self) -> int | None:
        """The next one that has not been proposed yet."""
        found = None if self._proposer.finished else self._proposer.propose()
        if found is None:
            return None
        trial, name = found
        place = self._places[trial.config_id]
        self._names[place] = name
        return place

    def learn(self, configuration: int, accuracy: float) -> None:
        """Tells hyperopt."""
        self._proposer.tell(self._names[configuration], {METRIC: accuracy, "status": "completed"})
