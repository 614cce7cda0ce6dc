"""What a run is asked for: what would be ignored is refused, and what there is less of is said."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from models.own import REGISTERED
from search.architectures import find_names
from search.cli import main, make_parser
from search.specs import make_run_spec
from search.storage.json_files import write_json
from spaces.specs.extend import extend

SPACE = "{name: mine, lr: {choice: [0.1, 0.2]}, momentum: 0, weight_decay: 0, gain: 1, "
SIZES = "batch_size: {choice: [8, 16]}}"
LAYER = """from torch import nn

class Mine(nn.Conv2d):
    def __init__(self, in_channels, out_channels, kernel=1):
        super().__init__(in_channels, out_channels, kernel, padding=kernel // 2)
"""
THETA = "lr=0.1,momentum=0,weight_decay=0,gain=1,"


@pytest.mark.parametrize(
    ("command", "given", "option", "words"),
    [
        ("sweep", SIZES, ["--batch-size", "32"], "batch-size: 32 would be ignored, since space mine has batch_size"),
        ("sweep", "batch_size: 32}", ["--batch-size", "32"], "leave --batch-size out, or batch_size out of the space"),
        ("reproduce", SIZES, ["--batch-size", "32"], "batch-size: 32 would be ignored, since space mine has"),
        ("train", "batch_size=8", ["--batch-size", "8"], "leave --batch-size out, or batch_size out of the theta"),
    ],
)
def test_what_would_be_ignored_is_refused(
    command: str, given: str, option: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space, out = tmp_path / "mine.yaml", tmp_path / "run"
    space.write_text(SPACE + given)
    searched = ["--space", str(space)] if command != "train" else ["--theta", THETA + given]
    which = {"sweep": [], "reproduce": ["1.3"], "train": ["conv"]}[command]
    assert main([command, *which, *searched, *option, "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ("batch_size: {choice: [8, 16]}}", ["--recipe", "steps"]),
        ("schedule: {choice: [constant, steps]}}", ["--recipe", "steps", "--batch-size", "32"]),
        ("schedule: cosine}", ["--recipe", "crops"]),
        ("schedule: cosine}", ["--recipe", "steps"]),  # It leaves out the data set's own crops and flips.
    ],
)
def test_what_says_something_is_taken(given: str, option: list[str], tmp_path: Path) -> None:
    space = tmp_path / "mine.yaml"
    space.write_text(SPACE + given)
    options = ["sweep", "--space", str(space), *option, "--out", str(tmp_path / "run")]
    spec = make_run_spec(make_parser().parse_args(options), ("conv",), None, None)
    assert spec.recipe is not None
    assert extend(spec, spec) == spec


def test_a_run_that_was_begun_with_it_goes_on(tmp_path: Path) -> None:
    """Its own command resumes it."""
    space, out = tmp_path / "mine.yaml", tmp_path / "run"
    (out / "trials" / "conv-1").mkdir(parents=True)
    (out / "trials" / "conv-1" / "record.json").touch()  # Or nothing binds the run.
    options = ["sweep", "--space", str(space), "--batch-size", "32", "--out", str(out)]
    for given in ("schedule: constant}", SIZES):
        space.write_text(SPACE + given)
        spec = make_run_spec(make_parser().parse_args(options), ("conv",), None, None)
        assert spec.batch_size == 32
        write_json(out / "spec.json", spec.as_dict())


def test_an_architecture_with_fewer_configurations_than_asked_for_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of lr x kernel, a layer without ``kernel`` has the two lr; the other one has all six."""
    space, layer = tmp_path / "mine.yaml", tmp_path / "my_layer.py"
    space.write_text(SPACE + "kernel: {choice: [1, 3, 5]}}")
    layer.write_text(LAYER)
    options = ["sweep", "--space", str(space), "--samples", "7", "--out", str(tmp_path / "run")]
    with patch.dict(REGISTERED):
        names = find_names(["conv", f"{layer}:Mine", "dct"], None)
        spec = make_run_spec(make_parser().parse_args(options), names, None, None)
        assert [spec.count_planned(name) for name in names] == [2, 6, 2]
    assert capsys.readouterr().err.splitlines() == [
        "space mine has 6 configurations, so 6 and not 7",
        "space mine has 2 configurations for conv and dct, so 2 and not 6",
    ]
