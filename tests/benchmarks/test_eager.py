from benchmarks.eager import SHALLOW, compare, make_split, train


def test_a_line_per_engine_with_the_loss_of_each_epoch(capsys) -> None:
    split = make_split((1, 28, 28), 512)
    compare(SHALLOW, split, "cpu", ("torch",), 3)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("conv       torch  cpu:")
    losses = [float(loss) for loss in line.split("training loss ")[1].split(", ")]
    assert losses == sorted(losses, reverse=True)  # The classes can be learned.
    assert len(losses) == 3
    assert all(rate > 0 for _, rate in train(SHALLOW, split, "cpu", "torch", 1))
