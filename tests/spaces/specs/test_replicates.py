"""What replicates differ in, and the folder that holds them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from spaces import SPACES, Hyperparameters, UserError
from spaces.files.sealed import seal
from spaces.specs.protocol import MAX_SEEDS
from spaces.specs.replicates import list_runs, make_replicate, place_split, read_count
from spaces.specs.run import RunSpec, read_spec

THETA = Hyperparameters(0.1, 0.5, 1e-5, 1.5)
SPEC = RunSpec(
    "digits",
    "d" * 10,
    16,
    7,
    3,
    ("conv",),
    space=SPACES["table-1.2"].describe(),
    search="grid",
    samples=4,
    rerun_seeds=MAX_SEEDS,
    rerun_epochs=20,
    finalists=2,
    choice_seeds=1000,
)


def test_the_first_is_the_run_that_would_be_made_alone() -> None:
    assert make_replicate(SPEC, 1) == SPEC


def test_no_seed_is_used_twice_by_whatever_phase() -> None:
    last = -1
    for number in range(1, 10):
        spec = make_replicate(SPEC, number)
        used = [spec.seed, *(trial.seed for trial in spec.list_choice_trials("conv", THETA))]
        used += [spec.seed + 1, spec.seed + MAX_SEEDS]  # The first and the last rerun.
        assert min(used) > last
        last = max(used)
        differing = {name for name, value in vars(spec).items() if value != getattr(SPEC, name)}
        assert differing <= {"seed", "split_seed"}


def test_every_split_gets_two_searches_and_four_come_before_a_second_one() -> None:
    places = [place_split(number) for number in range(1, 25)]
    assert len(set(places[:4])) == 4
    assert sorted(places) == sorted([*range(12)] * 2)
    assert make_replicate(SPEC, 5).split_seed == 3
    assert make_replicate(SPEC, 2).split_seed == 4


def test_a_folder_stands_for_the_replicates_that_were_begun(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == [tmp_path]
    assert read_count(tmp_path) is None
    (tmp_path / "replicates.json").write_bytes(seal({"format": 2, "replicates": 3}))
    with pytest.raises(UserError, match="no replicate has begun"):
        list_runs(tmp_path)
    for number in (1, 2, 3, 4):  # The fourth was copied there.
        (tmp_path / f"replicate-0{number}").mkdir()
        if number != 3:
            (tmp_path / f"replicate-0{number}" / "spec.json").write_bytes(seal(replace(SPEC).as_dict()))
    assert [path.name for path in list_runs(tmp_path)] == ["replicate-01", "replicate-02"]
    assert list_runs(tmp_path / "replicate-02") == [tmp_path / "replicate-02"]
    with pytest.raises(UserError, match=r"holds replicates, each a run of its own; give one of them, such as .*-01$"):
        read_spec(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        seal({"replicates": 3}),
        seal({"format": 1, "replicates": 3}),
        seal({"format": 2, "replicates": 1}),
        seal({"format": 2, "replicates": "9"}),
    ],
)
def test_a_number_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "replicates.json").write_bytes(content)
    with pytest.raises(UserError, match=r"replicates\.json: damaged .*give the same command with --replicates again"):
        list_runs(tmp_path)
