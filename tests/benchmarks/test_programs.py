"""The programs at their smallest size: what they print, never how long it took."""

import pytest

from benchmarks import deep, layer, step
from models import ARCHITECTURES
from models.native import find_instruction_set

pytestmark = pytest.mark.skipif(find_instruction_set() is None, reason="the native engine was not built")


def rows_of(text, heading):
    """The cells of the table under a heading."""
    lines = text.split(f"## {heading}\n\n")[1].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_layer(capsys, tmp_path):
    layer.main(["--quick", "--repeats", "1", "--out", str(tmp_path / "layer.md")])
    text = capsys.readouterr().out
    assert (tmp_path / "layer.md").read_text() == text
    assert text.index("ratios") < text.index("Milliseconds")
    (z,), (invariant,) = rows_of(text, "Scattering z: ratios"), rows_of(text, "Invariant layer: ratios")
    assert "target >= 14, " in z[2]
    assert "target > 1, " in invariant[2]
    assert invariant[3] in layer.CONVS
    assert len(rows_of(text, "Milliseconds")) == 10
    differences = {name: float(found) for name, found in rows_of(text, "Relative differences")}
    assert len(differences) == 7
    assert max(differences.values()) < 1e-4


def test_step(capsys):
    step.main(["--quick", "--repeats", "1"])
    text = capsys.readouterr().out
    expected = [[name, str(batch)] for batch in step.BATCHES for name in ARCHITECTURES]
    for heading in ("Ratios", "Seconds for 60,000 images", "Rates of the native engine and of this core"):
        assert [row[:2] for row in rows_of(text, heading)] == expected
    targets = {row[0]: [row[place].split(",")[0] for place in (3, 5, 7)] for row in rows_of(text, "Ratios")}
    assert targets["conv"] == ["target >= 11", "target >= 4", "target >= 75 %"]
    assert targets["invariant"] == ["target >= 28", "target >= 2.5", "target >= 65 %"]
    assert targets["dct"] == ["target >= 8", "-", "target >= 65 %"]
    assert targets["wide-conv"] == ["target >= 3.5", "-", "target >= 65 %"]


def test_deep(capsys):
    deep.main(["--quick"])
    rows = rows_of(capsys.readouterr().out, "Speed")
    assert [row[0] for row in rows] == ["ref-w2", "invC-w2", "scatnetD-w2"]
    assert all(float(row[4]) < 1e-5 for row in rows)  # Both forms are the same network.
