"""Options of which hyperparameters take the place are refused, not ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.cli import main, make_parser
from search.specs import make_run_spec
from spaces.specs.extend import extend

SPACE = "{name: mine, lr: {choice: [0.1, 0.2]}, momentum: 0, weight_decay: 0, gain: 1, "
SIZES, SCHEDULES = "batch_size: {choice: [8, 16]}}", "schedule: {choice: [constant, cosine]}}"
THETA = "lr=0.1,momentum=0,weight_decay=0,gain=1,"


@pytest.mark.parametrize(
    ("command", "given", "option", "words"),
    [
        ("sweep", SIZES, ["--batch-size", "32"], "batch-size: 32 would be ignored, since space mine has batch_size"),
        ("sweep", "batch_size: 32}", ["--batch-size", "32"], "leave --batch-size out, or batch_size out of the space"),
        ("reproduce", SIZES, ["--batch-size", "32"], "batch-size: 32 would be ignored, since space mine has"),
        ("sweep", SCHEDULES, ["--recipe", "steps"], "recipe: steps would be ignored, since all that it says is how"),
        ("train", "batch_size=8", ["--batch-size", "8"], "leave --batch-size out, or batch_size out of the theta"),
        ("train", "schedule=cosine", ["--recipe", "steps"], "theta has schedule (cosine); leave --recipe out, or let"),
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
    ],
)
def test_what_says_something_is_taken(given: str, option: list[str], tmp_path: Path) -> None:
    space = tmp_path / "mine.yaml"
    space.write_text(SPACE + given)
    options = ["sweep", "--space", str(space), *option, "--out", str(tmp_path / "run")]
    spec = make_run_spec(make_parser().parse_args(options), ("conv",), None, None)
    assert spec.recipe is not None
    assert extend(spec, spec) == spec
