import numpy as np
import pytest

from analysis.replay.material import Material
from analysis.replay.simulation import simulate_workers
from search.audit.proposals import Proposed
from spaces import make_space
from spaces.specs.run import RunSpec

SPACE = {
    "name": "small",
    "lr": {"choice": [0.01, 0.1, 1.0]},
    "momentum": {"choice": [0.0, 0.9]},
    "weight_decay": {"choice": [1e-5]},
    "gain": {"choice": [0.5, 1.0]},
}


@pytest.fixture
def spec() -> RunSpec:
    return RunSpec(
        "digits",
        "0" * 16,
        16,
        0,
        0,
        ("conv",),
        space=SPACE,
        search="grid",
        samples=12,
        scheduler="none",
        max_epochs=4,
        grace_period=2,
    )


@pytest.fixture
def material(spec: RunSpec) -> Material:
    """All twelve configurations; lr 0.1 is the best."""
    trials = [spec.sweep_trial("conv", theta) for theta in spec.list_points("conv")]
    ends = [0.9 - abs(np.log10(float(trial.theta["lr"])) + 1) / 4 for trial in trials]
    accuracy = np.array(ends)[:, None] * np.array([0.25, 0.5, 0.75, 1.0])
    names, whole = tuple(trial.config_id for trial in trials), np.full(len(trials), 4)
    return Material("Net", names, accuracy, 1 - accuracy, np.ones_like(accuracy), whole, whole < 4, 2, 4.0)


@pytest.mark.parametrize("asha", [False, True])
def test_each_configuration_is_proposed_once(spec: RunSpec, material: Material, asha: bool) -> None:
    def replay(seed: int, samples: int):
        source = Proposed(spec, "conv", material, samples, seed)
        return simulate_workers(material, source, 2, np.random.default_rng(0), asha)

    whole = replay(0, 12)
    assert material.ranks[whole.picks[-1]] == 1
    assert whole.total == 48 if not asha else 12 * 2 <= whole.total < 48
    assert replay(3, 5) == replay(3, 5)
    assert len(replay(3, 5).picks) == 5 or asha


def test_hyperopt_hears_what_became_of_its_proposals(spec: RunSpec, material: Material) -> None:
    source = Proposed(spec, "conv", material, 3, 0)
    seen = []
    while (place := source.propose()) is not None:
        seen.append(place)
        source.learn(place, float(material.final[place]))
    assert len(seen) == len(set(seen)) == 3
    told = source._proposer._hyperopt._hpopt_trials.losses()
    assert sorted(-loss for loss in told if loss is not None) == pytest.approx(sorted(material.final[seen]))


def test_the_space_is_one() -> None:
    assert make_space(SPACE, "space").size == 12
