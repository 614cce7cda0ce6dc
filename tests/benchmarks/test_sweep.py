import pytest

from benchmarks import sweep


def test_without_mnist_it_says_so(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match=r"^benchmarks\.sweep: MNIST is not here; first run: invsearch data mnist$"):
        sweep.main([])
    assert capsys.readouterr().out == ""


def test_a_program_that_fails_says_why():
    with pytest.raises(RuntimeError, match=r"No module named benchmarks\.nothing"):
        sweep.measure_wall_seconds(["-m", "benchmarks.nothing"])


def test_runs_are_kept_and_gone_on_with_in_their_turn(capsys, monkeypatch, tmp_path):
    ran, kept = [], tmp_path / "kept.jsonl"

    def run(name, seconds):
        ran.append(name)
        return sweep.Outcome(seconds, [0.5, 0.75], 1.0)

    monkeypatch.setattr(sweep, "invsearch", lambda task, folder: run("invsearch", 2.0))
    monkeypatch.setattr(sweep, "peer", lambda module, folder: run(module, 30.0))
    command = ["--quick", "--repeats", "2", "--kept", str(kept), "--most"]
    for most, count in (("1", 1), ("4", 5)):
        sweep.main([*command, most])
        assert capsys.readouterr().out == f"{kept}: {count} of 6 runs; give it again\n"
    sweep.main([*command, "4"])
    assert ran == ["invsearch", *sweep.PEERS.values()] * 2
    text = capsys.readouterr().out
    assert text.count("| 15x ") == 2
    assert "2 interleaved repeats" in text
    sweep.main(command[:-1])
    assert len(ran) == 6
    kept.write_text(kept.read_text().replace("digits", "mnist"))
    with pytest.raises(SystemExit, match="is of another task"):
        sweep.main(command[:-1])
    with pytest.raises(SystemExit):
        sweep.main(["--quick", "--most", "1"])


@pytest.mark.slow
def test_all_programs_finish_the_same_trials(capsys):
    sweep.main(["--quick", "--repeats", "1"])
    text = capsys.readouterr().out
    programs = [line.split("|") for line in text.split("## Programs")[1].splitlines() if "|" in line][2:]
    assert [cells[1].strip() for cells in programs] == ["invsearch", *sweep.PEERS]
    assert [cells[4].strip() for cells in programs] == ["2"] * 3  # Trials.
    assert text.count("target >= 12, ") == 2
    assert "Busy share" in text
