"""This checkout against itself, at the smallest size."""

import pytest

from benchmarks import earlier
from models.native import BUILDS, find_instruction_set
from search.storage.provenance import ROOT

pytestmark = pytest.mark.skipif(find_instruction_set() is None, reason="the native engine was not built")


def test_each_network_has_a_row(capsys):
    isa = list(BUILDS)[-1]
    earlier.main([str(ROOT), "--quick", "--repeats", "1", "--networks", "dct", "conv", "--isa", isa])
    *_, first, second = capsys.readouterr().out.splitlines()
    for row, name in ((first, "dct"), (second, "conv")):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert [*cells[:2], cells[3]] == [isa, name, "none"]


def test_a_difference_is_a_part_of_the_loss():
    assert earlier.describe_difference(2.0, 2.0) == "none"
    assert earlier.describe_difference(2.0, 1.9998) == "1e-04"


def test_a_folder_that_is_no_checkout_is_refused(capsys, tmp_path):
    with pytest.raises(SystemExit):
        earlier.main([str(tmp_path), "--quick"])
    assert "is not a checkout of invsearch" in capsys.readouterr().err
