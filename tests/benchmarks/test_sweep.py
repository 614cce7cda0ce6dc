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


@pytest.mark.slow
def test_all_programs_finish_the_same_trials(capsys):
    sweep.main(["--quick", "--repeats", "1"])
    text = capsys.readouterr().out
    programs = [line.split("|") for line in text.split("## Programs")[1].splitlines() if "|" in line][2:]
    assert [cells[1].strip() for cells in programs] == ["invsearch", *sweep.PEERS]
    assert [cells[4].strip() for cells in programs] == ["2"] * 3  # Trials.
    assert text.count("target >= 8, ") == 2
    assert "Busy share" in text
