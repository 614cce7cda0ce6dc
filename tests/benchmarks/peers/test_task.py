import numpy as np

from benchmarks.peers.task import find_task, read_results, read_task, write_results, write_task
from search.datasets import DIGITS, load_split
from spaces import SPACES


def test_configurations_are_those_of_the_grid():
    task = find_task("digits", ("conv", "invariant"), samples=2, epochs=3)
    points = list(SPACES["table-1.2"].walk(0))
    assert [each["architecture"] for each in task.configurations] == ["conv", "invariant"] * 2
    assert [each["lr"] for each in task.configurations] == [point.lr for point in points[:2] for _ in range(2)]


def test_a_peer_reads_the_task_and_the_images_of_invsearch(tmp_path):
    task = find_task("digits", ("conv",), samples=1, epochs=3)
    write_task(task, tmp_path)
    read, train, judged = read_task(tmp_path)
    assert read == task
    split = load_split(DIGITS, "sweep", 0)
    for found, images, labels in ((train, split.train_x, split.train_y), (judged, split.eval_x, split.eval_y)):
        assert len(found) == len(labels)
        tensor, label = found[11]
        assert label == labels[11]
        np.testing.assert_allclose(tensor.numpy(), images[11], rtol=1e-5, atol=1e-6)


def test_results_come_back(tmp_path):
    write_results(tmp_path, [0.25, 1.0])
    assert read_results(tmp_path) == [0.25, 1.0]
