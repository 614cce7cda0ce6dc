import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

import models
from models.cost import list_layer_costs
from search.storage import provenance
from search.storage.driver import find_driver
from search.storage.provenance import list_versions
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from spaces import SPACES, UserError
from spaces.files.sealed import seal, unseal
from spaces.space import make_space
from spaces.specs.run import RunSpec

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
        assert find_driver(folder.path) is not None
    assert find_driver(folder.path) is None
    assert folder.read_spec() == SPEC
    costs = json.loads((folder.path / "costs.json").read_text())
    assert list(costs) == ["checksum", "invariant", "conv"]
    network = models.build("conv", gain=1.0, seed=0)
    assert costs["conv"] == [asdict(cost) for cost in list_layer_costs(network, (1, 28, 28))]
    start, end = history(folder.path)
    assert start["command"].startswith("invsearch")
    assert {"torch", "ray", "python", "invsearch"} <= start["versions"].keys()
    assert (start["event"], end["event"], end["outcome"]) == ("start", "end", "done")


def test_the_history_names_the_call(tmp_path: Path) -> None:
    with RunFolder(tmp_path).driven(SPEC, command="invsearch.sweep('runs/mine')"):
        pass
    assert history(tmp_path)[0]["command"] == "invsearch.sweep('runs/mine')"


def test_the_history_tells_of_interruptions_and_failures(tmp_path: Path) -> None:
    for error, outcome in ((KeyboardInterrupt(), "interrupted"), (ValueError(), "failed")):
        with pytest.raises(type(error)), RunFolder(tmp_path).driven(SPEC):
            raise error
        assert history(tmp_path)[-1]["outcome"] == outcome


def test_one_driver_at_a_time(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path).driven(SPEC),
        pytest.raises(UserError, match=r"in use by .* pid \d+ since .*; wait for it, or stop it"),
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


def begin(run: Path) -> TrialFolder:
    """Gives a run a trial, so that its spec counts."""
    folder = TrialFolder(run, SPEC.sweep_trial("conv", next(SPACES["table-1.2"].walk(0))))
    folder.fail("x")
    return folder


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


def refuse(run: Path, began: bool = False) -> None:
    with RunFolder(run).driven(SPEC):
        if began:
            begin(run)
        raise UserError("no such GPU")


def test_a_refused_start_leaves_no_folder_behind(tmp_path: Path) -> None:
    run = tmp_path / "new" / "run"
    for began in (False, True):
        with pytest.raises(UserError, match="no such GPU"):
            refuse(run, began)
        assert run.parent.exists() is run.exists() is began
    there = tmp_path / "there"
    there.mkdir()
    with pytest.raises(UserError, match="no such GPU"):
        refuse(there)
    assert there.exists()


def test_a_refused_start_removes_nothing_of_others(tmp_path: Path) -> None:
    """Neither the folder of a driver that took it over meanwhile, nor what was written or computed there."""

    def replace_driver(run: Path) -> None:
        note = unseal((run / "driver.lock").read_bytes())
        (run / "driver.lock").write_bytes(seal({**note, "token": "another"}))

    def leave_checkpoint(run: Path) -> None:
        (run / "trials" / "conv-1").mkdir(parents=True)
        (run / "trials" / "conv-1" / "checkpoint-1.safetensors").write_text("")

    def refuse_after(run: Path, act: Callable[[Path], object]) -> None:
        with RunFolder(run).driven(SPEC):
            act(run)
            raise UserError("no such GPU")

    for act in (replace_driver, leave_checkpoint, lambda run: (run / "notes.jsonl").write_text("")):
        run = tmp_path / act.__name__
        with pytest.raises(UserError, match="no such GPU"):
            refuse_after(run, act)
        assert (run / "spec.json").exists()


def test_more_draws_than_the_space_has_change_nothing(tmp_path: Path) -> None:
    narrow = {**SPACES["continuous"].describe(), "name": "narrow", "momentum": 0.0, "weight_decay": 0.0, "gain": 1.0}
    narrow["lr"] = {"uniform": [0.1, 0.11]}
    drawn = replace(SPEC, search="random", space=make_space(narrow, "narrow").describe())
    with RunFolder(tmp_path).driven(drawn):
        begin(tmp_path)
    before = contents(tmp_path)
    with (
        pytest.raises(UserError, match="different configurations are more than it has or can be drawn"),
        RunFolder(tmp_path).driven(replace(drawn, samples=20_000)),
    ):
        pass
    assert contents(tmp_path) == before


def test_other_engines_may_finish_nothing(tmp_path: Path) -> None:
    engines, others = ({"invariant": f"native 4 {isa} on cpu"} for isa in ("avx2", "avx512"))
    with RunFolder(tmp_path).driven(SPEC, engines):
        folder = begin(tmp_path)
        folder.decide("failed", 0)
    before = contents(tmp_path)
    run = RunFolder(tmp_path)
    with run.driven(SPEC, others) as spec:
        assert spec == SPEC
        run.reopen([folder], 1, retry_failed=False)
        for act in (run.check_changes, lambda: run.reopen([folder], 1, retry_failed=True)):
            with pytest.raises(UserError, match="the engine of invariant is native 4 avx2 on cpu there and native 4"):
                act()
    assert contents(tmp_path) == before
    with (
        pytest.raises(UserError, match="avx512 on cpu here"),
        RunFolder(tmp_path).driven(replace(SPEC, samples=5), others),
    ):
        pass
    run = RunFolder(tmp_path)
    with run.driven(SPEC, others, accept_changes=True):
        run.check_changes()


def test_other_engines_may_not_finish_what_a_command_does_not_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engines = {"invariant": "native 4 avx2 on cpu", "conv": "native 4 avx2 on cpu"}
    with RunFolder(tmp_path).driven(replace(SPEC, architectures=("invariant", "conv")), engines):
        begin(tmp_path)
    run, others = RunFolder(tmp_path), {"conv": "native 4 avx512 on cpu"}
    with run.driven(replace(SPEC, architectures=("invariant",)), {"invariant": engines["invariant"]}):
        run.check_changes()
        run.check_engines(engines, accept_changes=False)
        with pytest.raises(UserError, match="the engine of conv is native 4 avx2 on cpu there and native"):
            run.check_engines(others, accept_changes=False)
        run.check_engines(others, accept_changes=True)
        assert "accepted: the engine of conv is native 4 avx2" in capsys.readouterr().err
        run.check_engines(others, accept_changes=False)
        run.check_engines({"invariant": "torch on cpu"}, accept_changes=False)  # Which no trial of it was trained by.
    assert json.loads((tmp_path / "environment.json").read_text())["engines"] == engines | others


def test_the_history_keeps_the_engines_of_architectures_that_a_command_does_not_name(tmp_path: Path) -> None:
    engines = {"conv": "torch avx2, threads: 1 on cpu", "invariant": "native 4 avx2 on cpu"}
    with RunFolder(tmp_path).driven(replace(SPEC, architectures=("conv", "invariant")), engines):
        begin(tmp_path)
    with RunFolder(tmp_path).driven(SPEC, {"invariant": engines["invariant"]}):
        pass
    last = [line for line in history(tmp_path) if line["event"] == "start"][-1]
    assert last["environment"]["engines"] == engines  # From which a damaged environment.json is restored.


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match=r"has files but no spec\.json"), RunFolder(tmp_path).driven(SPEC):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_path_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"), RunFolder(tmp_path / "file" / "run").driven(SPEC):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": 1}', seal({"format": 2}), seal({"format": 1})])
def test_a_damaged_spec_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "spec.json").write_bytes(content)
    with pytest.raises(UserError, match=r"spec\.json") as error:
        RunFolder(tmp_path).read_spec()
    assert "\n" not in str(error.value)


def test_a_run_of_format_1_is_left_alone(tmp_path: Path) -> None:
    old = json.dumps({"format": 1, "dataset": "digits"}, indent=2)
    (tmp_path / "spec.json").write_text(old)
    with pytest.raises(UserError, match="older format; use the version"), RunFolder(tmp_path).driven(SPEC):
        pass
    assert (tmp_path / "spec.json").read_text() == old


ENGINES = {"invariant": "native 1 avx512 on cpu"}


def test_other_versions_and_engines_are_refused_unless_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with RunFolder(tmp_path).driven(SPEC, engines=ENGINES):
        begin(tmp_path)
    with RunFolder(tmp_path).driven(SPEC, engines=ENGINES):
        pass  # Nothing has changed.
    before = contents(tmp_path)
    monkeypatch.setattr(provenance, "list_versions", lambda: list_versions() | {"torch": "9.9"})
    other = {"invariant": "torch avx512, threads: 1 on cpu", "conv": "native 1 avx512 on cpu"}
    more = replace(SPEC, samples=5)
    with pytest.raises(UserError) as error, RunFolder(tmp_path).driven(more, engines=other):
        pass
    for part in (
        f"torch is {list_versions()['torch']} there and 9.9 here",
        "the engine of invariant is native",
        "--accept",
    ):
        assert part in str(error.value)
    assert "\n" not in str(error.value)
    assert contents(tmp_path) == before
    with RunFolder(tmp_path).driven(SPEC, other, accept_changes=True):
        assert "accepted: torch is" in capsys.readouterr().err
    with RunFolder(tmp_path).driven(SPEC, engines=other):
        pass  # That is what it is made with from now on.


def test_longer_trials_need_their_checkpoints(tmp_path: Path) -> None:
    theta = next(SPACES["table-1.2"].walk(0))
    longer = replace(SPEC, max_epochs=40)
    for kept in (True, False):
        run = tmp_path / str(kept)
        with RunFolder(run).driven(SPEC):
            trial = TrialFolder(run, SPEC.sweep_trial("conv", theta))
            trial.open()
            for epoch in range(1, 21):
                row = {"epoch": epoch, "val_accuracy": 0.5, "time": 1.0}
                trial.commit(row, "running", {}, lambda path, record: path.write_text(""))
            trial.close()
            trial.decide("completed", 20, keep_checkpoint=kept)
        if kept:
            with RunFolder(run).driven(longer) as spec:
                assert spec.max_epochs == 40
                RunFolder(run).reopen([trial], 40, False)  # It belongs to nobody here, so anybody may write.
                assert trial.read_outcome() is None
                assert trial.checkpoint.exists()
        else:
            with (
                pytest.raises(UserError, match="1 of 1 finished ones have no checkpoint"),
                RunFolder(run).driven(longer),
            ):
                pass
            assert RunFolder(run).read_spec().max_epochs == 20
            assert trial.read_outcome() == "completed"


def test_failed_trials_stay_so_until_they_are_to_be_retried(tmp_path: Path) -> None:
    with RunFolder(tmp_path).driven(SPEC):
        begin(tmp_path).decide("failed", 0)
    for retry in (False, True):
        run = RunFolder(tmp_path)
        with run.driven(SPEC):
            run.reopen(run.list_recorded("sweep"), 20, retry)
    for folder in RunFolder(tmp_path).list_recorded("sweep"):
        assert (folder.read_outcome(), folder.status, folder.error) == (None, "running", None)
        assert folder.notes == ["tried again after epoch 0: x"]


def test_a_linked_trials_folder_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "elsewhere").mkdir()
    run = tmp_path / "run"
    with RunFolder(run).driven(SPEC):
        pass
    (run / "trials").symlink_to(tmp_path / "elsewhere")
    with RunFolder(run).driven(SPEC):
        begin(run)
    assert "set aside as trials.damaged-" in capsys.readouterr().err
    assert not list((tmp_path / "elsewhere").iterdir())


def test_linked_scratch_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("")
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.scratch.symlink_to(tmp_path / "elsewhere")
    folder.clear_scratch()
    assert not folder.scratch.is_symlink()
    assert (tmp_path / "elsewhere" / "precious").exists()


def test_not_a_run_folder(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text("{}")
    with pytest.raises(UserError, match=r"spec.json: not a run folder"):
        RunFolder(tmp_path / "spec.json").read_spec()
    (tmp_path / "spec.json").unlink()
    with pytest.raises(UserError, match="not a run folder"):
        RunFolder(tmp_path).read_spec()


def test_finds_recorded_trials_by_phase(tmp_path: Path) -> None:
    theta = next(SPACES["table-1.2"].walk(0))
    spec = replace(SPEC, rerun_seeds=2, rerun_epochs=1)
    swept, reruns = spec.sweep_trial("conv", theta), spec.list_rerun_trials("conv", theta)
    for trial in (swept, *reruns):
        TrialFolder(tmp_path, trial).fail("x")
    (tmp_path / "trials" / "conv-neverbegan").mkdir()
    found = RunFolder(tmp_path)
    assert [folder.spec for folder in found.list_recorded("sweep")] == [swept]
    assert {folder.spec.seed for folder in found.list_recorded("rerun")} == {1, 2}
