"""What is said at once of what will be trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from search.planning.announce import describe_phases
from spaces import SPACES
from spaces.specs.run import RunSpec

SPEC = RunSpec(
    "digits",
    "d" * 16,
    16,
    0,
    0,
    ("conv", "invariant"),
    space=SPACES["table-1.2"].describe(),
    search="grid",
    samples=16,
    finalists=4,
    choice_seeds=2,
    rerun_seeds=5,
    rerun_epochs=20,
)


def test_each_phase_has_a_line(tmp_path: Path) -> None:
    """16 x (5 + 15 / 4) epochs each; of 4 finalists all have one seed, two a second one."""
    head, sweep, choice, rerun = describe_phases(SPEC, ("sweep", "choice", "rerun"), tmp_path / "new")
    assert head == f"conv, invariant on digits, into {tmp_path}/new"
    assert sweep == "  sweep: 32 trials, about 280 of at most 640 epochs; asha judges after epoch 5"
    assert choice == "  choice: the best 4 configurations of each race over 2 seeds: 12 x 20 epochs"
    assert rerun == "  rerun: 10 trials x 20 epochs"


def test_what_is_on_record_is_counted_and_no_race_has_no_line(tmp_path: Path) -> None:
    (tmp_path / "trials" / "conv-1").mkdir(parents=True)
    lines = describe_phases(replace(SPEC, finalists=None, choice_seeds=None), ("sweep", "choice"), tmp_path)
    assert lines[0].endswith(f"{tmp_path}, which has 1 trial on record")
    assert len(lines) == 2
