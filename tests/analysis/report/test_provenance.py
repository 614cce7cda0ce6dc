import json

import pytest

from analysis.records.reader import read_run
from analysis.report.provenance import describe_provenance, format_duration
from spaces.files.sealed import seal
from spaces.specs.recipes import CIFAR
from tests.analysis.conftest import THETA, RunFolder

START = {
    "event": "start",
    "time": 1.79e9,
    "pid": 7,
    "command": "invsearch sweep",
    "host": "h",
    "cpus": 2,
    "revision": "r",
}
END = {"event": "end", "time": 1.79e9 + 200, "pid": 7, "outcome": "done", "wall_seconds": 200.0}


def test_a_history_is_read_with_and_without_checksums_and_damage(full: RunFolder) -> None:
    run = full.write()
    lines = [seal(START), seal(END), b"{torn\n", b"[1]\n", b'{"checksum": "0000000000000000", "event": "start"}\n']
    lines += [json.dumps({**START, "command": "invsearch rerun", "pid": 8}).encode() + b"\n"]
    (run / "history.jsonl").write_bytes(b"".join(lines))
    found = describe_provenance(read_run(run), "full")
    assert found.invocations.to_numpy().tolist() == [
        ["2026-09-21 14:13:20", "invsearch sweep", "r", "3 min 20 s", "done"],
        ["2026-09-21 14:13:20", "invsearch rerun", "r", "", "no end is on record"],
    ]
    assert found.trouble == ["Damaged lines of history.jsonl that were left out: 3."]
    assert ("host", "h") in found.machines
    assert ("data set", "digits") in found.spec


@pytest.mark.parametrize("field", ["time", "command", "host", "revision", "versions", "pid"])
@pytest.mark.parametrize("value", [None, [], {}, {"a": [1]}, 1e300, "x" * 10_000, "\ud800"])
def test_any_value_in_a_history_gives_text(full: RunFolder, field: str, value: object) -> None:
    run = full.write()
    (run / "history.jsonl").write_text(json.dumps({**START, field: value}) + "\n")
    found = describe_provenance(read_run(run), "full")
    assert len(found.invocations) == 1
    text = " ".join(map(str, found.invocations.to_numpy().ravel())) + str(found.machines)
    assert len(text) < 3000
    text.encode()


def test_a_run_that_searched_nothing_names_its_recipe_and_no_search(folder: RunFolder) -> None:
    folder.spec.update(samples=None, thetas={"conv": THETA.as_dict()}, recipe=CIFAR.as_dict())
    spec = dict(describe_provenance(read_run(folder.write()), "run").spec)
    assert spec["recipe (its steps scaled to the epochs)"] == (
        "lr x 0.2 after epochs 60, 80, 100 of 120, random crops with padding 4, horizontal flips"
    )
    assert not {"scheduler", "grace period (epochs)", "reduction factor", "seed of the held-out split"} & set(spec)
    assert (spec["rerun seeds"], spec["batch size"]) == ("3", "16")
    folder.spec.update(thetas=dict.fromkeys(("conv", "invariant"), THETA.as_dict() | {"batch_size": 8}))
    assert "batch size" not in dict(describe_provenance(read_run(folder.write()), "run").spec)


def test_without_a_history_it_says_so(full: RunFolder) -> None:
    found = describe_provenance(read_run(full.write()), "full")
    assert found.trouble == ["There is no history.jsonl, so nothing is known of the commands."]


def test_makers_are_counted(full: RunFolder) -> None:
    found = describe_provenance(read_run(full.write()), "full")
    epochs = sum(len(record["rows"]) for _, record, _ in full.trials)
    ((maker, counted, time),) = found.makers.to_numpy().tolist()
    assert maker.startswith("native 1 avx2")
    assert (counted, time) == (str(epochs), format_duration(0.5 * epochs))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 s"), (42, "42 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (None, ""), ("x", ""), (-1, "")],
)
def test_durations(seconds: object, text: str) -> None:
    assert format_duration(seconds) == text


def test_truth_values_of_a_space_are_written_as_in_its_file(mixed: RunFolder) -> None:
    origin = describe_provenance(read_run(mixed.write()), "mixed")
    space = dict(origin.spec)["search space"]
    assert "activation choice relu, gelu, bias choice false, true, width randint 8, 64" in space
    assert [what for what, _ in origin.spec].count("own architectures") == 1


def test_a_batch_size_that_is_searched_is_no_setting_of_the_run(full: RunFolder) -> None:
    assert "batch size" in dict(describe_provenance(read_run(full.write()), "run").spec)
    full.spec["space"]["batch_size"] = {"choice": [8, 16]}
    spec = dict(describe_provenance(read_run(full.write()), "run").spec)
    assert "batch size" not in spec
    assert "batch_size choice 8, 16" in spec["search space"]
