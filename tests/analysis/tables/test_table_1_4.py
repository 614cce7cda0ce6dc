from typing import Any

import pytest

import models
from analysis.published.mnist import PUBLISHED
from analysis.records.reader import read_run
from analysis.tables.table_1_4 import build_cost_rows
from models.cost import list_layer_costs

WIDE = [("conv", 250, 250 * 784, 0), ("conv", 25000, 25000 * 196, 0)]


def costs_of(folder) -> Any:
    return build_cost_rows(read_run(folder.write()), PUBLISHED).assign(name=list(PUBLISHED)).set_index("name")


def test_ratios_are_those_of_the_notes(folder) -> None:
    folder.costs["wide-conv"] = WIDE
    costs = costs_of(folder)
    assert costs.loc["conv"].tolist() == [1, 1, 1, False, 1, 1]
    assert costs.loc["invariant", "param_ratio"] == 7 / 9
    assert costs.loc["invariant", "mult_ratio"] == 7 / 36
    assert costs.loc["invariant", "mult_with_transform_ratio"] == pytest.approx(0.31, abs=0.005)
    assert costs.loc["wide-conv", "param_ratio"] == pytest.approx(8.0, abs=0.05)
    assert costs.loc["wide-conv", "mult_ratio"] == pytest.approx(7.8, abs=0.05)
    assert costs["cost_differs"].to_dict() == {name: name in ("invariant", "wide-conv") for name in PUBLISHED}
    assert costs.loc["dct", ["param_ratio", "mult_ratio", "mult_with_transform_ratio"]].isna().all()
    assert costs.loc["dct", "published_param_ratio"] == 7 / 3


def test_the_built_networks_cost_what_the_text_says_but_for_the_transform_and_wide_conv(folder) -> None:
    for name in PUBLISHED:
        layers = list_layer_costs(models.build(name, gain=1.0, seed=0), (1, 28, 28))
        folder.costs[name] = [(layer.kind, layer.params, layer.mults, layer.transform_mults) for layer in layers]
    costs = costs_of(folder).drop("wide-conv")
    assert costs["param_ratio"].tolist() == costs["published_param_ratio"].tolist()
    assert costs["mult_ratio"].tolist() == costs["published_mult_ratio"].tolist()
    assert costs.drop("conv")["cost_differs"].to_numpy().all()


def test_the_linear_tail_is_not_counted(folder) -> None:
    before = costs_of(folder)
    folder.costs["invariant"] = [*folder.costs["invariant"], ("linear", 10**6, 10**6, 0)]
    assert before.equals(costs_of(folder))


def test_without_conv_the_costs_are_blank(folder) -> None:
    del folder.costs["conv"]
    costs = costs_of(folder)
    assert costs[["param_ratio", "mult_ratio", "mult_with_transform_ratio"]].isna().to_numpy().all()
    assert not costs["cost_differs"].to_numpy().any()
    assert costs.loc["conv", "published_mult_ratio"] == 1
