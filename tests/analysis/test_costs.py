import pytest

from analysis.costs import Cost, find_network_cost
from analysis.evidence import gather
from analysis.figures import FIGURES
from analysis.figures.figure import Drawing, Line
from analysis.records.reader import read_run
from analysis.tables import TABLES
from tests.analysis.conftest import NET, OWN


def test_layers_of_the_users_own_are_compared_without_the_linear_tail(mixed) -> None:
    run = read_run(mixed.write())
    assert find_network_cost(run, OWN) == Cost(900, 300000, 0)
    assert find_network_cost(run, NET) == Cost(800, 200000, 0)
    assert find_network_cost(run, "nowhere") is None


def test_a_network_of_the_users_own_is_on_no_front_since_its_classifier_counts(mixed) -> None:
    """The cheapest one, with 70 %, would be the beginning of both fronts; so the layer is, with 90 %."""
    evidence = gather([read_run(mixed.write())])
    drawn = FIGURES["costs"].draw(evidence)
    assert isinstance(drawn, Drawing)
    lines = [mark for panel in drawn.panels for mark in panel.marks if isinstance(mark, Line)]
    assert [min(line.y) for line in lines] == pytest.approx([90.0, 90.0])
    assert drawn.caption.endswith(f"since only their cost includes the classifier: {NET}.")
    budget = FIGURES["budget"].draw(evidence)
    assert isinstance(budget, Drawing)
    assert budget.caption.endswith(f"Multiplies include those of the classifier in {NET}, and in no other network.")


def test_a_run_without_conv_has_every_table(mixed) -> None:
    mixed.spec["architectures"] = [OWN, NET]
    mixed.trials = [kept for kept in mixed.trials if kept[0].architecture != "conv"]
    run = read_run(mixed.write())
    for table in TABLES.values():
        filled = table.build(run)
        assert filled.notes
    assert TABLES["ranking"].build(run).cells["Architecture"].tolist() == [OWN, NET]
