from analysis.costs import Cost, find_network_cost
from analysis.records.reader import read_run
from analysis.tables import TABLES
from tests.analysis.conftest import NET, OWN


def test_layers_of_the_users_own_are_compared_without_the_linear_tail(mixed) -> None:
    run = read_run(mixed.write())
    assert find_network_cost(run, OWN) == Cost(900, 300000, 0)
    assert find_network_cost(run, NET) == Cost(800, 200000, 0)
    assert find_network_cost(run, "nowhere") is None


def test_a_run_without_conv_has_every_table(mixed) -> None:
    mixed.spec["architectures"] = [OWN, NET]
    mixed.trials = [kept for kept in mixed.trials if kept[0].architecture != "conv"]
    run = read_run(mixed.write())
    for table in TABLES.values():
        filled = table.build(run)
        assert filled.notes
    assert TABLES["ranking"].build(run).cells["Architecture"].tolist() == [OWN, NET]
