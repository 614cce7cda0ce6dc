"""What an audit asks for."""

from dataclasses import replace
from pathlib import Path

from search.audit.phase import make_audit_spec, plan_audit
from search.storage.run_folder import RunFolder
from spaces import SPACES
from spaces.specs.run import RunSpec

SPEC = RunSpec(
    "digits",
    "0" * 16,
    16,
    0,
    0,
    ("conv", "invariant"),
    space=SPACES["table-1.2"].describe(),
    search="grid",
    samples=256,
    rerun_seeds=3,
    rerun_epochs=20,
    finalists=4,
    choice_seeds=2,
)


def test_the_trials_are_those_of_the_sweep_under_their_own_ids() -> None:
    asked = make_audit_spec(SPEC)
    assert asked == replace(
        SPEC, scheduler="none", rerun_seeds=None, rerun_epochs=None, finalists=None, choice_seeds=None
    )
    theta = SPEC.list_points("conv")[0]
    assert asked.sweep_trial("conv", theta) == SPEC.sweep_trial("conv", theta)


def test_the_phase_has_the_sample_only(tmp_path: Path) -> None:
    trials = [SPEC.sweep_trial("conv", theta) for theta in SPEC.list_points("conv")[:3]]
    phase = plan_audit(trials, RunFolder(tmp_path), make_audit_spec(SPEC))
    assert phase.trials == {"conv": 3, "invariant": 0}
    assert phase.recorded() == []
    assert phase.feed([]).architectures == {"conv"}
