import json
from dataclasses import replace
from pathlib import Path

import pytest

import models
from search.run_folder import RunFolder
from search.trial_folder import TrialFolder
from spaces import SPACES, UserError
from spaces.run import RunSpec

SPEC = RunSpec(
    "digits",
    "ab",
    16,
    0,
    0,
    ("invariant",),
    space=SPACES["table-1.2"].describe(),
    search="grid",
    samples=4,
)


def history(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def test_a_run_folder_explains_itself(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.driven(SPEC) as spec:
        assert spec == SPEC
        assert folder.is_driven()
    assert not folder.is_driven()
    assert folder.read_spec() == SPEC
    costs = json.loads((folder.path / "costs.json").read_text())
    assert list(costs) == ["invariant", "conv"]
    network = models.build("conv", gain=1.0, seed=0)
    assert costs["conv"] == [cost.as_dict() for cost in models.layer_costs(network, (1, 28, 28))]
    start, end = history(folder.path)
    assert start["command"].startswith("invsearch ")
    assert {"torch", "ray", "python", "invsearch"} <= start["versions"].keys()
    assert (start["event"], end["event"], end["outcome"]) == ("start", "end", "done")


def test_the_history_tells_of_interruptions_and_failures(tmp_path: Path) -> None:
    for error, outcome in ((KeyboardInterrupt(), "interrupted"), (ValueError(), "failed")):
        with pytest.raises(type(error)), RunFolder(tmp_path).driven(SPEC):
            raise error
        assert history(tmp_path)[-1]["outcome"] == outcome


def test_one_driver_at_a_time(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path).driven(SPEC),
        pytest.raises(UserError, match=r"in use by .* pid \d+ since"),
        RunFolder(tmp_path).driven(SPEC),
    ):
        pass
    with RunFolder(tmp_path).driven(SPEC):
        pass


def test_an_extension_is_kept(tmp_path: Path) -> None:
    with RunFolder(tmp_path).driven(SPEC):
        begin(tmp_path)
    with RunFolder(tmp_path).driven(replace(SPEC, architectures=("conv",))) as spec:
        assert spec.architectures == ("invariant", "conv")
    assert RunFolder(tmp_path).read_spec() == spec


def test_a_run_without_a_trial_binds_nobody(tmp_path: Path) -> None:
    with RunFolder(tmp_path).driven(SPEC):
        pass
    with RunFolder(tmp_path).driven(replace(SPEC, scheduler="none")) as spec:
        assert spec.scheduler == "none"


def begin(run: Path) -> None:
    """Gives a run a trial, so that its spec counts."""
    TrialFolder(run, SPEC.sweep_trial("conv", SPACES["table-1.2"].grid(0)[0])).fail("x")


def contents(run: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "driver.lock"}


def test_a_contradiction_changes_nothing(tmp_path: Path) -> None:
    with RunFolder(tmp_path).driven(SPEC):
        begin(tmp_path)
    before = contents(tmp_path)
    with (
        pytest.raises(UserError, match="scheduler is asha there and none here"),
        RunFolder(tmp_path).driven(replace(SPEC, scheduler="none")),
    ):
        pass
    assert contents(tmp_path) == before


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match=r"has files but no spec\.json"), RunFolder(tmp_path).driven(SPEC):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_path_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"), RunFolder(tmp_path / "file" / "run").driven(SPEC):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}'])
def test_a_damaged_spec_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "spec.json").write_text(content)
    with pytest.raises(UserError, match=r"spec\.json"):
        RunFolder(tmp_path).read_spec()


def test_not_a_run_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a run folder"):
        RunFolder(tmp_path).read_spec()


def test_finds_recorded_trials_by_phase(tmp_path: Path) -> None:
    theta = SPACES["table-1.2"].grid(0)[0]
    spec = replace(SPEC, rerun_seeds=2, rerun_epochs=1)
    swept, reruns = spec.sweep_trial("conv", theta), spec.rerun_trials("conv", theta)
    for trial in (swept, *reruns):
        TrialFolder(tmp_path, trial).fail("x", {})
    (tmp_path / "trials" / "conv-neverbegan").mkdir()
    found = RunFolder(tmp_path)
    assert [folder.spec for folder in found.recorded("sweep")] == [swept]
    assert {folder.spec.seed for folder in found.recorded("rerun")} == {1, 2}
    assert found.failures("rerun") == 0  # No verdict yet.
    found.recorded("rerun")[0].decide("failed", 0)
    assert found.failures("rerun") == 1
