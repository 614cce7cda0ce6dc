"""The command line: one clear line for bad input, an example in every help, codes for scripts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from models.native import find_instruction_set
from search import __version__
from search.cli import COMMANDS, main
from search.datasets import find_dataset
from spaces import SPACES, Hyperparameters
from spaces.files.sealed import Damaged
from spaces.specs.run import RunSpec

ROOT = Path(__file__).resolve().parents[3]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_with_an_example_that_parses(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert COMMANDS[name].EXAMPLE in shown
    assert COMMANDS[name].EXAMPLE.startswith(f"invsearch {name}")
    assert "\n" not in COMMANDS[name].HELP
    from search.cli import make_parser

    make_parser().parse_args(COMMANDS[name].EXAMPLE.split()[1:])


def test_the_version_says_what_an_issue_needs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"invsearch {__version__}, revision ")
    assert f"engine native ({find_instruction_set()}), " in said or "engine torch (" in said
    for library in ("torch", "ray", "pandas"):
        assert f"{library} {metadata.version(library)}" in said


def test_list_shows_everything_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    import models
    from analysis.tables import TABLES
    from search.datasets import DATASETS

    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for name in (*models.ARCHITECTURES, *DATASETS, *SPACES, *TABLES):
        assert f"  {name} " in shown
    for family in models.FAMILIES.values():
        assert family.words in shown


THETA = "lr=0.1,momentum=0,weight_decay=0,gain=1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sweep", "--architectures", "nosuch", "--out", "OUT"], ["nosuch", "conv", "wide-conv"]),
        (["sweep", "--architectures", "invariamt", "--out", "OUT"], ["did you mean invariant"]),
        (["sweep", "--architectures", ",", "--out", "OUT"], ["none is named"]),
        (["sweep", "--architectures", "invC+invB", "--out", "OUT"], ["'invC+invB'", "write invB+invC"]),
        (
            ["sweep", "--architectures", "conv,ref", "--out", "OUT"],
            ["ref is made for", "32 x 32 or 64 x 64", "28 x 28"],
        ),
        (["train", "invG-w8", "--theta", THETA, "--out", "OUT"], ["invG-w8 is made for images of 64 x 64", "28 x 28"]),
        (["sweep", "--dataset", "nosuch", "--out", "OUT"], ["nosuch", "digits", "mnist"]),
        (["sweep", "--space", "nosuch", "--out", "OUT"], ["nosuch", "table-1.2"]),
        (["sweep", "--space", "continuous", "--out", "OUT"], ["continuous", "--search tpe"]),
        (["sweep", "--epochs", "0", "--out", "OUT"], ["epochs: 0"]),
        (["sweep", "--epochs", "x", "--out", "OUT"], ["--epochs", "not a whole number"]),
        (["sweep", "--epochs", "4", "--grace-period", "9", "--out", "OUT"], ["grace-period", "9", "4"]),
        (["sweep", "--reduction-factor", "1", "--out", "OUT"], ["reduction-factor", "above 1"]),
        (["sweep", "--samples", "0", "--out", "OUT"], ["samples"]),
        (["sweep", "--samples", "9" * 5000, "--out", "OUT"], ["--samples", "from 0 up, of at most 20 digits"]),
        (["sweep", "--cpus-per-trial", "0", "--out", "OUT"], ["cpus-per-trial"]),
        (["sweep", "--gpus-per-trial", "-1", "--out", "OUT"], ["gpus-per-trial"]),
        (["sweep", "--pack", "0", "--out", "OUT"], ["pack: 0 is not allowed", "auto", "from 1 to 1024"]),
        (["sweep", "--pack", "all", "--out", "OUT"], ["--pack", "'all'", "auto", "whole number"]),
        (["sweep", "--pack", "8", "--out", "OUT"], ["pack: asha", "--scheduler halving or none", "leave --pack out"]),
        (["sweep", "--pack", "8", "--search", "tpe", "--scheduler", "none", "--out", "OUT"], ["pack: tpe", "grid"]),
        (
            ["sweep", "--pack", "8", "--engine", "native", "--scheduler", "none", "--out", "OUT"],
            ["engine native", "--engine torch or auto", "leave --pack out"],
        ),
        (["sweep", "--batch-size", "0", "--out", "OUT"], ["batch-size"]),
        (["sweep", "--cpus-per-trial", "1e-320", "--out", "OUT"], ["cpus-per-trial", "from 0.1 to 10000"]),
        (["sweep", "--cpus-per-trial", "0.01", "--out", "OUT"], ["cpus-per-trial", "from 0.1 to 10000"]),
        (["sweep", "--cpus-per-trial", "1e18", "--out", "OUT"], ["cpus-per-trial", "1e+18"]),
        (["sweep", "--cpus-per-trial", "9" * 23, "--out", "OUT"], ["cpus-per-trial", "1e+23"]),
        (["sweep", "--gpus-per-trial", "5e-324", "--out", "OUT"], ["gpus-per-trial", "from 0.01"]),
        (["sweep", "--gpus-per-trial", "1e308", "--out", "OUT"], ["gpus-per-trial", "up to 10000"]),
        (["sweep", "--address", "", "--out", "OUT"], ["--address", "give auto"]),
        (["sweep", "--address", "ray://h:10001", "--out", "OUT"], ["ray://", "not supported"]),
        (["sweep", "--out", ""], ["--out", "it is empty"]),
        (["sweep", "--out", "ftp://bucket/run"], ["ftp://", "s3://BUCKET/RUN"]),
        (["report", "file:///tmp/x"], ["file://", "s3://BUCKET/RUN"]),
        (["sweep", "--search", "magic", "--out", "OUT"], ["magic", "grid", "tpe"]),
        (["sweep", "--cpus-per-trial", "nan", "--out", "OUT"], ["cpus-per-trial", "nan"]),
        (["sweep", "--reduction-factor", "nan", "--out", "OUT"], ["reduction-factor", "nan"]),
        (["sweep", "--out", "~nosuchuser/x"], ["~nosuchuser"]),
        (["reproduce", "summary", "--out", "OUT"], ["summary", "invsearch list tables"]),
        (["sweep"], ["--out"]),
        (["nosuch"], ["nosuch", "sweep"]),
        ([], ["COMMAND"]),
        (["train", "conv", "--theta", "lr=1", "--out", "OUT"], ["theta", "momentum"]),
        (["train", "conv", "--theta", "lr=-1,momentum=0,weight_decay=0,gain=1", "--out", "OUT"], ["lr", "-1"]),
        (["train", "nosuch", "--out", "OUT"], ["nosuch", "conv"]),
        (["reproduce", "9.9", "--out", "OUT"], ["9.9", "1.3"]),
        (["table", "9.9", "OUT"], ["9.9", "1.3"]),
        (["table", "1.3", "OUT"], ["OUT"]),
        (["status", "OUT"], ["OUT"]),
        (["show", "OUT", "x"], ["OUT"]),
        (["rerun", "OUT"], ["OUT"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_is_one_line(
    arguments: list[str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    message = refused(capsys, *(out if part == "OUT" else part for part in arguments))
    for word in words:
        assert (out if word == "OUT" else word) in message
    assert not Path(out).exists()


def test_a_space_file_with_an_error_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("lr: {choice: [0.1, -1]}\nmomentum: 0\nweight_decay: 0\ngain: 1\n")
    message = refused(capsys, "sweep", "--space", str(path), "--out", str(tmp_path / "run"))
    for word in (str(path), "lr", "-1", "above 0"):
        assert word in message


def test_a_space_file_cannot_pass_for_a_built_in_space(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "space.yaml"
    path.write_text("name: table-1.2\nlr: 0.1\nmomentum: 0\nweight_decay: 0\ngain: 1\n")
    assert "table-1.2 is taken" in refused(capsys, "sweep", "--space", str(path), "--out", str(tmp_path / "run"))


def test_a_contradicting_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from search.datasets import find_dataset
    from search.storage.run_folder import RunFolder
    from search.storage.trial_folder import TrialFolder

    space = SPACES["table-1.2"].describe()
    spec = RunSpec(
        "digits", find_dataset("digits").data_hash, 16, 0, 0, ("conv",), space=space, search="grid", samples=1
    )
    with RunFolder(tmp_path).driven(spec):
        TrialFolder(tmp_path, spec.sweep_trial("conv", next(SPACES["table-1.2"].walk(0)))).fail("x")
    message = refused(capsys, "sweep", "--batch-size", "7", "--out", str(tmp_path))
    assert "batch-size is 16 there and 7 here" in message


def test_dry_run_says_what_would_run_and_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["reproduce", "1.3", "--samples", "16", "--seeds", "3", "--dry-run", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    for word in (
        "16 trials",
        "about 140 epochs",
        "at most 320",
        "3 reruns x 20 epochs",
        "MiB",
        " an epoch",
        "at epoch 5;",
    ):
        assert word in shown
    assert not out.exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--max-concurrent", "1"], ["1 trial at once"]),
        (["--batch-size", "1000000000"], [" in all about "]),  # More images than memory holds, and than there are.
        (["--architectures", "conv"], ["digits, 1 architecture\n"]),
    ],
)
def test_a_dry_run_is_of_what_would_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], words: list[str]
) -> None:
    assert main(["sweep", "--samples", "4", *asked, "--dry-run", "--out", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in words)


def test_a_dry_run_counts_steps_of_the_batches_that_it_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("search.planning.dry_run.timeit", lambda function, number: 1.0)  # Every step takes a second.
    path = tmp_path / "mine.yaml"
    path.write_text("{lr: 0.1, momentum: {choice: [0, 0.5]}, weight_decay: 0, gain: 1, batch_size: {choice: [8, 64]}}")
    fixed = ["--space", str(path), "--scheduler", "none", "--max-concurrent", "1", "--architectures", "conv"]
    assert main(["sweep", *fixed, "--epochs", "90", "--dry-run", "--out", str(tmp_path / "run")]) == 0
    data = find_dataset("digits")
    hours = 4 * 90 * (data.train_images - data.holdout) / 64 / 3600  # Of the two sizes, 64 is the middle one.
    shown = capsys.readouterr().out
    assert "1000.00 ms a step" in shown
    assert f"in all about {hours:.2f} h" in shown


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["--max-concurrent", "0"], "max-concurrent: 0 is not allowed"),
        (["--reuse", "no-such-run"], "no-such-run: not a run folder"),
        (["--space", ""], "space: '' is neither a file nor one of"),
        (["--space", "continuous"], "lr, momentum, weight_decay, gain are continuous"),
        (["--reduction-factor", "1,5"], "'1,5' is not a number"),
        (["--gpus-per-trial", ""], "'' is not a number"),
        (["--out", "~nobody-of-this-name/run"], "no home folder ~nobody-of-this-name is known here"),
        (["--sample", "3"], "unrecognized arguments: --sample 3; see invsearch sweep --help"),
    ],
)
def test_a_dry_run_refuses_what_a_run_would_refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], message: str
) -> None:
    assert message in refused(capsys, "sweep", "--dry-run", "--out", str(tmp_path / "run"), *asked)


def test_a_dry_run_refuses_more_draws_than_there_can_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "narrow.yaml"
    path.write_text("{lr: {uniform: [0.1, 0.11]}, momentum: 0, weight_decay: 0, gain: 1}")
    asked = ["--search", "random", "--space", str(path), "--samples", "2000", "--out", str(tmp_path / "run")]
    assert "2,000 different configurations are more than it has" in refused(capsys, "sweep", "--dry-run", *asked)


def test_a_reader_that_leaves_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "search", "list"]
    result = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


def test_interruption_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import signal

    from search.errors import Interrupted

    for error, code in ((KeyboardInterrupt(), 130), (Interrupted(signal.SIGTERM), 143)):

        def stop(*_: object, error: BaseException = error) -> int:
            raise error

        monkeypatch.setattr(COMMANDS["list"], "run", stop)
        assert main(["list", "spaces"]) == code
        assert "to resume: invsearch list spaces" in capsys.readouterr().err


def test_a_time_budget_is_watched_from_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from search.commands import sweep

    monkeypatch.setattr(sweep, "run", lambda _: time.sleep(600))
    given = ["sweep", "--time-budget", "0.001s", "--out", str(tmp_path)]
    assert main(given) == 3
    told = "the time budget is used up before more was trained"
    assert capsys.readouterr().err == f"invsearch: {told}; to resume: invsearch {' '.join(given)}\n"
    monkeypatch.setattr(sweep, "run", lambda _: 0)
    assert main([*given, "--dry-run"]) == 0  # It has no budget to use up.


@pytest.mark.parametrize(
    "arguments",
    [
        ["sweep", "--out", "OUT"],
        ["reproduce", "1.3", "--out", "OUT"],
        ["train", "conv", "--out", "OUT"],
        ["rerun", "OUT"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_the_environment_is_set_before_ray_is_imported(arguments: list[str], tmp_path: Path) -> None:
    """Ray reads some of it then; without it a laptop's Ray would listen to the whole network."""
    code = (
        "import sys, search.options as options\n"
        "from search.cli import main\n"
        "def stop(asked):\n"
        "    print('ray' in sys.modules)\n"
        "    raise KeyboardInterrupt\n"
        "options.set_environment = stop\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    given = [str(tmp_path / "run") if part == "OUT" else part for part in arguments]
    done = subprocess.run([sys.executable, "-c", code, *given], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("False\n", 130)


def test_a_sweep_that_is_not_finished_is_not_rerun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from search.datasets import find_dataset
    from search.storage.run_folder import RunFolder

    space = SPACES["table-1.2"].describe()
    spec = RunSpec(
        "digits", find_dataset("digits").data_hash, 16, 0, 0, ("conv",), space=space, search="grid", samples=7
    )
    with RunFolder(tmp_path).driven(spec):
        pass
    assert main(["rerun", str(tmp_path)]) == 2
    assert "the sweep is not finished (conv 0 of 7)" in capsys.readouterr().err


def test_theta_round_trips_through_the_command_line() -> None:
    from spaces import parse_theta

    theta = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0)
    assert parse_theta(str(theta)) == theta


def test_what_a_user_wrote_controls_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "status", str(tmp_path / "\x1b[31mred\nx"))
    assert "\\x1b[31mred\\nx" in message
    assert len(refused(capsys, "status", str(tmp_path), "9" * 5000)) < 2100


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", ".", "{}"),
        ("list", "{}"),
        ("{}",),
        ("compare", "RUN", "{}"),
        ("watch", "{}"),
        ("table", "{}", "."),
        ("show", ".", "{}"),
        ("data", "{}"),
        ("data", "mnist", "--from", "{}"),
        ("sweep", "--out", "x", "--dataset", "{}"),
        ("sweep", "--out", "x", "--architectures", "{}"),
        ("sweep", "--out", "x", "--time-budget", "{}"),
        ("sweep", "--out", "x", "--space", "{}"),
        ("train", "conv", "--theta", "{}"),
        ("reproduce", "1.3", "--out", "/proc/{}"),
    ],
)
def test_no_argument_controls_the_terminal(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, *(argument.replace("{}", "\x1b[31m\x07\n\x9bx") for argument in arguments))
    assert message.strip("\n").isprintable()


def test_what_is_printed_controls_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        COMMANDS["list"], "run", lambda args: print("red\x1b[31m\x1b[2J\r\tx\nhalf \ud800 nine \x9b") or 0
    )
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "red\\x1b[2J\\r\tx\nhalf \\ud800 nine \\x9b\n"


def test_the_line_to_go_on_is_for_the_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(COMMANDS["status"], "run", interrupted)
    main(["status", "it's\na \x1b[31mrun"])
    line = capsys.readouterr().err
    given = line.partition("to resume: invsearch ")[2]
    read = subprocess.run(["bash", "-c", f"printf '%s|' {given}"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert read == "status|it's\na \x1b[31mrun|"


def test_what_a_damaged_file_says_controls_no_terminal() -> None:
    """A record whose format is half a character, found by the fuzzer, could not even be written to a terminal."""
    assert str(Damaged("format \ud800\x1b[31m instead of 2")) == r"format \ud800\x1b[31m instead of 2"
