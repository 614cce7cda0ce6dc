from benchmarks.peers.task import find_task, read_results, write_task
from benchmarks.peers.with_optuna import search


def test_every_configuration_is_trained_once(tmp_path):
    write_task(find_task("digits", ("conv", "invariant"), samples=1, epochs=1), tmp_path)
    search(tmp_path)
    found = read_results(tmp_path)
    assert len(found) == 2
    assert all(0 < accuracy <= 1 for accuracy in found)
